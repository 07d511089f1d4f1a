import Documents
import Foundation
import Trials

/// The files of a study beside its database: one folder a trial, and which of their networks stay.
package struct StudyFolder: Sendable {
    /// An absolute path: every worker must see it.
    package let path: String

    package init(path: String) {
        self.path = URL(fileURLWithPath: path).standardizedFileURL.path
    }

    package func trial(_ number: Int) -> String { "\(path)/trials/\(number)" }

    /// Makes the trial's folder with its `architecture.json` before an attempt, and clears what a killed worker left half written.
    /// - Throws: `StorageFailure`.
    func prepare(_ start: StudyFact.StartedTrial, attempt: Int) throws {
        let folder = trial(start.trial)
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let architecture = folder + "/architecture.json"
            if !FileManager.default.fileExists(atPath: architecture) {
                failpoint(.renameBegins, architecture)
                try Data((start.inspection.architecture.json + "\n").utf8).write(to: URL(fileURLWithPath: architecture), options: .atomic)
                failpoint(.renameDone, architecture)
            }
            if attempt > 1 {
                for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasSuffix(".partial") {
                    try FileManager.default.removeItem(atPath: folder + "/" + name)
                }
            }
        } catch {
            throw StorageFailure(file: folder, "cannot be written: \(error.localizedDescription)")
        }
    }

    /// A trial in a final state needs no checkpoint any more.
    func removeCheckpoint(_ number: Int) { unlink(trial(number) + "/checkpoint.h5") }

    func removeModel(_ number: Int) { unlink(trial(number) + "/model.h5") }
}
