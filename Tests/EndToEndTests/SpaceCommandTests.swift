import Documents
import Foundation
import Testing

/// `halcyon space`, and experiments whose space has presets, includes and constraints.
@Suite struct SpaceCommandTests {
    private static let blocks = """
        halcyon: 1
        definitions:
          block:
            choice:
              - {block: plain, kernel: {choice: [3, 5]}}
              - {block: dense, layers: 2, growth: {derived: "width // 2"}}
              - {block: window-attention, heads: {choice: [2, 3, 4]}, window: 8, constraints: ["heads divides width"]}
        """
    private static let space = """
        halcyon: 1
        name: constrained
        include: blocks.yaml
        template:
          halcyon: 1
          network:
            skeleton: {kind: chain, width: {int: [8, 24], step: 4}, blocks: {repeat: {reference: block}, count: {int: [1, 3]}}}
        constraints: ["count(network.skeleton.blocks) * network.skeleton.width <= 48"]
        presets: {narrow: {width: 8, blocks.count: 2}}
        """

    private func folder() throws -> (folder: Folder, space: String) {
        let folder = try Folder()
        _ = try folder.write("blocks.yaml", Self.blocks)
        return (folder, try folder.write("space.yaml", Self.space))
    }

    @Test func describeCountsAndMeasures() throws {
        let (folder, space) = try folder()
        // Blocks by width: 2 plain, 1 dense and as many of attention as have a divisor among their heads.
        var expected = 0
        for width in stride(from: 8, through: 24, by: 4) {
            let kinds = 3 + [2, 3, 4].filter { width % $0 == 0 }.count
            for count in 1...3 where count * width <= 48 { expected += Array(repeating: kinds, count: count).reduce(1, *) }
        }
        let described = try Program.run("space", "describe", space, "--json", "--count", "40", "--size", "16")
        let document = try Document.parse(json: described.output, file: "out")
        #expect(document["combinations"] == .int(expected) && document["size"] == .int(expected) && document["exact"] == true)
        #expect(document["presets"] == ["narrow"])
        let samples = try document.required("samples")
        #expect(samples["built"] == 40 && samples["size"] == "16x16")
        let all = try samples.required("families").array()[0]
        for metric in ["parameters", "macs", "peak_bytes"] {
            let spread = try ["minimum", "median", "maximum"].map { try all.required(metric).required($0).double() }
            #expect(spread[0] > 0 && spread[0] <= spread[1] && spread[1] <= spread[2] && spread[0] < spread[2])
        }
        let text = try Program.run("space", "describe", space, "--count", "10", "--size", "16").output
        #expect(text.contains("points, up to") && text.contains("constraint: heads divides width") && text.contains("growth: = width // 2"))
        #expect(text.contains("minimum / median / maximum of 10 samples at 16x16"))

        let experiment = try folder.write(
            "experiment.yaml",
            """
            halcyon: 1
            name: e
            space: {file: space.yaml, preset: narrow}
            data:
              train: {kind: dead-leaves, images: 2, size: 32}
              validation: {kind: dead-leaves, images: 1, size: 32, sigmas: [25]}
            noise: {kind: gaussian, sigma: 25}
            recipe: {loss: l1, optimizer: adam, learning-rate: 1e-3, batch: 2, steps: 2}
            latency: {size: 16x16}
            objectives: [{metric: psnr_db, direction: maximize, reference: 5}, {metric: macs, direction: minimize, reference: 1e12}]
            constraints: [{metric: parameters, at-most: 3}, {metric: psnr_db, at-least: 3}, {metric: macs, at-most: 1e12}]
            budget: {trials: 2}
            """)
        let judged = try Program.run("space", "describe", space, "--count", "20", "--experiment", experiment)
        #expect(judged.output.contains("parameters <= 3: met by none of 20"), "\(judged)")
        #expect(judged.output.contains("psnr_db >= 3: known only after training"))
        #expect(judged.output.contains("macs <= 1,000,000,000,000: met by 20 of 20 (100 %)"))
        #expect(judged.output.contains("all of them: met by none of 20"))
        #expect(try Program.run("space", "describe", space, "--experiment", experiment, "--size", "8").status == 2)
    }

    @Test func presetsAreSampledAndChecked() throws {
        let (folder, space) = try folder()
        defer { withExtendedLifetime(folder) {} }
        let samples = try Program.run("space", "sample", space, "--preset", "narrow", "--count", "8", "--json")
        #expect(samples.lines.count == 8)
        for line in samples.lines {
            let skeleton = try Document.parse(json: line, file: "sample").required("network").required("skeleton")
            #expect(skeleton["width"] == 8)
            #expect(try skeleton.required("blocks").array().count == 2)
        }
        let checked = try Program.run("space", "check", space, "--count", "10")
        #expect(checked.status == 0 && checked.output.contains("constrained, preset narrow: 25 points"), "\(checked)")
        let unknown = try Program.run("space", "sample", space, "--preset", "wide")
        #expect(unknown.status == 2 && unknown.errors.contains("no preset \"wide\""))
    }

    @Test func contradictionsEndBeforeAnythingRuns() throws {
        let (folder, _) = try folder()
        let space = try folder.write("never.yaml", Self.space.replacingOccurrences(of: "<= 48", with: "< 8"))
        for arguments in [["space", "check", space], ["space", "describe", space], ["space", "sample", space]] {
            let result = try Program.Run(arguments).finish()
            #expect(result.status == 2 && result.errors.contains("never.yaml:8:15: no architecture meets the constraint"), "\(result)")
        }
        let table = try folder.write("rows.csv", "left,right,error\n0,0,3\n0,1,2\n1,0,4\n1,1,1\n")
        let experiment = try folder.write("search.yaml", Self.search(table, space: "never.yaml"))
        let result = try Program.run("search", experiment, "--out", folder.path("run"), "--executor", "simulated")
        #expect(result.status == 2 && result.errors.contains("never.yaml:8:15"), "\(result)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("run")))
    }

    private static func search(_ table: String, space: String) -> String {
        """
        halcyon: 1
        name: table
        space: \(space)
        data: {kind: table, path: \(table), decisions: [left, right], metrics: {error: error}}
        objectives: [{metric: error, direction: minimize, reference: 9}]
        strategy: {kind: random}
        fidelity: {kind: full, resource: epochs, rungs: [1]}
        budget: {trials: 3}
        workers: 1
        """
    }

    /// A study's folder holds the whole space, with the preset in force: it is replayed when the files are gone.
    @Test func aStudyNeedsNoOtherFile() throws {
        let (folder, _) = try folder()
        let table = try folder.write("rows.csv", "left,right,error\n0,0,3\n0,1,2\n1,0,4\n1,1,1\n")
        _ = try folder.write("right.yaml", "{choice: [0, 1]}\n")
        _ = try folder.write(
            "lr.yaml",
            "halcyon: 1\npresets: {zero: {left: 0}}\ntemplate: {left: {choice: [0, 1]}, right: {include: right.yaml}}\nconstraints: [\"left + right < 2\"]\n")
        let experiment = try folder.write("search.yaml", Self.search(table, space: "{file: lr.yaml, preset: zero}"))
        let result = try Program.run("search", experiment, "--out", folder.path("run"), "--executor", "simulated")
        #expect(result.status == 0, "\(result)")
        for name in ["lr.yaml", "right.yaml"] { try FileManager.default.removeItem(atPath: folder.path(name)) }
        let replayed = try Program.run("replay", folder.path("run"))
        #expect(replayed.status == 0, "\(replayed)")
        let text = try String(contentsOfFile: folder.path("run/experiment.yaml"), encoding: .utf8)
        #expect(!text.contains("include") && text.contains("preset"))
        // Two points are left: (0, 0) and (0, 1).
        let trials = try Program.tool(["sqlite3", folder.path("run/study.sqlite"), "select genotype from trials order by number"])
        if trials.status == 0 {
            #expect(Set(trials.output.split(separator: "\n")) == ["{\"left\":0,\"right\":0}", "{\"left\":0,\"right\":1}"], "\(trials.output)")
        }
    }
}
