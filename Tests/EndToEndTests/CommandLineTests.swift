import Documents
import Foundation
import Testing

/// Contracts of the command line that need no search.
@Suite struct CommandLineTests {
    @Test func helpAndVersion() throws {
        let help = try Program.run("--help")
        #expect(help.status == 0)
        for command in ["search", "resume", "replay", "pareto", "space", "cost", "train", "evaluate", "denoise", "bench", "worker"] {
            #expect(help.output.contains(command))
            #expect(try Program.run(command, "--help").status == 0)
        }
        #expect(try Program.run("--version").output.contains("."))
    }

    @Test(arguments: [
        ["search"], ["serach"], ["cost", "nothing.yaml"], ["cost", "README.md"], ["bench", "step", "--architecture", "none.yaml"],
        ["evaluate", "none.h5", "--data", "/", "--sigma", "25"], ["pareto", "/nowhere"], ["resume", "/nowhere"],
        ["search", "Makefile", "--out", "never"], ["denoise", "Makefile", "a.png", "b.png"],
        ["cost", "SearchSpaces/references/dncnn8x32.yaml", "--size", "0x5"], ["train", "SearchSpaces/mixed.yaml", "--experiment", "none", "--out", "x"],
        ["evaluate", "runs#3", "--data", "/", "--sigma", "25"], ["space", "check", "SearchSpaces/references/dncnn8x32.yaml"],
    ]) func faultyInputEndsWithTwoAndSaysWhy(_ arguments: [String]) throws {
        let result = try Program.Run(arguments).finish()
        #expect(result.status == 2, "\(result.errors)")
        #expect(!result.errors.isEmpty)
        #expect(!result.errors.contains("Fatal error"))
    }

    @Test func errorsInFilesAreLocated() throws {
        let folder = try Folder()
        let good = StudyCommandTests.experiment()
        for (from, to, line) in [
            ("name: small", "nmae: small", 2), ("loss: l1", "loss: l7", 8), ("sigma: 25}", "sigma: loud}", 7),
            ("kind: nsga2", "kind: nsga9", 12), ("at-most: 40000", "at-mots: 40000", 11), ("trials: 6", "trials: 0", 13),
            ("metric: macs", "metric: mcas", 10), ("size: 32x32", "size: 32", 9),
        ] {
            let file = try folder.write("bad.yaml", good.replacingOccurrences(of: from, with: to))
            let result = try Program.run("search", file, "--out", folder.path("never"))
            #expect(result.status == 2)
            #expect(result.errors.contains("bad.yaml:\(line):"), "\(from): \(result.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder.path("never") + "/study.sqlite"))
        }
    }

    @Test func theReferencesHaveTheirPublishedSizes() throws {
        let names = ["dncnn17x64", "dncnn8x32", "dncnn17x64-folded", "unetpp4x32", "unetpp3x16", "ffdnet-gray", "ffdnet-color"]
        let files = names.map { "SearchSpaces/references/\($0).yaml" }
        let result = try Program.Run(["cost", "--json"] + files).finish()
        let rows = try result.lines.map { try Document.parse($0, file: "cost") }
        #expect(try rows.map { try $0.required("parameters").int() } == [556_097, 56_289, 555_137, 2_233_921, 129_889, 485_316, 852_108])
        // One weight is one multiply-accumulate a pixel; DnCNN-S is published with 36.31 G at 256x256.
        #expect(try rows[2].required("macs").int() == (9 * 64 + 15 * 9 * 64 * 64 + 9 * 64) * 65536)
    }

    @Test func samplesOfASpaceAreArchitectures() throws {
        let folder = try Folder()
        for space in ["chain", "unetpp", "mixed"] {
            let sample = try Program.run("space", "sample", "SearchSpaces/\(space).yaml", "--seed", "4")
            #expect(sample.status == 0)
            let file = try folder.write("\(space).yaml", sample.output)
            #expect(try Program.run("cost", file).status == 0)
            #expect(try Program.run("space", "describe", "SearchSpaces/\(space).yaml").status == 0)
        }
        #expect(try Program.run("space", "schema").output.contains("json-schema.org"))
    }

    @Test func benchTellsItsNumbers() throws {
        let folder = try Folder()
        let file = try folder.write(
            "net.yaml", "halcyon: 1\nnetwork: {skeleton: {kind: chain, width: 8, blocks: [{block: plain}]}}\n")
        let step = try Program.run("bench", "step", "--architecture", file, "--batch", "2", "--size", "16", "--seconds", "0", "--json")
        let row = try Document.parse(step.output, file: "step")
        for key in [
            "architecture", "precision", "threads", "batch", "size", "parameters", "macs", "first_step_seconds", "step_seconds",
            "patches_per_second", "gflops_per_second", "peak_bytes",
        ] { #expect(row[key] != nil, "\(key)") }
        let infer = try Program.run("bench", "infer", "--architecture", file, "--size", "16", "--seconds", "0", "--json")
        let other = try Document.parse(infer.output, file: "infer")
        for key in ["latency_ms", "latency_mad_ms", "runs", "peak_bytes"] { #expect(other[key] != nil, "\(key)") }
    }
}
