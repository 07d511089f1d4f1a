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

    /// The table of `Experiments/published-weights`, by its own command.
    @Test func publishedWeightsReachTheirPublishedNumbers() throws {
        let environment = ProcessInfo.processInfo.environment
        let shared = ["/../shared", "/../../shared"].map { Program.repository + $0 }.first { FileManager.default.fileExists(atPath: $0) }
        let weights = environment["HALCYON_WEIGHTS"] ?? shared.map { $0 + "/weights" } ?? ""
        let data = environment["HALCYON_DATA"] ?? shared.map { $0 + "/data" } ?? ""
        let needed = [weights + "/cszn_sigma25.safetensors", data + "/Set12", data + "/BSD68", data + "/Kodak24"]
        if let absent = needed.first(where: { !FileManager.default.fileExists(atPath: $0) }) {
            print("skipped: the published weights and test sets (HALCYON_WEIGHTS, HALCYON_DATA) have no \(absent)")
            return
        }
        let script = Program.repository + "/Experiments/published-weights/published.py"
        let (status, table) = try Program.tool(
            ["python3", script, "--halcyon", Program.path, "--weights", weights, "--data", data])
        guard status != 127 else {
            print("skipped: the published weights need python3")
            return
        }
        print(table)
        #expect(status == 0, "\(table)")
        #expect(table.contains("19 of 19 rows within"))
    }
}
