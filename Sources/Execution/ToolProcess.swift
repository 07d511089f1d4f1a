import Documents
import Foundation

/// How another program ended, and what it said.
package struct ToolResult: Sendable {
    /// The exit code; 128 and the signal's number where a signal ended it, as shells count.
    package var status: Int
    package var output: String
    package var errors: String
    /// Whether it was ended because `shouldStop` said so.
    package var wasStopped: Bool

    /// The last line of its complaint, for messages.
    package var complaint: String {
        errors.split(whereSeparator: \.isNewline).last.map(String.init) ?? "it ended with code \(status) and no message"
    }
}

/// Runs another program to its end, found as a shell finds it, in a process group of its own. `shouldStop` is asked ten times a
/// second; when it says so the whole group is killed.
/// - Throws: `InputError` where it cannot be started.
package func runTool(
    _ command: [String], environment: [String: String] = ProcessInfo.processInfo.environment, shouldStop: () -> Bool = { false }
) throws -> ToolResult {
    guard let output = tmpfile(), let errors = tmpfile() else {
        throw InputError("no temporary file for what \(command[0]) says: \(String(cString: strerror(errno)))")
    }
    defer {
        fclose(output)
        fclose(errors)
    }
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(nothing) }
    for file in [output, errors] { _ = fcntl(fileno(file), F_SETFD, FD_CLOEXEC) }
    let pid = try spawn(command, environment, descriptors: [nothing, fileno(output), fileno(errors)], as: "program")
    var status: Int32 = 0
    var stopped = false
    while true {
        let found = waitpid(pid, &status, stopped ? 0 : WNOHANG)
        if found == pid || (found < 0 && errno != EINTR) { break }
        if found == 0 {
            if shouldStop() {
                stopped = true
                kill(-pid, SIGKILL)
            } else {
                usleep(100_000)
            }
        }
    }
    // Children that it left behind.
    kill(-pid, SIGKILL)
    func text(_ file: UnsafeMutablePointer<FILE>) -> String {
        rewind(file)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            guard count > 0, bytes.count < 1 << 26 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }
    let signal = Int(status & 0x7F)
    return ToolResult(
        status: signal == 0 ? Int(status >> 8 & 0xFF) : 128 + signal, output: text(output), errors: text(errors), wasStopped: stopped)
}
