import Documents
import Foundation
import TrialStore
import Trials
import Testing

/// `make test-long`: the shipped experiments for real, with floors on what they reach.
@Suite(
    .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["HALCYON_LONG_TESTS"] == "1", "the slow suites run with `make test-long`"))
struct LongTests {
    @Test func quickstartReachesItsFloors() throws {
        let folder = try Folder()
        let study = folder.path("quickstart")
        let run = try Program.run("search", "Experiments/quickstart/experiment.yaml", "--out", study, "--workers", "2")
        #expect(run.status == 0, "\(run.errors)")
        let reader = try StudyReader(directory: study)
        let complete = try reader.trials().filter { $0.state == .complete }
        #expect(complete.count >= 16)
        #expect(Set(complete.compactMap(\.family)) == ["chain", "unetpp", "swin", "mobile", "dynamic"])
        let networks = complete.map(\.candidate.json)
        for kind in ["plain", "residual", "dense", "depthwise-separable", "inverted-residual", "gated", "window-attention"] {
            #expect(networks.contains { $0.contains("\"block\":\"\(kind)\"") }, "no trial with the block \(kind)")
        }
        #expect(complete.allSatisfy { $0.resource >= 150 })
        #expect(try reader.front().count >= 3)
        let noisy = try #require(try reader.measurements().first { $0.measurement.metric == "noisy_psnr_db" }?.measurement.value)
        let gains = complete.compactMap { $0.metrics["psnr_db"] }.map { $0 - noisy }.sorted()
        #expect(gains.last! >= 6)
        #expect(gains[gains.count / 2] >= 3)
    }

    @Test func publishedWeightsReachTheirPublishedNumbers() throws {
        let shared = URL(fileURLWithPath: Program.repository).deletingLastPathComponent().appendingPathComponent("shared").path
        let weights = shared + "/weights/cszn_sigma25.safetensors"
        guard FileManager.default.fileExists(atPath: weights) else {
            print("skipped: no published weights at \(weights)")
            return
        }
        for (set, psnr, ssim) in [("Set12", 30.4316, 0.86165), ("BSD68", 29.2331, 0.82789)] {
            let result = try Program.run(
                "evaluate", weights, "--architecture", "SearchSpaces/references/dncnn17x64-folded.yaml", "--noise", "numpy:0",
                "--sigma", "25", "--data", "\(shared)/data/\(set)", "--threads", "2", "--json")
            let row = try Document.parse(result.output, file: set)
            #expect(try abs(row.required("psnr_db").double() - psnr) < 0.003)
            #expect(try abs(row.required("ssim").double() - ssim) < 0.0005)
        }
    }
}
