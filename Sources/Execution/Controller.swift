import Documents
import Foundation
import Search
import Trials

/// Carries a study out: event to `step`, commit through the log, then act. One thread, the caller's, owns all of it.
/// Events that came together share a commit, unless proposals for them take long: nobody waits for another one's.
///
/// When the disk refuses, the study pauses: nothing is acted on that is not in the log, the workers save their checkpoints and
/// stop, what they still tell is kept in memory, and each further commit, the last one when all have stopped, tries to write it.
package final class Controller {
    package private(set) var study: Study
    package private(set) var front: StudyFront
    private let log: any TrialLog
    private let executor: any Executor
    private let clock: any Clock
    private let folder: StudyFolder?
    private let stopSwitch: StopSwitch
    private let progress: (StudyProgress) -> Void

    /// Seconds that a worker has to save its checkpoint before it is killed.
    private static let stopGrace = 20.0
    private static let secondsSpent = "the budget of seconds is spent"
    private static let progressSeconds = 0.5
    /// So many events at most share a commit.
    private static let burstLimit = 64
    /// What was decided is committed and acted on after so many seconds at the latest.
    private static let decidingSeconds = 0.001

    private let spentBefore: Double
    private var begin = 0.0
    private var doneBefore = 0
    private var done = 0
    private var failed = 0
    private var killTime = Double.infinity
    private var lastProgress = -Double.infinity
    private var heartbeats: [Int: StudyProgress.Running] = [:]
    private var outcome: StudyOutcome?
    /// The front's, nil when it must be computed anew.
    private var hypervolume: Double?
    /// What the study decided and heard and the log does not have yet.
    private var uncommitted = StudyCommit(records: [])
    /// Where running trials' checkpoints are when a worker chose another name than ours.
    private var checkpoints: [Int: String] = [:]
    /// Trials whose files are to be swept once that is in the log.
    private var unswept: Set<Int>
    /// Why the disk refused.
    private var storageFailure: String?

    package init(
        _ restored: StudyRestoration, log: any TrialLog, executor: any Executor, clock: any Clock = WallClock(),
        folder: StudyFolder? = nil, stopSwitch: StopSwitch = StopSwitch(), progress: @escaping (StudyProgress) -> Void = { _ in }
    ) {
        study = restored.study
        front = restored.front
        spentBefore = restored.spentSeconds
        unswept = restored.unswept
        self.log = log
        self.executor = executor
        self.clock = clock
        self.folder = folder
        self.stopSwitch = stopSwitch
        self.progress = progress
    }

    /// A controller of a study that was restored from this history.
    package convenience init(
        study: Study, log: any TrialLog, executor: any Executor, clock: any Clock = WallClock(),
        history: [StudyRecord] = [], folder: StudyFolder? = nil, stopSwitch: StopSwitch = StopSwitch(),
        progress: @escaping (StudyProgress) -> Void = { _ in }
    ) {
        self.init(
            StudyRestoration(study, history: history), log: log, executor: executor, clock: clock, folder: folder,
            stopSwitch: stopSwitch, progress: progress)
    }

    /// Runs the study until it ends or pauses. Throws when another controller took the study over; what was committed stays.
    package func run() throws -> StudyOutcome {
        defer { executor.shutdown() }
        begin = clock.now
        sweep()
        done = study.trials.count { $0.state.isFinal }
        failed = study.trials.count { $0.state == .fail }
        doneBefore = done
        let deadline = study.settings.budget.seconds.map { begin + max(0, $0 - spentBefore) } ?? .infinity
        try handle(.opened(workers: executor.slots, stop: deadline <= begin ? Self.secondsSpent : nil))
        while outcome == nil {
            let now = clock.now
            if killTime == .infinity {
                if stopSwitch.count > 0 {
                    try stop("interrupted")
                } else if now >= deadline {
                    try stop(Self.secondsSpent)
                }
            }
            if now >= killTime || stopSwitch.count > 1 { killRunning() }
            if outcome != nil { break }
            let wake = min(now + executor.pollSeconds, killTime == .infinity ? deadline : killTime)
            if let event = executor.next(before: max(wake, now)) { try receive(burst(event)) }
            if monotonicSeconds() - lastProgress >= Self.progressSeconds { tell() }
        }
        tell()
        var outcome = outcome ?? StudyOutcome(reason: "ended", paused: false, hopeless: false)
        if !uncommitted.records.isEmpty { outcome.paused = true }
        outcome.storageFailure = storageFailure
        return outcome
    }

    private func stop(_ reason: String) throws {
        killTime = clock.now + Self.stopGrace
        try handle(.stopRequested(reason: reason))
    }

    private func killRunning() {
        for (slot, trial) in study.running.enumerated() where trial != nil { executor.kill(slot: slot) }
        killTime = clock.now + Self.stopGrace
    }

    /// The event and those that wait behind it.
    private func burst(_ first: ExecutorEvent) -> [ExecutorEvent] {
        var events = [first]
        while events.count < Self.burstLimit, let next = executor.next(before: clock.now) { events.append(next) }
        return events
    }

    private func receive(_ events: [ExecutorEvent]) throws {
        try handle(
            events.compactMap { event in
                switch event {
                case .message(let slot, .heartbeat(let trial, _, let step, let totalSteps, let phase)):
                    heartbeats[slot] = .init(trial: trial, step: step, totalSteps: totalSteps, phase: phase)
                    return nil
                case .message(let slot, let message):
                    if case .storageFailed(_, _, let reason) = message, storageFailure == nil { storageFailure = reason }
                    return .message(slot: slot, message)
                case .ended(let slot, let failure): return .ended(slot: slot, failure)
                }
            })
    }

    /// Step, commit, act. What comes after the study's end is not heard.
    private func handle(_ events: StudyEvent...) throws { try handle(events) }

    private func handle(_ events: [StudyEvent]) throws {
        var actions: [StudyAction] = []
        var at = clock.now
        for (index, event) in events.enumerated() where !study.isFinished || actions.isEmpty {
            let new = study.step(event)
            note(new, at: at)
            actions += new
            guard index < events.count - 1, clock.now - at > Self.decidingSeconds else { continue }
            try act(on: actions)
            if outcome != nil { return }
            (actions, at) = ([], clock.now)
        }
        try act(on: actions)
    }

    /// Commits what is noted, then acts; the files of what ended can wait until the next trials have begun.
    private func act(on actions: [StudyAction]) throws {
        var refusal = try commit()
        var unstarted: [Int] = []
        for action in actions {
            switch action {
            case .record: break
            case .start(let slot, let request):
                heartbeats[slot] = nil
                if refusal == nil { refusal = prepare(request) }
                if refusal == nil { executor.start(request, slot: slot) } else { unstarted.append(slot) }
            case .stop(let slot): executor.stop(slot: slot)
            case .finished(let reason, let paused):
                outcome = StudyOutcome(reason: reason, paused: paused, hopeless: study.isHopeless)
            }
        }
        sweep()
        if killTime == .infinity, study.isStopping { killTime = clock.now + Self.stopGrace }
        guard let refusal else { return }
        if storageFailure == nil { storageFailure = refusal.description }
        if !study.isStopping, outcome == nil { try stop("\(refusal.file): \(refusal.reason)") }
        for slot in unstarted {
            try handle(.ended(slot: slot, AttemptFailure(reason: "not begun: \(refusal.file): \(refusal.reason)")))
        }
    }

    /// Adds what the study recorded to what is to be committed.
    private func note(_ actions: [StudyAction], at: Double) {
        var commit = StudyCommit(records: [])
        var frontChanged = false
        for case .record(let fact) in actions {
            commit.records.append(StudyRecord(at: at, fact: fact))
            if case .checkpointed(let trial, _, _, let path) = fact { checkpoints[trial] = path }
            guard let number = fact.endedTrial else { continue }
            done += 1
            if study.trials[number].state == .fail { failed += 1 }
            unswept.insert(number)
            if let left = front.insert(number, of: study) {
                frontChanged = true
                unswept.formUnion(left)
                hypervolume = nil
            }
            let volume = hypervolume ?? front.hypervolume
            hypervolume = volume
            commit.hypervolumes.append(HypervolumeEntry(trial: number, at: at, value: volume))
        }
        if frontChanged { commit.front = front.entries }
        uncommitted.add(commit)
    }

    /// Brings the log up to date; returns why the disk refused.
    private func commit() throws -> StorageFailure? {
        guard !uncommitted.records.isEmpty else { return nil }
        do {
            try log.append(uncommitted)
        } catch let failure as StorageFailure {
            return failure
        }
        uncommitted = StudyCommit(records: [])
        return nil
    }

    /// Makes the folder of an attempt; returns why the disk refused.
    private func prepare(_ request: TrialRequest) -> StorageFailure? {
        do {
            try folder?.prepare(study.trials[request.trial].start, attempt: request.attempt)
            return nil
        } catch {
            return error as? StorageFailure ?? StorageFailure(file: request.folder, "\(error)")
        }
    }

    /// Removes checkpoints of trials that ended and networks that are not to be kept, once all that is in the log.
    private func sweep() {
        guard uncommitted.records.isEmpty else { return }
        defer { unswept = [] }
        guard let folder, !unswept.isEmpty else { return }
        failpoint(.sweepBegins)
        for number in unswept where study.trials[number].state.isFinal {
            folder.removeCheckpoint(number, at: checkpoints.removeValue(forKey: number))
            switch study.settings.keep {
            case .all: break
            case .none: folder.removeModel(number)
            case .front: if !front.trials.contains(number) { folder.removeModel(number) }
            }
        }
    }

    private func tell() {
        lastProgress = monotonicSeconds()
        var state = StudyProgress()
        state.done = done
        state.failed = failed
        state.started = study.trials.count
        state.budgetTrials = study.settings.budget.trials
        for (slot, trial) in study.running.enumerated() {
            guard let trial else { continue }
            if let beat = heartbeats[slot], beat.trial == trial {
                state.running.append(beat)
            } else {
                let it = study.trials[trial]
                state.running.append(.init(trial: trial, step: it.reached, totalSteps: it.target, phase: .training))
            }
        }
        let entries = front.entries
        state.frontSize = entries.count
        for objective in study.settings.objectives {
            let values = entries.compactMap { $0.point.metrics[objective.metric] }
            if let best = values.min(by: { objective.loss($0) < objective.loss($1) }) {
                state.best.append((objective.metric, best))
            }
        }
        let session = clock.now - begin
        state.elapsed = spentBefore + session
        var left: [Double] = []
        if let seconds = study.settings.budget.seconds { left.append(max(0, seconds - state.elapsed)) }
        if let trials = study.settings.budget.trials, state.done > doneBefore {
            left.append(session / Double(state.done - doneBefore) * Double(max(0, trials - state.done)))
        }
        state.remaining = left.min().map { min($0, 1e12) }
        progress(state)
    }
}
