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

    /// Makes the trial's folder with its `architecture.json`.
    func begin(_ start: StudyFact.StartedTrial) throws {
        let folder = trial(start.trial)
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            failpoint(.renameBegins, folder)
            try Data((start.inspection.architecture.json + "\n").utf8)
                .write(to: URL(fileURLWithPath: folder + "/architecture.json"), options: .atomic)
            failpoint(.renameDone, folder)
        } catch {
            throw InputError(file: folder, "cannot be written: \(error.localizedDescription)")
        }
    }

    /// A trial in a final state needs no checkpoint any more.
    func removeCheckpoint(_ number: Int) {
        try? FileManager.default.removeItem(atPath: trial(number) + "/checkpoint.h5")
    }

    func removeModel(_ number: Int) {
        try? FileManager.default.removeItem(atPath: trial(number) + "/model.h5")
    }
}
