import Documents
import Foundation
import Search
import Trials

/// Carries a study out: event to `step`, commit through the log, then act. One thread, the caller's, owns all of it.
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
    private static let pollSeconds = 0.25
    private static let progressSeconds = 0.5

    private let spentBefore: Double
    private var begin = 0.0
    private var doneBefore = 0
    private var killTime = Double.infinity
    private var lastProgress = -Double.infinity
    private var heartbeats: [Int: StudyProgress.Running] = [:]
    private var outcome: StudyOutcome?
    /// The front's, nil when it must be computed anew.
    private var hypervolume: Double?

    /// `history` is what the study was restored from; it tells how many seconds were spent before.
    package init(
        study: Study, log: any TrialLog, executor: any Executor, clock: any Clock = WallClock(),
        history: [StudyRecord] = [], folder: StudyFolder? = nil, stopSwitch: StopSwitch = StopSwitch(),
        progress: @escaping (StudyProgress) -> Void = { _ in }
    ) {
        self.study = study
        self.log = log
        self.executor = executor
        self.clock = clock
        self.folder = folder
        self.stopSwitch = stopSwitch
        self.progress = progress
        spentBefore = Self.spentSeconds(history)
        front = StudyFront(objectives: study.settings.objectives, constraints: study.settings.constraints)
        for trial in study.trials { _ = front.insert(trial) }
    }

    /// Controller time in a log: of every session, from its first to its last event.
    package static func spentSeconds(_ history: [StudyRecord]) -> Double {
        var spent = 0.0
        var start: Double?
        for (index, record) in history.enumerated() {
            if case .sessionStarted = record.fact { start = record.at }
            let endsSession: Bool
            if index + 1 < history.count, case .sessionStarted = history[index + 1].fact { endsSession = true } else {
                endsSession = index + 1 == history.count
            }
            if endsSession, let begin = start { spent += max(0, record.at - begin) }
        }
        return spent
    }

    /// Runs the study until it ends or pauses. Throws when the log cannot be written; what was committed stays.
    package func run() throws -> StudyOutcome {
        defer { executor.shutdown() }
        begin = clock.now
        // A controller that was killed may have left files of trials that had just ended.
        let ended = study.trials.filter { $0.state.isFinal }.map(\.number)
        sweep(ended, frontChanged: false)
        doneBefore = ended.count
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
            let wake = min(now + Self.pollSeconds, killTime == .infinity ? deadline : killTime)
            if let event = executor.next(before: max(wake, now)) { try receive(event) }
            if clock.now - lastProgress >= Self.progressSeconds { tell() }
        }
        tell()
        return outcome ?? StudyOutcome(reason: "ended", paused: false, hopeless: false)
    }

    private func stop(_ reason: String) throws {
        killTime = clock.now + Self.stopGrace
        try handle(.stopRequested(reason: reason))
    }

    private func killRunning() {
        for (slot, trial) in study.running.enumerated() where trial != nil { executor.kill(slot: slot) }
        killTime = clock.now + Self.stopGrace
    }

    private func receive(_ event: ExecutorEvent) throws {
        switch event {
        case .message(let slot, .heartbeat(let trial, _, let step, let totalSteps, let phase)):
            heartbeats[slot] = .init(trial: trial, step: step, totalSteps: totalSteps, phase: phase)
        case .message(let slot, let message): try handle(.message(slot: slot, message))
        case .ended(let slot, let failure): try handle(.ended(slot: slot, failure))
        }
    }

    /// Step, commit, act.
    private func handle(_ event: StudyEvent) throws {
        let actions = study.step(event)
        let at = clock.now
        var commit = StudyCommit(records: [])
        var final: [Int] = []
        var frontChanged = false
        for case .record(let fact) in actions {
            commit.records.append(StudyRecord(at: at, fact: fact))
            if case .started(let start) = fact { try folder?.begin(start) }
            guard let number = Self.finalTrial(fact) else { continue }
            final.append(number)
            if front.insert(study.trials[number]) {
                frontChanged = true
                hypervolume = nil
            }
            let volume = hypervolume ?? front.hypervolume
            hypervolume = volume
            commit.hypervolumes.append(HypervolumeEntry(trial: number, at: at, value: volume))
        }
        if frontChanged { commit.front = front.entries }
        if !commit.records.isEmpty { try log.append(commit) }
        sweep(final, frontChanged: frontChanged)
        for action in actions {
            switch action {
            case .record: break
            case .start(let slot, let request):
                heartbeats[slot] = nil
                executor.start(request, slot: slot)
            case .stop(let slot): executor.stop(slot: slot)
            case .finished(let reason, let paused):
                outcome = StudyOutcome(reason: reason, paused: paused, hopeless: study.isHopeless)
            }
        }
        if killTime == .infinity, study.isStopping { killTime = clock.now + Self.stopGrace }
    }

    /// The trial that a fact brings to its final state.
    private static func finalTrial(_ fact: StudyFact) -> Int? {
        switch fact {
        case .reached(let trial, _, _, _, _, true), .failed(let trial, _), .stopped(_, let trial), .pruned(let trial): trial
        default: nil
        }
    }

    /// Removes checkpoints of trials that ended and networks that are not to be kept.
    private func sweep(_ final: [Int], frontChanged: Bool) {
        guard let folder else { return }
        failpoint(.sweepBegins)
        for number in final { folder.removeCheckpoint(number) }
        switch study.settings.keep {
        case .all: break
        case .none: for number in final { folder.removeModel(number) }
        case .front:
            let kept = Set(front.entries.map(\.trial))
            let ended = frontChanged ? study.trials.filter { $0.state.isFinal }.map(\.number) : final
            for number in ended where !kept.contains(number) { folder.removeModel(number) }
        }
    }

    private func tell() {
        lastProgress = clock.now
        var state = StudyProgress()
        state.done = study.trials.count { $0.state.isFinal }
        state.failed = study.trials.count { $0.state == .fail }
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
