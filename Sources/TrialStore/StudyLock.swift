import Documents
import Foundation

/// Held by the one controller that works on a study. The kernel releases it when its process ends, however it ends.
package final class StudyLock {
    private let descriptor: Int32

    /// Takes `DIR/lock`, or says who holds it.
    package init(directory: String) throws {
        let path = directory + "/lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw InputError(file: path, "cannot be opened: \(String(cString: strerror(errno)))", hint: "name the folder of a study that can be written") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let owner = (FileManager.default.contents(atPath: path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            close(descriptor)
            throw InputError(
                file: directory, "another controller works on this study: \(owner.isEmpty ? "unknown" : owner)",
                hint: "wait for it or stop it")
        }
        let owner = Array("process \(getpid()) on \(ProcessInfo.processInfo.hostName)".utf8)
        guard ftruncate(descriptor, 0) == 0, write(descriptor, owner, owner.count) == owner.count else {
            close(descriptor)
            throw InputError(file: path, "cannot be written", hint: "check its permissions and the free space")
        }
        failpoint(.lockTaken)
    }

    deinit { close(descriptor) }
}
