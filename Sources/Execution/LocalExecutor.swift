import Documents
import Foundation
import Trials

/// Worker processes on this machine, or behind a launcher, one for each slot; they live until the study or a limit ends them.
///
/// Limits are checked whenever the controller waits for events: a sign of life within `stallSeconds`, `trialSeconds` for one
/// attempt (time in phase `waiting` not counted), resident memory. A broken limit is a kill with its reason.
package final class LocalExecutor: Executor {
    private struct Slot {
        var worker: WorkerProcess?
        var busy = false
        /// What it was asked last, while a worker that dies silently may cost nothing: see `resend`.
        var retriable: TrialRequest?
        var activeSeconds = 0.0
    }

    private enum Mail: Sendable {
        case message(slot: Int, WorkerProcess, WorkerEvent)
        case ended(slot: Int, WorkerProcess?, AttemptFailure)
    }

    package var slots: Int { table.count }
    private var table: [Slot]
    private let command: [String]
    private let limits: StudySettings.Limits
    private let environment: [String: String]
    private let mailbox = Mailbox<Mail>()
    private var lastCheck = monotonicSeconds()

    /// `command` is the worker's whole command line (`[path of halcyon, "worker"]`, or an experiment's `command:`),
    /// `launcher` stands before it.
    package init(
        slots: Int, command: [String], launcher: [String] = [], limits: StudySettings.Limits,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        precondition(slots > 0 && !command.isEmpty)
        signal(SIGPIPE, SIG_IGN)
        table = Array(repeating: Slot(), count: slots)
        self.command = launcher + command
        self.limits = limits
        self.environment = environment
    }

    package func start(_ request: TrialRequest, slot: Int) {
        precondition(!table[slot].busy)
        if !request.folder.isEmpty {
            try? FileManager.default.createDirectory(atPath: request.folder, withIntermediateDirectories: true)
        }
        table[slot].busy = true
        table[slot].activeSeconds = 0
        if let worker = table[slot].worker, worker.isUsable {
            table[slot].retriable = request
            ask(worker, request)
        } else {
            startWorker(for: request, slot)
        }
    }

    private func startWorker(for request: TrialRequest, _ slot: Int) {
        table[slot].retriable = nil
        do {
            ask(try newWorker(slot), request)
        } catch {
            mailbox.put(.ended(slot: slot, nil, AttemptFailure(reason: "\(error)")))
        }
    }

    private func ask(_ worker: WorkerProcess, _ request: TrialRequest) {
        worker.state.update {
            $0.lastSign = monotonicSeconds()
            $0.phase = .training
            $0.request = request
            $0.hasAnswered = false
            $0.hasFinished = false
        }
        worker.send(.train(request))
    }

    /// A worker that worked before and died without a word about its new request most likely died of what came before:
    /// a fresh one is asked once more. False when the attempt failed by its own fault, or was to be stopped.
    private func resend(_ slot: Int, _ worker: WorkerProcess?) -> Bool {
        guard let request = table[slot].retriable, let state = worker?.state.value, !state.hasAnswered,
            state.killReason == nil || state.isUnreachable
        else { return false }
        table[slot].activeSeconds = 0
        startWorker(for: request, slot)
        return true
    }

    private func newWorker(_ slot: Int) throws -> WorkerProcess {
        let worker = try WorkerProcess(
            command: command, environment: environment,
            onMessage: { [mailbox] worker, event in mailbox.put(.message(slot: slot, worker, event)) },
            onEnd: { [mailbox] worker, failure in mailbox.put(.ended(slot: slot, worker, failure)) })
        table[slot].worker = worker
        return worker
    }

    package func stop(slot: Int) {
        table[slot].retriable = nil
        table[slot].worker?.send(.stop)
    }

    package func kill(slot: Int) {
        table[slot].retriable = nil
        table[slot].worker?.kill("killed on request")
    }

    package func next(before deadline: Double) -> ExecutorEvent? {
        while true {
            checkLimits()
            let now = Date().timeIntervalSince1970
            let pause = min(deadline, now + 0.1)
            guard let mail = mailbox.take(before: pause) else {
                if pause >= deadline { return nil }
                continue
            }
            switch mail {
            case .message(let slot, let worker, let event):
                // Words of a worker that was replaced are of no interest.
                guard table[slot].worker === worker else { continue }
                if event.endsAttempt { table[slot].busy = false }
                return .message(slot: slot, event)
            case .ended(let slot, let worker, let failure):
                guard worker == nil || table[slot].worker === worker else { continue }
                table[slot].worker = nil
                let wasBusy = table[slot].busy
                if wasBusy, resend(slot, worker) { continue }
                table[slot].busy = false
                if wasBusy { return .ended(slot: slot, failure) }
            }
        }
    }

    package func shutdown() {
        // The end of its input ends a worker at once; the group's kill ends what does not listen.
        let workers = table.compactMap(\.worker)
        for worker in workers { worker.kill("the study ended") }
        let patience = monotonicSeconds() + 3
        while workers.contains(where: { !$0.state.value.hasEnded }), monotonicSeconds() < patience { usleep(5000) }
        for slot in table.indices { table[slot].worker = nil }
    }

    private func checkLimits() {
        let now = monotonicSeconds()
        let elapsed = now - lastCheck
        guard elapsed >= 0.05 else { return }
        lastCheck = now
        for slot in table.indices where table[slot].busy {
            guard let worker = table[slot].worker else { continue }
            let state = worker.state.value
            // An attempt whose last word is on its way is over.
            if state.isDead || state.hasEnded || state.hasFinished || state.killReason != nil { continue }
            if state.phase != .waiting { table[slot].activeSeconds += elapsed }
            if now - state.lastSign > limits.stallSeconds {
                worker.kill("no sign of life for \(limits.stallSeconds) s (stall-seconds)")
            } else if table[slot].activeSeconds > limits.trialSeconds {
                worker.kill("the attempt ran longer than \(limits.trialSeconds) s (trial-seconds)")
            } else if let bytes = residentBytes(worker, state), bytes > limits.memory {
                worker.kill("the worker used \(bytes) bytes of memory, more than \(limits.memory) (memory)")
            }
        }
    }

    /// The worker's resident memory, where its process is on this machine.
    private func residentBytes(_ worker: WorkerProcess, _ state: WorkerProcess.State) -> Int? {
        var pid = worker.pid
        if let reported = state.reportedPid, let small = pid_t(exactly: reported), getpgid(small) == worker.pid { pid = small }
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8) else { return nil }
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
