import Documents
import Foundation
import TrialStore
import Trials

/// A study's curves as TensorBoard reads them, a run for each trial: `FOLDER/0007-chain/events.out.tfevents.TIME.halcyon`.
///
/// The tags are metrics over the resource; those of a dynamic network's later operating points are `psnr_db/point1`. Times are the
/// study's own, so that the same study gives the same files.
package struct TensorBoardRuns {
    private let folder: String
    /// Measurements up to here are written.
    private var written = 0

    package init(folder: String) { self.folder = folder }

    /// Writes the runs of trials that have something new.
    /// - Returns: how many runs were written.
    /// - Throws: `InputError` or `StorageFailure` that names the file.
    @discardableResult
    package mutating func update(from reader: StudyReader) throws -> Int {
        let (trials, last) = try reader.measuredTrials(after: written)
        let numbers = trials.sorted()
        for start in stride(from: 0, to: numbers.count, by: 100) {
            let part = Set(numbers[start..<min(start + 100, numbers.count)])
            let rows = Dictionary(grouping: try reader.measurements(trials: part), by: \.measurement.trial)
            for summary in try reader.summaries(of: part) { try write(summary, rows[summary.number] ?? []) }
        }
        written = last
        return numbers.count
    }

    private func write(_ trial: TrialSummary, _ rows: [MeasurementRow]) throws {
        guard let first = rows.first else { return }
        var file = TensorBoardFile(time: first.at)
        for row in rows {
            let measurement = row.measurement
            let tag = measurement.point == 0 ? measurement.metric : "\(measurement.metric)/point\(measurement.point)"
            file.add(tag, measurement.value, step: measurement.resource, time: row.at)
        }
        let number = String(trial.number), padding = String(repeating: "0", count: max(0, 4 - number.count))
        let run = "\(folder)/\(padding)\(number)" + (trial.family.map { "-\($0)" } ?? "")
        do {
            try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: true)
        } catch {
            throw fileFailure(run, "the folder cannot be made", error)
        }
        try replaceFile("\(run)/\(TensorBoardFile.name(time: first.at))", with: file.bytes)
    }
}
