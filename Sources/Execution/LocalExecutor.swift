import Documents
import Foundation
import Trials

/// Worker processes on this machine, or behind a launcher, one for each slot; they live until the study or a limit ends them.
///
/// Limits are checked whenever the controller waits for events, in seconds during which it did: what a controller missed while it
/// was stopped or its laptop slept is held against nobody. `startSeconds` until `hello`; then a sign of life within
/// `stallSeconds`, progress (see `WorkerConduct`) within `progressSeconds`, `trialSeconds` for one attempt, time in phase `waiting`
/// not counted in the last two; memory. A broken limit is a kill with its reason.
package final class LocalExecutor: Executor {
    private struct Slot {
        var worker: WorkerProcess?
        var busy = false
        /// What it was asked last, while a worker that dies silently may cost nothing: see `resend`.
        var retriable: TrialRequest?
        var watch = AttemptWatch()
    }

    private enum Mail: Sendable {
        case message(slot: Int, WorkerProcess, WorkerEvent)
        case ended(slot: Int, WorkerProcess?, AttemptFailure)
    }

    /// Messages that wait to be handled; a worker that says more meanwhile is not read further.
    private static let mostMail = 1024
    /// Seconds between two looks at the memory of workers.
    private static let memorySeconds = 1.0

    package var slots: Int { table.count }
    private var table: [Slot]
    private let command: [String]
    private let isLaunched: Bool
    private let limits: StudySettings.Limits
    private let environment: [String: String]
    private let mailbox = Mailbox<Mail>()
    private var lastCheck = monotonicSeconds()
    private var lastMemoryCheck = -Double.infinity

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
        isLaunched = !launcher.isEmpty
        self.limits = limits
        self.environment = environment
    }

    package func start(_ request: TrialRequest, slot: Int) {
        precondition(!table[slot].busy)
        if !request.folder.isEmpty {
            try? FileManager.default.createDirectory(atPath: request.folder, withIntermediateDirectories: true)
        }
        table[slot].busy = true
        table[slot].watch = AttemptWatch()
        if let worker = table[slot].worker, worker.isUsable {
            table[slot].retriable = request
            worker.ask(request)
        } else {
            startWorker(for: request, slot)
        }
    }

    private func startWorker(for request: TrialRequest, _ slot: Int) {
        table[slot].retriable = nil
        do {
            try newWorker(slot, for: request).ask(request)
        } catch {
            mailbox.put(.ended(slot: slot, nil, AttemptFailure(reason: "\(error)")))
        }
    }

    /// A worker that worked before and died without a word about its new request most likely died of what came before:
    /// a fresh one is asked once more. False when the attempt failed by its own fault, or was to be stopped.
    private func resend(_ slot: Int, _ worker: WorkerProcess?) -> Bool {
        guard let request = table[slot].retriable, worker?.state.value.mayBeReplaced == true else { return false }
        table[slot].watch = AttemptWatch()
        startWorker(for: request, slot)
        return true
    }

    private func newWorker(_ slot: Int, for request: TrialRequest) throws -> WorkerProcess {
        let worker = try WorkerProcess(
            command: command, environment: environment, for: request, isLaunched: isLaunched,
            onMessage: { [mailbox] worker, event in
                mailbox.put(.message(slot: slot, worker, event), limit: Self.mostMail) { !worker.state.value.isHeard }
            },
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
        let workers = table.compactMap(\.worker)
        func wait(_ seconds: Double) {
            let patience = monotonicSeconds() + seconds
            while workers.contains(where: { !$0.state.value.hasEnded }), monotonicSeconds() < patience { usleep(5000) }
        }
        // The end of its input ends an idle worker, wherever it runs; the group's kill ends what does not listen.
        for slot in table.indices where !table[slot].busy { table[slot].worker?.closeInput() }
        for slot in table.indices where table[slot].busy { table[slot].worker?.kill("the study ended") }
        wait(isLaunched ? WorkerProcess.launcherPatience : 1)
        for worker in workers { worker.kill("the study ended") }
        wait(3 + (isLaunched ? WorkerProcess.launcherPatience : 0))
        for slot in table.indices { table[slot].worker = nil }
    }

    private func checkLimits() {
        let now = monotonicSeconds()
        let elapsed = now - lastCheck
        guard elapsed >= 0.05 else { return }
        lastCheck = now
        let watched = table.indices.filter { slot in
            guard table[slot].busy, let state = table[slot].worker?.state.value else { return false }
            // An attempt whose last word is on its way is over.
            return !state.isDead && !state.hasEnded && !state.conduct.hasFinished && state.killReason == nil
        }
        for slot in watched {
            guard let worker = table[slot].worker else { continue }
            if let reason = table[slot].watch.look(at: worker.state.value.conduct, after: elapsed, limits) { worker.kill(reason) }
        }
        guard now - lastMemoryCheck >= Self.memorySeconds else { return }
        lastMemoryCheck = now
        checkMemory(watched.compactMap { table[$0].worker })
    }

    /// The resident memory of a worker with its children, where its processes are on this machine.
    private func checkMemory(_ workers: [WorkerProcess]) {
        guard !workers.isEmpty else { return }
        let found = ProcessGroupMemory.resident(of: Set(workers.map(\.pid)))
        for worker in workers {
            guard let group = found[worker.pid], group.bytes > limits.memory else { continue }
            let bytes = ProcessGroupMemory.proportional(group.processes) ?? group.bytes
            guard bytes > limits.memory else { continue }
            worker.kill("the worker used \(bytes) bytes of memory, more than \(limits.memory) (memory)")
        }
    }
}
