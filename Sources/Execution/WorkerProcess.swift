import Documents
import Foundation
import Trials

/// One worker process with its three pipes.
///
/// Started with `posix_spawn` rather than swift-subprocess: a worker outlives any one scope, must be put in its own process
/// group (so that Ctrl-C reaches only the controller and launchers die with their children), and its pid and wait status
/// are needed the moment a limit is broken. `@unchecked Sendable`: what threads share is in `state` and `input`, behind their locks.
final class WorkerProcess: @unchecked Sendable {
    struct State {
        var hasEnded = false
        /// Whether the process is gone, though not all of its words are read yet.
        var isDead = false
        var killReason: String?
        /// Whether it was killed only because it did not read any more.
        var isUnreachable = false
        /// Whether it was killed for what it said of an attempt that was over.
        var isForgiven = false
        var request: TrialRequest?
        var conduct = WorkerConduct()
        var log = WorkerLog()
        var endedInsideALine = false

        var isHeard: Bool { killReason == nil || isUnreachable }
        /// Whether it went without a fault in the attempt that it was asked for, of which it said nothing.
        var mayBeReplaced: Bool { !conduct.hasAnswered && (isHeard || isForgiven) }
    }

    let pid: pid_t
    let state: Shared<State>
    private let input: Shared<Int32>
    private let output: Int32
    private let errors: Int32
    private let isLaunched: Bool

    /// Starts the command; messages and the end are handed over on other threads.
    /// - Parameters:
    ///   - request: what it will be asked first, whose log gets its first words.
    ///   - isLaunched: whether the command is a launcher, which gets the time to end what it started elsewhere.
    init(
        command: [String], environment: [String: String], for request: TrialRequest, isLaunched: Bool = false,
        onMessage: @escaping @Sendable (WorkerProcess, WorkerEvent) -> Void,
        onEnd: @escaping @Sendable (WorkerProcess, AttemptFailure) -> Void
    ) throws {
        spawning.lock()
        defer { spawning.unlock() }
        let pipes = try makePipes(3)
        let (childInput, input) = pipes[0]
        let (output, childOutput) = pipes[1]
        let (errors, childErrors) = pipes[2]
        (self.input, self.output, self.errors, self.isLaunched) = (Shared(input), output, errors, isLaunched)
        var initial = State()
        initial.request = request
        state = Shared(initial)
        defer { for descriptor in [childInput, childOutput, childErrors] { close(descriptor) } }
        do {
            pid = try spawn(command, environment, descriptors: [childInput, childOutput, childErrors])
        } catch {
            for descriptor in [input, output, errors] { close(descriptor) }
            throw error
        }
        _ = fcntl(input, F_SETFL, fcntl(input, F_GETFL) | O_NONBLOCK)
        // Room for a whole request: a worker that does not read yet, or not any more, holds nobody up.
        _ = fcntl(input, Self.setPipeSize, Int32(wireLineLimit))
        // Where memory is short the system takes a worker, which costs an attempt, and not the controller.
        if let score = FileHandle(forWritingAtPath: "/proc/\(pid)/oom_score_adj") { try? score.write(contentsOf: Data("500".utf8)) }

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
            var info = siginfo_t()
            while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR {}
            // Children that it left would hold its pipes open. Not reaped yet, it keeps the group's number from others.
            _ = Glibc.kill(-pid, SIGKILL)
            state.update { $0.isDead = true }
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
            for _ in 0..<2 { drained.wait() }
            state.update { $0.hasEnded = true }
            closeInput()
            onEnd(self, failure(status))
        }
    }

    deinit {
        closeInput()
        for descriptor in [output, errors] { close(descriptor) }
    }

    /// Linux's F_SETPIPE_SZ.
    private static let setPipeSize: Int32 = 1031

    /// Whether it can be given a request.
    var isUsable: Bool { state.update { !$0.isDead && !$0.hasEnded && $0.killReason == nil } }

    func ask(_ request: TrialRequest) {
        state.update {
            $0.request = request
            $0.conduct.asked(request)
            $0.log.forgetTail()
        }
        send(.train(request))
    }

    func send(_ command: WireCommand) {
        do {
            failpoint(.controllerSends)
            try input.update { descriptor in Result { if descriptor >= 0 { try writeLine(command.line, to: descriptor) } } }.get()
        } catch {
            state.update { if $0.killReason == nil { $0.isUnreachable = true } }
            kill("\(error)")
        }
    }

    /// The end of its input tells a worker to end by itself.
    func closeInput() {
        input.update { descriptor in
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }
    }

    /// Ends the worker and its children; the first reason stands. What it says from now on is not heard.
    func kill(_ reason: String) {
        let isFirst = state.update { state in
            defer { if state.killReason == nil { state.killReason = reason } }
            return state.killReason == nil
        }
        guard isLaunched else { return signal(SIGKILL) }
        guard isFirst else { return }
        spawnThread("launcher end") { [self] in
            closeInput()
            signal(SIGTERM)
            let patience = monotonicSeconds() + Self.launcherPatience
            while !state.value.isDead, monotonicSeconds() < patience { usleep(20_000) }
            signal(SIGKILL)
        }
    }

    /// Seconds that a launcher has to end what it started elsewhere.
    static let launcherPatience = 5.0

    private func signal(_ number: Int32) {
        state.update { if !$0.isDead { _ = Glibc.kill(-pid, number) } }
    }

    private func read(_ onMessage: (WorkerProcess, WorkerEvent) -> Void) {
        var lines = LineReader(descriptor: output, name: "worker \(pid)", isOver: { [state] in state.value.isDead })
        var number = 0
        do {
            while let line = try lines.next() {
                number += 1
                failpoint(.controllerReceives)
                let event = try WorkerEvent(line: line, file: "worker \(pid)", number: number)
                let isWanted = try state.update { state in
                    Result { try state.isHeard && state.conduct.hear(event) }
                }.get()
                if isWanted { onMessage(self, event) }
            }
        } catch let misconduct as WorkerMisconduct {
            state.update { if misconduct.concernsThePast, $0.killReason == nil { $0.isForgiven = true } }
            return kill("\(misconduct)")
        } catch {
            return kill("the worker sent a line that is no message: \(error)")
        }
        state.update { $0.endedInsideALine = lines.isInsideALine }
        // An exit closes its output a moment before it shows.
        for _ in 0..<40 where !state.value.isDead { usleep(50_000) }
        if !state.value.isDead { kill("the worker closed its standard output and lived on") }
    }

    /// Appends what the worker prints to the log of the trial it works on.
    private func keepErrors() {
        var rest = 1 << 21
        while let chunk = readChunk(errors, isOver: { [state] in state.value.isDead }, rest: &rest) {
            state.update { $0.log.append(chunk, folder: $0.request?.folder) }
        }
    }

    private func failure(_ status: Int32) -> AttemptFailure {
        let now = state.value
        let tail = now.log.lastLine.map { ": \($0)" } ?? ""
        let signal = status & 0x7F
        if signal != 0 {
            let name = String(cString: strsignal(signal))
            return AttemptFailure(
                reason: now.killReason ?? "the worker was ended by signal \(signal) (\(name))\(tail)", signal: Int(signal))
        }
        let code = Int(status >> 8 & 0xFF)
        let killReason = now.isUnreachable ? nil : now.killReason
        let place = now.endedInsideALine ? " in the middle of a line" : code == 0 ? " before its result" : ""
        return AttemptFailure(reason: killReason ?? "the worker exited with code \(code)\(place)\(tail)", exitCode: code)
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
