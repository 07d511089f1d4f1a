import Documents
import Foundation
import Trials

/// One worker process with its three pipes.
///
/// Started with `posix_spawn` rather than swift-subprocess: a worker outlives any one scope, must be put in its own process
/// group (so that Ctrl-C reaches only the controller and launchers die with their children), and its pid and wait status
/// are needed the moment a limit is broken. `@unchecked Sendable`: what threads share is in `state`, behind its lock.
final class WorkerProcess: @unchecked Sendable {
    struct State {
        var hasEnded = false
        /// Whether the process is gone, though not all of its words are read yet.
        var isDead = false
        var killReason: String?
        /// Whether it was killed only because it did not read any more.
        var isUnreachable = false
        /// When the worker last said something, in seconds of the monotonic clock.
        var lastSign = monotonicSeconds()
        var phase = WorkerEvent.Phase.training
        /// The pid that `hello` told; behind a launcher it is not the pid that was started.
        var reportedPid: Int?
        var request: TrialRequest?
        /// Whether anything was heard of the request.
        var hasAnswered = false
        /// Whether the request's last word was read, though perhaps not handed over yet.
        var hasFinished = false
        var errorTail: [UInt8] = []
    }

    let pid: pid_t
    let state = Shared(State())
    private let input: Int32
    private let output: Int32
    private let errors: Int32

    /// Starts the command; messages and the end are handed over on other threads.
    init(
        command: [String], environment: [String: String],
        onMessage: @escaping @Sendable (WorkerProcess, WorkerEvent) -> Void,
        onEnd: @escaping @Sendable (WorkerProcess, AttemptFailure) -> Void
    ) throws {
        spawning.lock()
        defer { spawning.unlock() }
        let pipes = try makePipes(3)
        let (childInput, input) = pipes[0]
        let (output, childOutput) = pipes[1]
        let (errors, childErrors) = pipes[2]
        (self.input, self.output, self.errors) = (input, output, errors)
        defer { for descriptor in [childInput, childOutput, childErrors] { close(descriptor) } }
        do {
            pid = try spawn(command, environment, descriptors: [childInput, childOutput, childErrors])
        } catch {
            for descriptor in [input, output, errors] { close(descriptor) }
            throw error
        }
        _ = fcntl(input, F_SETFL, fcntl(input, F_GETFL) | O_NONBLOCK)

        let drained = DispatchSemaphore(value: 0)
        spawnThread("worker output") { [self] in
            read(onMessage)
            drained.signal()
        }
        spawnThread("worker errors") { [self] in
            keepErrors()
            drained.signal()
        }
        spawnThread("worker end") { [self] in
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
            state.update { $0.isDead = true }
            // Children that the worker left would hold its pipes open.
            _ = Glibc.kill(-pid, SIGKILL)
            for _ in 0..<2 { _ = drained.wait(timeout: .now() + 2) }
            state.update { $0.hasEnded = true }
            onEnd(self, failure(status))
        }
    }

    deinit { for descriptor in [input, output, errors] { close(descriptor) } }

    /// Whether it can be given a request.
    var isUsable: Bool { state.update { !$0.isDead && !$0.hasEnded && $0.killReason == nil } }

    func send(_ command: WireCommand) {
        do {
            failpoint(.controllerSends)
            try writeLine(command.line, to: input)
        } catch {
            state.update { if $0.killReason == nil { $0.isUnreachable = true } }
            kill("\(error)")
        }
    }

    /// Ends the worker and its children; the first reason stands.
    func kill(_ reason: String) {
        let alive = state.update { state in
            if state.killReason == nil { state.killReason = reason }
            return !state.hasEnded
        }
        if alive { _ = Glibc.kill(-pid, SIGKILL) }
    }

    private func read(_ onMessage: (WorkerProcess, WorkerEvent) -> Void) {
        var lines = LineReader(descriptor: output, name: "worker \(pid)")
        var number = 0
        do {
            while let line = try lines.next() {
                number += 1
                failpoint(.controllerReceives)
                let event = try WorkerEvent(line: line, file: "worker \(pid)", number: number)
                if case .hello(let hello) = event {
                    state.update { $0.reportedPid = hello.pid }
                } else if number == 1 {
                    throw InputError("worker \(pid): expected \"hello\" first")
                }
                state.update {
                    $0.lastSign = monotonicSeconds()
                    if case .heartbeat(_, _, _, _, let phase) = event { $0.phase = phase }
                    if let request = $0.request, let about = event.attempt, about == (request.trial, request.attempt) {
                        $0.hasAnswered = true
                        if event.endsAttempt { $0.hasFinished = true }
                    }
                }
                onMessage(self, event)
            }
        } catch {
            kill("the worker sent a line that is no message: \(error)")
        }
    }

    /// Appends what the worker prints to the log of the trial it works on.
    private func keepErrors() {
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = Glibc.read(errors, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            let folder = state.update { state -> String? in
                state.errorTail = Array((state.errorTail + chunk[..<count]).suffix(1000))
                return state.request?.folder
            }
            guard let folder, !folder.isEmpty else { continue }
            let log = open(folder + "/log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
            guard log >= 0 else { continue }
            _ = write(log, chunk, count)
            close(log)
        }
    }

    private func failure(_ status: Int32) -> AttemptFailure {
        let now = state.value
        let signal = status & 0x7F
        if signal != 0 {
            let name = String(cString: strsignal(signal))
            return AttemptFailure(
                reason: now.killReason ?? "the worker was ended by signal \(signal) (\(name))", signal: Int(signal))
        }
        let code = Int(status >> 8 & 0xFF)
        let tail = String(decoding: now.errorTail, as: UTF8.self).split(separator: "\n").last.map { ": \($0)" } ?? ""
        let killReason = now.isUnreachable ? nil : now.killReason
        return AttemptFailure(reason: killReason ?? "the worker exited with code \(code)\(tail)", exitCode: code)
    }
}

func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Held from making pipes to starting the child, so that no other child is started before they close on exec.
private let spawning = NSLock()

/// Pipes whose ends no other child inherits: all of them or none.
private func makePipes(_ count: Int) throws -> [(reading: Int32, writing: Int32)] {
    var pipes: [(reading: Int32, writing: Int32)] = []
    for _ in 0..<count {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            let why = String(cString: strerror(errno))
            for made in pipes { for end in [made.reading, made.writing] { close(end) } }
            throw InputError("no pipe for a worker: \(why)")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        pipes.append((ends[0], ends[1]))
    }
    return pipes
}

/// Starts a command in a process group of its own, with these descriptors as its 0, 1, ...
func spawn(
    _ command: [String], _ environment: [String: String], descriptors: [Int32], as kind: String = "worker"
) throws -> pid_t {
    precondition(!command.isEmpty)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (target, descriptor) in descriptors.enumerated() {
        posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(target))
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var defaults = sigset_t()
    sigemptyset(&defaults)
    for signal in [SIGPIPE, SIGINT, SIGTERM] { sigaddset(&defaults, signal) }
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF))

    var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
    var variables: [UnsafeMutablePointer<CChar>?] = environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") }
    defer { for text in words + variables { free(text) } }
    words.append(nil)
    variables.append(nil)
    var pid: pid_t = 0
    let code = posix_spawnp(&pid, command[0], &actions, &attributes, words, variables)
    guard code == 0 else {
        throw InputError("the \(kind) \"\(command[0])\" cannot be started: \(String(cString: strerror(code)))")
    }
    return pid
}
