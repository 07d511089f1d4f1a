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

    /// Makes the trial's folder with its `architecture.json` before an attempt, and clears what a killed worker left half written. The
    /// log holds the architecture too, so its file is not synced, only made again where it is not whole.
    /// - Throws: `StorageFailure`.
    func prepare(_ start: StudyFact.StartedTrial, attempt: Int) throws {
        let folder = trial(start.trial)
        do {
            if mkdir(folder, 0o755) != 0, errno != EEXIST {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            }
            if attempt > 1 {
                for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasSuffix(".partial") {
                    try FileManager.default.removeItem(atPath: folder + "/" + name)
                }
            }
        } catch {
            throw StorageFailure(file: folder, "cannot be written: \(error.localizedDescription)")
        }
        let architecture = folder + "/architecture.json", text = Array((start.inspection.architecture.json + "\n").utf8)
        var status = stat()
        if attempt > 1, stat(architecture, &status) == 0, Int(status.st_size) == text.count { return }
        let descriptor = open(architecture, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, write(descriptor, text, text.count) == text.count else {
            throw StorageFailure(file: architecture, "cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    /// A trial in a final state needs no checkpoint any more: ours, and the one at `other`, relative to the study, when it is in
    /// the trial's own folder.
    func removeCheckpoint(_ number: Int, at other: String?) {
        unlink(trial(number) + "/checkpoint.h5")
        let own = "trials/\(number)/"
        if let other, other.hasPrefix(own), !other.dropFirst(own.count).contains("/") { unlink(path + "/" + other) }
    }

    func removeModel(_ number: Int) { unlink(trial(number) + "/model.h5") }
}
