import Foundation
import Testing

/// The `halcyon` binary that was built beside these tests, run as a user runs it.
enum Program {
    static let path = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
        .appendingPathComponent("halcyon").path

    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    struct Result {
        var status: Int32
        var output: String
        var errors: String

        /// The lines of standard output.
        var lines: [String] { output.split(separator: "\n").map(String.init) }
    }

    /// Started, with its output collected in files.
    final class Run {
        let process = Process()
        private let folder: Folder

        init(_ arguments: [String], environment: [String: String] = [:], input: FileHandle? = nil) throws {
            folder = try Folder()
            for name in ["out", "err"] { _ = FileManager.default.createFile(atPath: folder.path(name), contents: nil) }
            process.executableURL = URL(fileURLWithPath: Program.path)
            process.arguments = arguments
            process.currentDirectoryURL = URL(fileURLWithPath: Program.repository)
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
            process.standardOutput = FileHandle(forWritingAtPath: folder.path("out"))
            process.standardError = FileHandle(forWritingAtPath: folder.path("err"))
            process.standardInput = input ?? FileHandle.nullDevice
            try process.run()
        }

        func finish() throws -> Result {
            process.waitUntilExit()
            func read(_ name: String) throws -> String { try String(contentsOfFile: folder.path(name), encoding: .utf8) }
            return Result(status: process.terminationStatus, output: try read("out"), errors: try read("err"))
        }
    }

    @discardableResult
    static func run(_ arguments: String..., environment: [String: String] = [:]) throws -> Result {
        try Run(arguments, environment: environment).finish()
    }

    /// Runs another program, found as a shell finds it: its exit code (127: there is none) and standard output.
    static func tool(
        _ command: [String], errors: FileHandle = .standardError
    ) throws -> (status: Int32, output: String) {
        let (process, pipe) = (Process(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = errors
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    /// The pids of the worker processes of a controller.
    static func workers(of pid: Int32) -> [Int32] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap { entry in
            guard let candidate = Int32(entry), let stat = try? String(contentsOfFile: "/proc/\(entry)/stat", encoding: .utf8),
                let end = stat.lastIndex(of: ")")
            else { return nil }
            let fields = stat[stat.index(after: end)...].split(separator: " ")
            return fields.count > 1 && Int32(fields[1]) == pid && fields[0] != "Z" ? candidate : nil
        }
    }
}

/// A temporary folder that goes with its owner.
final class Folder: Sendable {
    let root: String

    init() throws {
        root = NSTemporaryDirectory() + "halcyon-end-to-end-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func path(_ name: String) -> String { root + "/" + name }

    func write(_ name: String, _ text: String) throws -> String {
        try text.write(toFile: path(name), atomically: true, encoding: .utf8)
        return path(name)
    }
}

/// Polls until the condition holds. The limit only ends a broken run; nothing is judged by time.
func waitUntil(_ what: String, _ condition: () throws -> Bool) throws {
    for _ in 0..<6000 {
        if try condition() { return }
        usleep(20_000)
    }
    Issue.record("never: \(what)")
}
