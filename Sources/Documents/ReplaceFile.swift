import Foundation
import Synchronization

private let temporaryFiles = Atomic<Int>(0)

/// Replaces a file so that whoever opens it, even after a power cut, finds the old bytes or the new ones, never a mixture. Several may
/// replace one file at a time: the last one wins. Nothing is left behind on failure.
/// - Throws: `StorageFailure` where the disk refuses, `InputError` where the place is wrong.
package func replaceFile(_ path: String, with bytes: [UInt8]) throws {
    func failure(_ what: String) -> any Error { fileFailure(path, what, code: errno) }
    let number = temporaryFiles.wrappingAdd(1, ordering: .relaxed).newValue
    let temporary = "\(path).\(getpid())-\(number).partial"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure("cannot be written") }
    var isOpen = true, isInPlace = false
    defer {
        if isOpen { close(descriptor) }
        if !isInPlace { unlink(temporary) }
    }
    var written = 0
    while written < bytes.count {
        let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress! + written, $0.count - written) }
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { throw failure("cannot be written") }
        written += count
    }
    guard fsync(descriptor) == 0 else { throw failure("cannot be synced") }
    isOpen = false
    guard close(descriptor) == 0 else { throw failure("cannot be written") }
    failpoint(.renameBegins, path)
    guard rename(temporary, path) == 0 else { throw failure("cannot be renamed into place") }
    isInPlace = true
    failpoint(.renameDone, path)
    let folder = path.contains("/") ? String(path[..<path.lastIndex(of: "/")!]) : "."
    let folderDescriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folderDescriptor >= 0 {
        fsync(folderDescriptor)
        close(folderDescriptor)
    }
}
