import Foundation

/// What workers print on standard error: appended to the log of the trial that they work on, which is bounded, with the last
/// words at hand for the reason of a failure.
struct WorkerLog: Sendable {
    /// Bytes of one trial's log; what comes after them is dropped.
    static let limit = 1 << 20
    private static let note = "\n(the log is full: what follows was not kept)\n"

    private(set) var tail: [UInt8] = []
    private var full: String?

    /// The last line.
    var lastLine: String? {
        String(decoding: tail, as: UTF8.self).split(whereSeparator: \.isNewline).last { !$0.allSatisfy(\.isWhitespace) }.map(String.init)
    }

    /// Takes what was printed while the worker was at a trial, whose folder this is.
    mutating func append(_ bytes: ArraySlice<UInt8>, folder: String?) {
        tail = Array((tail + bytes.suffix(1000)).suffix(1000))
        guard let folder, !folder.isEmpty, folder != full else { return }
        let log = open(folder + "/log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard log >= 0 else { return }
        defer { close(log) }
        var status = stat()
        guard fstat(log, &status) == 0 else { return }
        let room = Self.limit - Int(status.st_size)
        let kept = Array(bytes.prefix(max(0, room)))
        if !kept.isEmpty { _ = write(log, kept, kept.count) }
        guard kept.count < bytes.count else { return }
        full = folder
        if room > 0 { _ = write(log, Self.note, Self.note.utf8.count) }
    }

    /// The last words of what came before say nothing about the next trial.
    mutating func forgetTail() { tail = [] }
}
