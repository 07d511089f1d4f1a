import Documents
import Foundation
import Testing

/// A trained network leaves the program, and its weights come back.
@Suite struct ExportTests {
    @Test func aTrialIsExportedAndItsWeightsReadAgain() throws {
        let folder = try Folder()
        let study = folder.path("study")
        let onnx = folder.path("net.onnx")
        let weights = folder.path("net.safetensors")
        let made = try Program.run(
            "search", folder.write("experiment.yaml", MalformedInputTests.experiment), "--out", study, "--workers", "1",
            "--trials", "1")
        try #require(made.status == 0, "\(made.errors)")

        let exported = try Program.run("export", "\(study)#0", "--onnx", onnx, "--safetensors", weights, "--json")
        #expect(exported.status == 0, "\(exported.errors)")
        let rows = try exported.lines.map { try Document.parse($0, file: "export") }
        #expect(try rows.map { try $0.required("file").string() } == [weights, onnx])
        let bytes = FileManager.default.contents(atPath: onnx) ?? Data()
        #expect(try rows[1].required("bytes").int() == bytes.count)
        #expect(bytes.starts(with: [8, 8]), "field 1 of an ONNX file is the IR version, 8")

        try FileManager.default.createDirectory(atPath: folder.path("images"), withIntermediateDirectories: true)
        _ = try Pictures.save(folder.path("images/leaves.png"))
        func evaluate(_ model: String...) throws -> Document {
            let run = try Program.Run(["evaluate"] + model + ["--data", folder.path("images"), "--sigma", "25", "--json"])
                .finish()
            #expect(run.status == 0, "\(run.errors)")
            return try Document.parse(run.output, file: "evaluate")
        }
        let before = try evaluate("\(study)/trials/0/model.h5")
        let after = try evaluate(weights, "--architecture", "\(study)/trials/0/architecture.json")
        #expect(try before.required("psnr_db").double() == after.required("psnr_db").double())
        #expect(before["ssim"] == after["ssim"] && before["ssim"] != nil)
    }
}
