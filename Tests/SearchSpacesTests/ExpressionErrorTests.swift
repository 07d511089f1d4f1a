import Documents
import SearchSpaces
import Testing

@Suite struct ExpressionErrorTests {
    static let all: [SpaceFault] = [
        SpaceFault(
            "unknown name", "template:\n  width: {int: [1, 8]}\n  hidden: {derived: \"widht * 2\"}",
            ["s.yaml:4:21", "character 1 of \"widht * 2\"", "nothing here is called \"widht\"", "did you mean \"width\""]),
        SpaceFault("a minus without spaces", "template:\n  width: {derived: \"a-b\"}", ["s.yaml:3:20", "a minus stands between spaces"]),
        SpaceFault("no expression", "template:\n  w: {derived: \"2 *\"}", ["s.yaml:3:16", "the end of \"2 *\"", "expected a number"]),
        SpaceFault("an open bracket", "template:\n  w: {derived: \"(2 + 1\"}", ["s.yaml:3:16", "expected \")\""]),
        SpaceFault("a lone =", "template:\n  w: {int: [1, 2]}\nconstraints: [\"w = 1\"]", ["s.yaml:4:15", "character 3", "equality is written =="]),
        SpaceFault("an open quote", "template:\n  w: {derived: \"'a\"}", ["s.yaml:3:16", "not closed"]),
        SpaceFault("a list for an expression", "template:\n  w: {derived: [1]}", ["s.yaml:3:16", "expected text"]),
        SpaceFault("misspelt derived", "template:\n  w: {derivd: \"1 + 1\"}", ["s.yaml:3:7", "did you mean \"derived\""]),
        SpaceFault("another key beside it", "template:\n  w: {derived: \"1\", step: 2}", ["s.yaml:3:21", "unknown key \"step\""]),
        SpaceFault(
            "a cycle", "template:\n  a: {derived: \"b + 1\"}\n  b: {derived: \"a + 1\"}", ["s.yaml:3:16", "cyclic: a > b > a"]),
        SpaceFault("itself", "template:\n  a: {derived: \"a + 1\"}", ["s.yaml:3:16", "nothing here is called \"a\""]),
        SpaceFault(
            "a text in a sum", "template:\n  a: {choice: [8, auto]}\n  b: {derived: \"a + 1\"}",
            ["s.yaml:4:16", "character 3 of \"a + 1\"", "expected a number, found a text"]),
        SpaceFault(
            "a number for a truth", "template:\n  a: {int: [1, 2]}\nconstraints: [\"a\"]", ["s.yaml:4:15", "true or false", "a number"]),
        SpaceFault("and of numbers", "template:\n  a: {int: [1, 2]}\nconstraints: [\"a and a > 1\"]", ["s.yaml:4:15", "found a number"]),
        SpaceFault(
            "what is never equal", "template:\n  a: {int: [1, 2]}\nconstraints: [\"a == 'x'\"]", ["s.yaml:4:15", "never equals"]),
        SpaceFault(
            "a misspelt text", "template:\n  a: {choice: [{kind: chain}, {kind: swin}]}\nconstraints: [\"a.kind == 'chian'\"]",
            ["s.yaml:4:15", "never 'chian'", "did you mean 'chain'"]),
        SpaceFault(
            "unknown parts", "template:\n  a: {choice: [{kind: chain}, {kind: swin}]}\nconstraints: [\"a.knd == 'chain'\"]",
            ["s.yaml:4:15", "nothing has these parts"]),
        SpaceFault("a mapping", "template:\n  a: {b: {int: [1, 2]}}\nconstraints: [\"a > 1\"]", ["s.yaml:4:15", "this is a mapping"]),
        SpaceFault(
            "a repeat without positions", "template:\n  a: {repeat: {b: {int: [1, 2]}}, count: 2}\nconstraints: [\"a.b > 1\"]",
            ["s.yaml:4:15", "a repeat has positions"]),
        SpaceFault(
            "many values", "template:\n  a: {repeat: {int: [1, 2]}, count: 2}\nconstraints: [\"a[*] > 1\"]", ["s.yaml:4:15", "stands for many"]),
        SpaceFault("no function", "template:\n  a: {derived: \"mix(1, 2)\"}", ["s.yaml:3:16", "no function \"mix\"", "did you mean \"max\""]),
        SpaceFault("too few values", "template:\n  a: {derived: \"if(true, 2)\"}", ["s.yaml:3:16", "if: expected 3 values, found 2"]),
        SpaceFault(
            "division by zero", "template:\n  a: {int: [0, 4]}\n  b: {derived: \"8 // a\"}", ["s.yaml:4:16", "divides by zero", "where a = 0"]),
        SpaceFault("always by zero", "template:\n  b: {derived: \"8 / 0\"}", ["s.yaml:3:16", "divides by zero", "always"]),
        SpaceFault(
            "division by zero among many", "template:\n  a: {int: [-900000, 900000]}\n  b: {derived: \"8 / a\"}",
            ["s.yaml:4:16", "where a = 0"]),
        SpaceFault(
            "what may not be there", "template:\n  a: {choice: [{w: {int: [1, 2]}}, none]}\n  b: {derived: \"a.w * 2\"}",
            ["s.yaml:4:16", "does not stand in every architecture", "default("]),
        SpaceFault(
            "a count that is no integer", "template:\n  a: {int: [1, 3]}\n  b: {repeat: 1, count: {derived: \"a / 2\"}}",
            ["s.yaml:4:35", "expected an integer from 0 to 1000, found 0.5 where a = 1"]),
        SpaceFault(
            "a negative count", "template:\n  a: {int: [1, 3]}\n  b: {repeat: 1, count: {derived: \"a - 2\"}}", ["s.yaml:4:35", "found -1 where a = 1"]),
        SpaceFault(
            "a count from later", "template:\n  b: {repeat: 1, count: {derived: \"a\"}}\n  a: {int: [1, 3]}",
            ["s.yaml:3:35", "decided before it"]),
        SpaceFault(
            "a count of too many", "template:\n  a: {int: [1, 100000]}\n  b: {repeat: 1, count: {derived: \"min(a, 3)\"}}",
            ["s.yaml:4:35", "too many values"]),
        SpaceFault("never", "template: {a: {int: [1, 2]}}\nconstraints: [\"1 > 2\"]", ["s.yaml:3:15", "never holds"]),
        SpaceFault(
            "unsatisfiable", "template: {a: {int: [1, 4]}, b: {int: [1, 4]}}\nconstraints: [\"b > 0\", \"a > 4\"]",
            ["s.yaml:3:24", "no architecture meets the constraint \"a > 4\""]),
        SpaceFault(
            "unsatisfiable together",
            "template:\n  a: {int: [1, 4]}\n  b: {c: {int: [1, 9]}, constraints: [\"c < a\"]}\nconstraints: [\"a < 4\", \"b.c > 3\", \"a + b.c > 1\"]",
            ["s.yaml:4:39: ", "\"b.c > 3\" (s.yaml:5:24)", "\"c < a\" (s.yaml:4:39)", "together"]),
        SpaceFault(
            "equality of floats", "template: {a: {float: [1, 4]}, b: {float: [1, 4]}}\nconstraints: [\"a == b * 1.5\"]",
            ["s.yaml:3:15", "no architecture was found", "derive a value"]),
        SpaceFault("constraints that are no list", "template: 1\nconstraints: a > 1", ["s.yaml:3:14", "expected a list"]),
        SpaceFault(
            "unused shared", "shared: {w: {int: [1, 2]}}\ntemplate: {a: {int: [1, 2]}}\nconstraints: [\"w < a\"]",
            ["s.yaml:4:15", "used nowhere"]),
        SpaceFault(
            "a name of several", "template: {a: {int: [1, 2], name: w}, b: {c: {int: [1, 2], name: w}}}\nconstraints: [\"w < 2\"]",
            ["s.yaml:3:15", "given to several decisions: a, b.c"]),
        SpaceFault("a position that is decided", "template: {a: [{int: [1, 2]}, 3], b: {int: [0, 1]}}\nconstraints: [\"a[b] < 2\"]", ["s.yaml:3:15", "a position is a number"]),
        SpaceFault("a float's zero step", "template: {a: {float: [0, 1], step: 0}}", ["s.yaml:2:37", "above 0"]),
        SpaceFault("a float's tiny step", "template: {a: {float: [0, 1], step: 1.0e-12}}", ["s.yaml:2:37", "more than"]),
        SpaceFault("an unknown preset", "preset: smal\npresets: {small: {a: 1}}\ntemplate: {a: {int: [1, 2]}}", ["s.yaml:2:9", "did you mean \"small\""]),
        SpaceFault("a preset without presets", "preset: small\ntemplate: {a: {int: [1, 2]}}", ["s.yaml:2:9", "has no presets"]),
        SpaceFault("a preset of nothing", "presets: {small: {width: 1}}\ntemplate: {widths: {int: [1, 2]}}", ["s.yaml:2:19", "ends with \"width\"", "did you mean \"widths\""]),
        SpaceFault("an impossible preset", "presets: {small: {a: 7}}\ntemplate: {a: {int: [1, 2]}}", ["s.yaml:2:22", "a cannot be 7", "1...2"]),
        SpaceFault("a preset's unknown label", "presets: {small: {a: z}}\ntemplate: {a: {choice: [x, y]}}", ["s.yaml:2:22", "cannot be \"z\"", "x, y"]),
        SpaceFault(
            "a preset against the constraints", "preset: p\npresets: {p: {a: 2}}\ntemplate: {a: {int: [1, 2]}, b: {int: [1, 2]}}\nconstraints: [\"a < b\"]",
            ["s.yaml:3:11", "\"a < b\" under the preset \"p\""]),
        SpaceFault(
            "values that double", "template:\n  a0: {int: [1, 2]}\n"
                + (1...40).map { "  a\($0): {derived: \"a\($0 - 1) + a\($0 - 1)\"}" }.joined(separator: "\n"), ["s.yaml:", "steps"]),
        SpaceFault("brackets without end", "template:\n  a: {derived: \"\(String(repeating: "(", count: 5_000))1\"}", ["s.yaml:3:16", "more than 100"]),
    ]

    @Test(arguments: all) func faultsAreLocated(_ fault: SpaceFault) {
        do {
            _ = try SearchSpace(Document.parse("halcyon: 1\n" + fault.text, file: "s.yaml"))
            Issue.record("nothing was wrong")
        } catch {
            #expect(error is InputError)
            for part in fault.parts { #expect("\(error)".contains(part), "\(error)") }
        }
    }

    @Test func infeasibleGenotypesAreRefused() throws {
        let text = "halcyon: 1\ntemplate: {a: {int: [1, 4]}, b: {int: [1, 4]}}\nconstraints: [\"a < b\"]"
        let space = try SearchSpace(Document.parse(text, file: "s.yaml"))
        #expect(try space.genotype(from: ["a": 1, "b": 2]).count == 2)
        let error = #expect(throws: InputError.self) { try space.genotype(from: ["a": 2, "b": 2]) }
        #expect("\(try #require(error))".contains("\"a < b\" does not hold"))
    }
}
