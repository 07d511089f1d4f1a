import Documents
import Foundation
import RandomStreams
import SearchSpaces
import Testing

@Suite struct IncludeTests {
    private func folder(_ files: [String: String]) throws -> String {
        let folder = FileManager.default.temporaryDirectory.appending(path: "halcyon-include-\(UUID())")
        for (name, text) in files {
            let file = folder.appending(path: name)
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        return folder.path
    }

    @Test func partsComeFromOtherFiles() throws {
        let folder = try folder([
            "space.yaml": """
                halcyon: 1
                include: [parts/blocks.yaml]
                definitions: {plain: {kind: own}}
                presets: {two: {width: 2}}
                template: {net: {width: {int: [1, 4]}, blocks: {repeat: {reference: block}, count: 2}, tail: {include: parts/tail.yaml}}}
                constraints: ["net.width > 1"]
                """,
            "parts/blocks.yaml": """
                halcyon: 1
                include: more.yaml
                definitions: {block: {choice: [{reference: plain}, {reference: wide}]}, plain: {kind: included}}
                presets: {three: {width: 3}}
                constraints: ["net.width != 4"]
                """,
            "parts/more.yaml": "halcyon: 1\ndefinitions:\n  wide:\n    kind: wide\n    w: {int: [1, 3]}\n    constraints: [w <= width]\n",
            "parts/tail.yaml": "{kernel: {choice: [3, 5]}}\n",
        ])
        let space = try SearchSpace.load(folder + "/space.yaml")
        #expect(space.presets.sorted() == ["three", "two"])
        #expect(space.constraints.sorted() == ["net.width != 4", "net.width > 1", "w <= width"])
        // Widths 2 and 3, each block plain or as wide as the width allows.
        #expect(space.count == SpaceSize(number: 2.0 * Double((1 + 2) * (1 + 2) + (1 + 3) * (1 + 3)), isInfinite: false, isExact: true))
        // What is read is the whole space: it needs no other file.
        let whole = try SearchSpace(Document.parse(space.document.yaml, file: "elsewhere.yaml"))
        #expect(whole.decisions == space.decisions)
        var stream = RandomStream(seed: 1)
        let document = space.resolve(space.sample(using: &stream))
        #expect(document["net"]?["tail"]?["kernel"]?.location?.file.hasSuffix("parts/tail.yaml") == true)
        #expect(try SearchSpace.load(folder + "/space.yaml", preset: "three").count.number == 2 * 16)
        #expect(throws: InputError.self) { try SearchSpace.load(folder + "/space.yaml", preset: "four") }
    }

    @Test func aSpaceNarrowsAnother() throws {
        let folder = try folder([
            "wide.yaml": "halcyon: 1\nname: wide\ntemplate: {width: {int: [1, 8]}}\n",
            "narrow.yaml": "halcyon: 1\nname: narrow\ninclude: wide.yaml\nconstraints: [width <= 3]\n",
        ])
        let space = try SearchSpace.load(folder + "/narrow.yaml")
        #expect(space.name == "narrow")
        #expect(space.size == 3)
    }

    @Test func faultsNameTheirFile() throws {
        let cases: [(files: [String: String], parts: [String])] = [
            (["a.yaml": "halcyon: 1\ninclude: gone.yaml\ntemplate: 1"], ["a.yaml:2:10", "no such file", "gone.yaml"]),
            (["a.yaml": "halcyon: 1\ntemplate:\n  x: {include: gone.yaml}"], ["a.yaml:3:16", "no such file"]),
            (["a.yaml": "halcyon: 1\ntemplate:\n  x: {include: b.yaml, y: 1}"], ["a.yaml:3:7", "stands alone"]),
            (["a.yaml": "halcyon: 1\ninclude: 3\ntemplate: 1"], ["a.yaml:2:10", "expected text"]),
            (
                ["a.yaml": "halcyon: 1\ninclude: b.yaml\ntemplate: 1", "b.yaml": "halcyon: 1\ninclude: a.yaml"],
                ["b.yaml:2:10", "cyclic: a.yaml > b.yaml > a.yaml"]
            ),
            (["a.yaml": "halcyon: 1\ntemplate: {include: b.yaml}", "b.yaml": "x:\n  y: {include: b.yaml}"], ["b.yaml:2:16", "cyclic: b.yaml > b.yaml"]),
            (["a.yaml": "halcyon: 1\ninclude: b.yaml\ntemplate: 1", "b.yaml": "definitions: {}"], ["b.yaml:1:1", "\"halcyon\" is missing"]),
            (
                ["a.yaml": "halcyon: 1\ninclude: b.yaml\ntemplate: {reference: x}", "b.yaml": "halcyon: 1\ndefinitions:\n  x: {int: [3, 1]}"],
                ["b.yaml:3:12", "above"]
            ),
            (
                ["a.yaml": "halcyon: 1\ninclude: b.yaml\ntemplate: {w: {int: [1, 2]}, x: {reference: x}}", "b.yaml": "halcyon: 1\ndefinitions:\n  x: {derived: \"v + 1\"}"],
                ["b.yaml:3:16", "nothing here is called \"v\""]
            ),
            (["a.yaml": "halcyon: 1\ntemplate: {include: b.yaml}", "b.yaml": "x: [1"], ["b.yaml:"]),
            (
                [
                    "a.yaml": "halcyon: 1\ninclude: [b.yaml, c.yaml]\ntemplate: 1", "b.yaml": "halcyon: 1\ndefinitions: {x: 1}",
                    "c.yaml": "halcyon: 1\ndefinitions: {x: 2}",
                ], ["c.yaml:2:15", "comes from two included files", "b.yaml:2:18"]
            ),
        ]
        for (files, parts) in cases {
            let folder = try folder(files)
            do {
                _ = try SearchSpace.load(folder + "/a.yaml")
                Issue.record("nothing was wrong with \(files)")
            } catch {
                #expect(error is InputError)
                for part in parts { #expect("\(error)".contains(part), "\(error)") }
            }
        }
    }
}
