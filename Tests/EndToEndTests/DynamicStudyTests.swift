import Documents
import Foundation
import TrialStore
import Testing

/// A search over networks of dynamic depth: operating points from the worker to the front and the pictures, and the threshold.
@Suite(.serialized) struct DynamicStudyTests {
    static let space = """
        halcyon: 1
        name: depths
        template:
          halcyon: 1
          network:
            skeleton:
              kind: dynamic
              width: 8
              stages: {repeat: {blocks: [{choice: [{block: plain}, {block: residual}]}]}, count: {int: [2, 3]}}
        """

    @Test func operatingPointsReachFrontAndPictures() throws {
        let folder = try Folder()
        let experiment = StudyCommandTests.experiment(steps: 30, trials: 2)
            .replacingOccurrences(of: "\(Program.repository)/SearchSpaces/mixed.yaml", with: try folder.write("space.yaml", Self.space))
        let study = folder.path("study")
        let run = try Program.run("search", folder.write("experiment.yaml", experiment), "--out", study)
        #expect(run.status == 0, "\(run.errors)")
        let reader = try StudyReader(directory: study)
        let points = try reader.points()
        #expect(points.count == 2)
        for (trial, points) in points {
            #expect(points.count >= 3 && points[0].threshold == 0, "trial \(trial)")
            for point in points {
                for metric in ["psnr_db", "ssim", "latency_ms", "latency_p95_ms", "macs"] {
                    #expect(point.metrics[metric] != nil, "\(metric) of point \(point.point) of trial \(trial)")
                }
            }
            #expect(Set(points.compactMap(\.threshold)).count == points.count)
            for (cheaper, dearer) in zip(points.dropFirst(2), points.dropFirst()) {
                #expect(try #require(cheaper.metrics["macs"]) <= #require(dearer.metrics["macs"]))
            }
        }
        #expect(try !reader.front().isEmpty)
        #expect(try String(contentsOfFile: "\(study)/front.svg", encoding: .utf8).contains("one network"))
        #expect(try String(contentsOfFile: "\(study)/curves.svg", encoding: .utf8).contains("#0 dynamic"))

        try FileManager.default.createDirectory(atPath: folder.path("images"), withIntermediateDirectories: true)
        let picture = try Pictures.save(folder.path("images/leaves.png"))
        let model = "\(study)#\(try #require(reader.trials().first).number)"
        func evaluate(_ threshold: String) throws -> Document {
            let run = try Program.run(
                "evaluate", model, "--data", folder.path("images"), "--sigma", "25", "--threshold", threshold, "--json")
            #expect(run.status == 0, "\(run.errors)")
            return try Document.parse(run.lines[0], file: "result")
        }
        let full = try evaluate("0"), first = try evaluate("1000")
        #expect(full["psnr_db"] == full["full_depth_psnr_db"] && full["mean_cost"] == .float(1) && full["router_share"] == .float(0))
        #expect(try first.required("exits").array().first == .int(1))
        #expect(try Program.run("denoise", model, picture, folder.path("out.png"), "--threshold", "0.1").status == 0)
        #expect(try Program.run("denoise", model, picture, folder.path("out.png"), "--threshold", "-1").status == 2)
    }
}
