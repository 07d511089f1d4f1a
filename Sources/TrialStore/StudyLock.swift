import Documents
import Foundation

/// Held by the one controller that works on a study. The kernel releases it when its process ends, however it ends, so a
/// stale lock is none. Where a lock is lost or has no effect (`rm lock`, some network file systems), the token of
/// `StudyStore` keeps the older controller from writing.
package final class StudyLock {
    private let descriptor: Int32

    /// Takes `DIR/lock`, or says who holds it. Nothing of the study is touched before.
    package init(directory: String) throws {
        let path = directory + "/lock"
        var locked: Int32 = -1
        // Whoever removed the file while it was locked left another one behind: only the one that stands there counts.
        while locked < 0 {
            let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
            guard opened >= 0 else { throw fileFailure(path, "cannot be opened", code: errno) }
            guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
                let code = errno
                defer { close(opened) }
                guard code == EWOULDBLOCK else {
                    throw InputError(
                        file: path, "cannot be locked: \(String(cString: strerror(code)))",
                        hint: "put the study on a file system that has locks")
                }
                throw InputError(
                    file: directory, "another controller works on this study: \(Self.owner(path))", hint: "wait for it or stop it")
            }
            var mine = stat(), there = stat()
            if fstat(opened, &mine) == 0, stat(path, &there) == 0, mine.st_ino == there.st_ino, mine.st_dev == there.st_dev {
                locked = opened
            } else {
                close(opened)
            }
        }
        descriptor = locked
        // Over the old words first: that needs no space on a full disk.
        let owner = Array((currentOwner() + "\n").utf8)
        guard pwrite(locked, owner, owner.count, 0) == owner.count, ftruncate(locked, off_t(owner.count)) == 0 else {
            let failure = fileFailure(path, "cannot be written", code: errno)
            close(locked)
            throw failure
        }
        failpoint(.lockTaken)
    }

    deinit { close(descriptor) }

    /// What the holder wrote. One that took the lock this moment may not have come to it yet: the words of a process that is
    /// gone are not believed for half a second.
    private static func owner(_ path: String) -> String {
        var words = ""
        for _ in 0..<50 {
            words = (FileManager.default.contents(atPath: path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            words = words.trimmingCharacters(in: .whitespacesAndNewlines)
            let parts = words.split(separator: " ")
            let isHere = parts.count > 3 && parts[3] == ProcessInfo.processInfo.hostName
            if parts.count > 3, !isHere || Int32(parts[1]).map({ kill($0, 0) == 0 || errno == EPERM }) == true { return words }
            usleep(10_000)
        }
        return words.isEmpty ? "unknown" : words
    }
}

/// Who this is, for those that are refused: process, host and since when.
func currentOwner() -> String {
    "process \(getpid()) on \(ProcessInfo.processInfo.hostName) since \(Date().formatted(.iso8601))"
}
