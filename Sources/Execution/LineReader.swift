import Documents
import Foundation
import Trials

/// Splits what comes from a descriptor into lines, with a bound on their length.
struct LineReader {
    private let descriptor: Int32
    private let name: String
    private var buffer: [UInt8] = []
    private var scanned = 0

    init(descriptor: Int32, name: String = "stdin") {
        self.descriptor = descriptor
        self.name = name
    }

    /// The next line without its end; nil at the end of the input, where an unfinished line is dropped.
    mutating func next() throws -> String? {
        while true {
            if let end = buffer[scanned...].firstIndex(of: 0x0A) {
                let line = String(decoding: buffer[..<end], as: UTF8.self)
                buffer.removeSubrange(...end)
                scanned = 0
                if line.isEmpty { continue }
                return line
            }
            scanned = buffer.count
            guard scanned <= wireLineLimit else {
                throw InputError(file: name, "a line is longer than \(wireLineLimit) bytes")
            }
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return nil }
            buffer.append(contentsOf: chunk[..<count])
        }
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
