import Documents
import Foundation
import Testing

/// The files that other programs compare with: `bench gradients` and `bench infer --out`.
@Suite struct GradientFileTests {
    private static let chain = "halcyon: 1\nnetwork: {skeleton: {kind: chain, width: 4, blocks: [{block: plain}]}}\n"
    private static let dynamic = """
        halcyon: 1
        network:
          input-channels: 3
          noise-map: true
          skeleton: {kind: dynamic, width: 4, stages: [{blocks: [{block: plain}]}, {blocks: [{block: plain}]}]}

        """

    /// The header of a safetensors file, and its names without groups.
    private func header(_ path: String) throws -> (fields: Document, plain: Set<String>) {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        let length = (0..<8).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
        let fields = try Document.parse(String(decoding: bytes[8..<8 + length], as: UTF8.self), file: path)
        return (fields, Set(try fields.fields("header").map(\.key).filter { !$0.contains("/") && $0 != "__metadata__" }))
    }

    @Test func aSeedIsAFile() throws {
        let folder = try Folder()
        let file = try folder.write("net.yaml", Self.chain)
        func run(_ seed: String, _ name: String) throws -> Data {
            let result = try Program.run(
                "bench", "gradients", "--architecture", file, "--seed", seed, "--size", "9x7", "--out", folder.path(name))
            #expect(result.status == 0, "\(result.errors)")
            return try Data(contentsOf: URL(fileURLWithPath: folder.path(name)))
        }
        let first = try run("3", "a")
        #expect(try run("3", "b") == first)
        #expect(try run("4", "c") != first)
    }

    @Test func bothPrecisionsTellOneStory() throws {
        let folder = try Folder()
        let file = try folder.write("net.yaml", Self.dynamic)
        var losses: [[Double]] = []
        for precision in ["f32", "f64"] {
            let out = folder.path(precision)
            let result = try Program.run(
                "bench", "gradients", "--architecture", file, "--seed", "5", "--size", "8", "--steps", "3", "--precision", precision,
                "--out", out, "--json")
            #expect(result.status == 0, "\(result.errors)")
            let row = try Document.parse(result.output, file: "row")
            for key in ["architecture", "seed", "precision", "loss", "losses", "tensors", "file"] { #expect(row[key] != nil, "\(key)") }
            losses.append(try row.required("losses").array().map { try $0.double() })
            #expect(losses.last?.first == (try row.required("loss").double()))

            let (fields, plain) = try header(out)
            #expect(plain == ["input", "noise-map", "target", "output", "exit1", "router", "loss", "losses"])
            #expect(fields["input"]?["dtype"]?.json == (precision == "f32" ? "\"F32\"" : "\"F64\""))
            #expect(fields["input"]?["shape"]?.json == "[2,3,8,8]")
            #expect(fields["router"]?["shape"]?.json == "[2,1,1,1]")
            #expect(fields["losses"]?["shape"]?.json == "[3]")
            for name in ["parameters/router.threshold", "buffers/router.threshold", "gradients/conv0.weight", "parameters/conv0.weight"] {
                #expect(fields[name] != nil, "\(name)")
            }
            #expect(fields["gradients/router.threshold"] == nil && fields["buffers/conv0.weight"] == nil)
            for key in [
                "halcyon", "architecture", "architecture_hash", "seed", "precision", "steps", "batch", "size", "layout", "learning-rate",
                "exit-costs", "budget",
            ] { #expect(fields["__metadata__"]?[key] != nil, "\(key)") }
        }
        for (single, double) in zip(losses[0], losses[1]) { #expect(abs(single - double) < 1e-5 * double) }
        #expect(losses[1][2] < losses[1][0])
    }

    @Test func anInferenceHasTheInputsOfItsSeed() throws {
        let folder = try Folder()
        let file = try folder.write("net.yaml", Self.dynamic)
        let arguments = ["bench", "infer", "--architecture", file, "--seed", "2", "--size", "7x9", "--batch", "2", "--out"]
        for name in ["a", "b"] { #expect(try Program.Run(arguments + [folder.path(name)]).finish().status == 0) }
        let first = try Data(contentsOf: URL(fileURLWithPath: folder.path("a")))
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("b"))) == first)
        let (fields, plain) = try header(folder.path("a"))
        #expect(plain == ["input", "noise-map", "output", "exit1", "router"])
        #expect(fields["output"]?["shape"]?.json == "[2,3,7,9]")
        #expect(fields["__metadata__"]?["seed"]?.json == "\"2\"")
    }

    @Test(arguments: [
        (["--seed=-1"], "--seed"), (["--steps", "0"], "--steps"), (["--batch", "0"], "batch"), (["--size", "0"], "--size"),
        (["--precision", "f16"], "f32"), (["--out", "/nowhere/at/all"], "no folder"), (["--out", "/"], "folder"),
        (["--precision", "f64", "--size", "3000"], "--precision f32"), (["--architecture", "none.yaml"], "none.yaml"),
    ]) func faultyOptionsEndWithTwo(_ options: [String], _ words: String) throws {
        let folder = try Folder()
        let file = try folder.write("net.yaml", Self.chain)
        let usual = [("--architecture", file), ("--out", folder.path("never"))].flatMap { name, value in
            options.contains(name) ? [] : [name, value]
        }
        let result = try Program.Run(["bench", "gradients"] + usual + options).finish()
        #expect(result.status == 2 && result.errors.contains(words), "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("never")))
    }

    @Test func aSeedOfATimingIsRefused() throws {
        let result = try Program.run("bench", "infer", "--architecture", "SearchSpaces/references/dncnn8x32.yaml", "--seed", "1")
        #expect(result.status == 2 && result.errors.contains("--out"), "\(result.errors)")
    }
}
