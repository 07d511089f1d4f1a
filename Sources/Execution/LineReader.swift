import Documents
import Foundation
import Trials

/// Splits what comes from a descriptor into lines, with a bound on their length.
struct LineReader {
    private let descriptor: Int32
    private let name: String
    private let isOver: (() -> Bool)?
    private var buffer: [UInt8] = []
    private var start = 0
    private var scanned = 0
    /// What may still come from a writer that is dead: no more than its pipe held.
    private var rest = 1 << 21

    /// - Parameter isOver: tells that the writer is dead. What it wrote is read to the end, but nobody who inherited its
    ///   descriptor is waited for.
    init(descriptor: Int32, name: String = "stdin", isOver: (() -> Bool)? = nil) {
        self.descriptor = descriptor
        self.name = name
        self.isOver = isOver
    }

    /// Whether bytes were read that no line end followed.
    var isInsideALine: Bool { start < buffer.count }

    /// The next line without its end; nil at the end of the input, where an unfinished line is dropped.
    mutating func next() throws -> String? {
        while true {
            if let end = buffer[scanned...].firstIndex(of: 0x0A) {
                let line = String(decoding: buffer[start..<end], as: UTF8.self)
                (start, scanned) = (end + 1, end + 1)
                if line.isEmpty { continue }
                return line
            }
            buffer.removeSubrange(..<start)
            (start, scanned) = (0, buffer.count)
            guard scanned <= wireLineLimit else {
                throw InputError(file: name, "a line is longer than \(wireLineLimit) bytes")
            }
            guard let chunk = readChunk(descriptor, isOver: isOver, rest: &rest) else { return nil }
            buffer.append(contentsOf: chunk)
        }
    }
}

/// What a descriptor holds next, waiting for it; nil at its end, or when its writer is dead and nothing is left.
/// - Parameter rest: how much is still read after the writer's death.
func readChunk(_ descriptor: Int32, isOver: (() -> Bool)? = nil, rest: inout Int) -> ArraySlice<UInt8>? {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        var isLast = false
        if let isOver {
            // Asked before the descriptor is looked at: what was written before the end is seen.
            isLast = isOver()
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&poller, 1, isLast ? 0 : 200)
            if ready < 0 && errno == EINTR { continue }
            if ready == 0 {
                if isLast { return nil }
                continue
            }
        }
        let count = read(descriptor, &chunk, chunk.count)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return nil }
        if isLast {
            rest -= count
            if rest < 0 { return nil }
        }
        return chunk[..<count]
    }
}

/// Writes a whole line, waiting up to five seconds for a reader that lags behind.
func writeLine(_ line: String, to descriptor: Int32) throws {
    let bytes = Array((line + "\n").utf8)
    var written = 0
    while written < bytes.count {
        let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count > 0 {
            written += count
        } else if errno == EAGAIN {
            var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard poll(&poller, 1, 5000) > 0 else { throw InputError("the other side of a pipe does not read") }
        } else if errno != EINTR {
            throw InputError("the other side of a pipe is gone: \(String(cString: strerror(errno)))")
        }
    }
}
