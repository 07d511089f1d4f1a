import Documents
import Execution
import Foundation
import Search
import Testing
import TrialStore
import Trials

/// A whole run into a real file, with deaths on the way: what readers see is what the study knows.
@Suite struct StudyStoreRunTests {
    @Test func tablesAgreeWithTheStudy() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("halcyon-run-\(UUID())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let settings = try Synthetic.settings(fidelity: Synthetic.asha, trials: 40)
        let run = try Synthetic.run(
            settings, workers: 3, log: StudyStore(directory: directory), death: StudyRunLaws.deaths(5))
        let reader = try StudyReader(directory: directory)
        let rows = try reader.trials()
        #expect(rows.map(\.state) == run.study.trials.map(\.state))
        #expect(rows.map(\.attempts) == run.study.trials.map(\.attempts))
        #expect(rows.map(\.failure) == run.study.trials.map(\.failure))

        // The front, by brute force over the COMPLETE trials' points.
        let complete = run.study.trials.filter { $0.state == .complete }
        let all = complete.flatMap { trial in
            trial.points.compactMap { losses(of: $0, objectives: settings.objectives) }.map { (trial.number, $0) }
        }
        let expected = all.filter { candidate in !all.contains { dominates($0.1, candidate.1) } }.map(\.0)
        #expect(try reader.front().map(\.trial).sorted() == expected.sorted())
        #expect(try reader.front() == run.front.entries)

        let volumes = try reader.hypervolumes()
        #expect(volumes.count == rows.count)
        #expect(zip(volumes, volumes.dropFirst()).allSatisfy { $0.value <= $1.value })

        let measurements = try reader.measurements().map(\.measurement)
        let keys = measurements.map { "\($0.trial)/\($0.point)/\($0.metric)/\($0.resource)" }
        #expect(Set(keys).count == keys.count && keys.contains { $0.contains("psnr_db") })
        #expect(try reader.environments().count == 1)
    }
}
