import Foundation
import Testing
import Trials

/// A worker process that a test talks to as a controller does.
final class Conversation {
    struct Silence: Error {}

    let process = Process()
    private let requests = Pipe(), messages = Pipe()
    private var buffer = Data()
    /// Every line that was heard.
    private(set) var heard: [String] = []

    init(_ command: [String], environment: [String: String] = [:]) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = requests
        process.standardOutput = messages
        process.standardError = FileHandle.nullDevice
        signal(SIGPIPE, SIG_IGN)
        try process.run()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    func ask(_ command: WireCommand) throws { try requests.fileHandleForWriting.write(contentsOf: Data((command.line + "\n").utf8)) }

    func endInput() throws { try requests.fileHandleForWriting.close() }

    /// The next message; nil at the end of its output.
    func next() throws -> WorkerEvent? {
        while true {
            if let end = buffer.firstIndex(of: 0x0A) {
                let line = String(decoding: buffer[..<end], as: UTF8.self)
                buffer.removeSubrange(...end)
                heard.append(line)
                return try WorkerEvent(line: line, number: heard.count)
            }
            var poller = pollfd(fd: messages.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&poller, 1, 120_000) > 0 else { throw Silence() }
            let chunk = messages.fileHandleForReading.availableData
            if chunk.isEmpty { return nil }
            buffer.append(chunk)
        }
    }

    /// Messages until one of which this holds, it included.
    @discardableResult
    func until(_ isLast: (WorkerEvent) -> Bool) throws -> [WorkerEvent] {
        var events: [WorkerEvent] = []
        while let event = try next() {
            events.append(event)
            if isLast(event) { return events }
        }
        Issue.record("the worker ended before it said what was awaited; it said \(events)")
        return events
    }

    /// Waits for the process to be gone; the limit only ends a broken run.
    func awaitEnd() throws { try waitUntil("the worker ends") { !self.process.isRunning } }
}
