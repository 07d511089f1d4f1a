import Documents
import SearchSpaces
import Testing

/// A malformed space (the lines after `halcyon: 1`) and what its message must hold.
struct SpaceFault: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    let parts: [String]

    init(_ name: String, _ text: String, _ parts: [String]) {
        (testDescription, self.text, self.parts) = (name, text, parts)
    }

    static let all: [SpaceFault] = [
        SpaceFault("no template", "name: x", ["s.yaml:1:1", "template"]),
        SpaceFault("misspelt top key", "templat: 1\ntemplate: 2", ["s.yaml:2:1", "did you mean \"template\""]),
        SpaceFault("misspelt key", "template:\n  a: {int: [1, 2], setp: 1}", ["s.yaml:3:20", "\"setp\"", "did you mean \"step\""]),
        SpaceFault("misspelt construct", "template:\n  a: {chioce: [1, 2]}", ["s.yaml:3:7", "did you mean \"choice\""]),
        SpaceFault("misspelt reference", "template:\n  a: {refrence: block}", ["s.yaml:3:7", "did you mean \"reference\""]),
        SpaceFault("misspelt repeat", "template:\n  a: {repaet: 1, count: 2}", ["s.yaml:3:7", "did you mean \"repeat\""]),
        SpaceFault("empty choice", "template:\n  a: {choice: []}", ["s.yaml:3:15", "at least one alternative"]),
        SpaceFault("choice of nothing", "template:\n  a: {choice: 3}", ["s.yaml:3:15", "expected a list"]),
        SpaceFault("low above high", "template:\n  a: {int: [5, 2]}", ["s.yaml:3:12", "5", "above", "[2, 5]"]),
        SpaceFault("float low above high", "template:\n  a: {float: [1.5, 0.5]}", ["s.yaml:3:14", "above"]),
        SpaceFault("one bound", "template:\n  a: {int: [5]}", ["s.yaml:3:12", "two bounds"]),
        SpaceFault("fractional bound", "template:\n  a: {int: [1, 2.5]}", ["s.yaml:3:16", "expected an integer"]),
        SpaceFault("text bound", "template:\n  a: {float: [1, many]}", ["s.yaml:3:18", "expected a number"]),
        SpaceFault("zero step", "template:\n  a: {int: [1, 5], step: 0}", ["s.yaml:3:26", "step"]),
        SpaceFault("unknown scale", "template:\n  a: {int: [1, 5], scale: lin}", ["s.yaml:3:27", "linear, log"]),
        SpaceFault("log from zero", "template:\n  a: {int: [0, 5], scale: log}", ["s.yaml:3:12", "log scale"]),
        SpaceFault("float log from zero", "template:\n  a: {float: [0, 5], scale: log}", ["s.yaml:3:14", "log scale"]),
        SpaceFault(
            "unknown reference", "definitions: {block: 1}\ntemplate:\n  a: {reference: blok}",
            ["s.yaml:4:18", "did you mean \"block\""]),
        SpaceFault("reference without names", "template:\n  a: {reference: blok}", ["s.yaml:3:18", "no definitions"]),
        SpaceFault(
            "cycle", "definitions:\n  a: {x: {reference: b}}\n  b: {choice: [1, {reference: a}]}\ntemplate: 1",
            ["s.yaml:4:31", "a > b > a"]),
        SpaceFault("cycle through shared", "shared:\n  a: [{reference: a}]\ntemplate: 1", ["s.yaml:3:19", "a > a"]),
        SpaceFault(
            "defined twice", "definitions: {a: 1}\nshared:\n  a: 2\ntemplate: 1", ["s.yaml:4:3", "definitions and under shared"]),
        SpaceFault("no count", "template:\n  a: {repeat: 1}", ["s.yaml:3:6", "\"count\" is missing"]),
        SpaceFault("count of text", "template:\n  a: {repeat: 1, count: two}", ["s.yaml:3:25", "count"]),
        SpaceFault("negative count", "template:\n  a: {repeat: 1, count: {int: [-1, 2]}}", ["s.yaml:3:25", "count"]),
        SpaceFault("count choice of text", "template:\n  a: {repeat: 1, count: {choice: [1, two]}}", ["s.yaml:3:38", "count"]),
        SpaceFault(
            "unknown positions", "template:\n  a: {repeat: 1, count: 2, positions: same}", ["s.yaml:3:39", "independent, tied"]),
        SpaceFault("unused definition", "definitions:\n  a: {int: [2, 1]}\ntemplate: 1", ["s.yaml:3:12", "above"]),
        SpaceFault(
            "too large", "template: {repeat: {repeat: {int: [1, 2]}, count: 1000}, count: 1000}", ["s.yaml:2:11", "too large"]),
    ]
}

@Suite struct SpaceErrorTests {
    @Test(arguments: SpaceFault.all) func faultsAreLocated(_ fault: SpaceFault) {
        do {
            _ = try SearchSpace(Document.parse("halcyon: 1\n" + fault.text, file: "s.yaml"))
            Issue.record("nothing was wrong")
        } catch {
            #expect(error is InputError)
            for part in fault.parts { #expect("\(error)".contains(part)) }
        }
    }

    @Test func impossibleGenotypesAreRefused() throws {
        let text = "halcyon: 1\ntemplate: {a: {choice: [x, {w: {int: [1, 5], step: 2}}]}, b: {float: [0, 1]}}"
        let space = try SearchSpace(Document.parse(text, file: "s.yaml"))
        #expect(try space.genotype(from: Document.parse("{a: 1, a/1.w: 3, b: 1}", file: "g")).count == 3)
        for bad in [
            "{b: 1}", "{a: 2, b: 1}", "{a: 0, a/1.w: 3, b: 1}", "{a: 1, a/1.w: 2, b: 1}", "{a: 0, b: 2}", "{a: x, b: 1}", "[]",
        ] {
            #expect(throws: InputError.self, "\(bad)") { try space.genotype(from: Document.parse(bad, file: "g")) }
        }
    }
}
