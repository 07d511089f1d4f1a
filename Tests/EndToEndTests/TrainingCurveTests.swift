import Documents
import Foundation
import Testing

/// Trainings on the command line: measured on the way, on two threads, resumed, drawn, and pruned.
@Suite struct TrainingCurveTests {
    private static let network = """
        halcyon: 1
        network:
          skeleton: {kind: unetpp, levels: 3, width: 4, deep-supervision: true, nodes: {block: plain, normalization: none}}
        """

    private static let experiment = """
        halcyon: 1
        name: curve
        data:
          train: {kind: dead-leaves, images: 4, size: 48, crop: 24}
          validation: {kind: dead-leaves, images: 1, size: 48, sigmas: [25]}
        noise: {kind: gaussian, sigma: 25}
        recipe: {batch: 2, steps: 24, learning-rate: 3e-3}
        latency: {size: 32x32}
        """

    /// The value of a metric at each step of `curve.jsonl`.
    private func curve(_ run: String, _ metric: String) throws -> [Int: Double] {
        let text = try String(contentsOfFile: run + "/curve.jsonl", encoding: .utf8)
        return try text.split(separator: "\n").reduce(into: [:]) { found, line in
            let row = try Document.parse(String(line), file: "curve.jsonl")
            if row["metric"] == .string(metric) { found[try row.required("step").int("step")] = try row.required("value").double("value") }
        }
    }

    @Test func qualityIsMeasuredOnTheWayAndDrawn() throws {
        let folder = try Folder()
        let network = try folder.write("network.yaml", Self.network), experiment = try folder.write("e.yaml", Self.experiment)
        func train(_ name: String, _ more: String...) throws -> String {
            let run = try Program.Run(["train", network, "--experiment", experiment, "--out", folder.path(name)] + more).finish()
            #expect(run.status == 0, "\(run.errors)")
            return folder.path(name)
        }
        let once = try train("once", "--threads", "2"), often = try train("often", "--measurements", "3", "--threads", "2")
        #expect(try curve(once, "psnr_db").keys.sorted() == [24] && curve(often, "psnr_db").keys.sorted() == [8, 16, 24])
        // To measure on the way changes nothing.
        #expect(try curve(once, "psnr_db")[24] == curve(often, "psnr_db")[24] && curve(once, "loss") == curve(often, "loss"))

        let drawn = try Program.run("curves", once, often, "--metric", "psnr_db", "--title", "Two", "--out", folder.path("c.svg"))
        #expect(drawn.status == 0 && drawn.lines.count == 2 && drawn.lines[1].hasPrefix("often: psnr_db"), "\(drawn.output)\(drawn.errors)")
        let picture = try String(contentsOfFile: folder.path("c.svg"), encoding: .utf8)
        #expect(["Two", "once", "often", "PSNR"].allSatisfy(picture.contains))
        let unknown = try Program.run("curves", once, "--metric", "psnr", "--out", folder.path("d.svg"))
        #expect(unknown.status == 2 && unknown.errors.contains("has no metric psnr") && unknown.errors.contains("psnr_db"))
        #expect(try Program.run("curves", folder.path("none"), "--out", folder.path("d.svg")).status == 2)

        // The set as a description; the network pruned to its exits.
        let data = "{kind: dead-leaves, images: 1, size: 48, seed: 5, sigmas: [25]}"
        func quality(_ more: String...) throws -> (Int32, String, Document) {
            let run = try Program.Run(["evaluate", once + "/model.h5", "--data", data, "--json"] + more).finish()
            return (run.status, run.errors, run.lines.isEmpty ? .null : try Document.parse(run.lines[0], file: "result"))
        }
        let full = try quality(), first = try quality("--exit", "1"), last = try quality("--exit", "2")
        #expect(full.0 == 0 && full.2 == last.2 && full.2["psnr_db"] != first.2["psnr_db"], "\(full.1)\(first.1)")
        #expect(try quality("--exit", "3").0 == 2 && quality("--sigma", "25").0 == 2)
        let exported = try Program.run("export", once + "/model.h5", "--onnx", folder.path("n.onnx"), "--depths", "each", "--json")
        #expect(exported.status == 0 && exported.lines.count == 2, "\(exported.errors)")
        #expect(try Program.run("export", once + "/model.h5", "--onnx", folder.path("n.onnx"), "--depths", "routed").status == 2)
    }
}
