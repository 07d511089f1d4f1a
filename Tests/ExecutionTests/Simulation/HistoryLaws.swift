import Search
import Trials

/// What must hold of any log, judged by the events alone and without the study's own code.
struct HistoryLaws {
    private struct Life {
        enum Stage { case due, running, resting, over }
        var stage = Stage.due
        var target: Int
        var attempts = 0
        var slot = -1
        var checkpoint: Int?
        var beganAt = 0
        /// Failed attempts since one that saved a checkpoint.
        var failures = 0
        var isFatal = false
        var reached = 0
    }

    private(set) var faults: [String] = []
    private let history: SimulatedHistory
    private var lives: [Int: Life] = [:]
    private var slots: [Int: Int] = [:]
    private var measured: Set<String> = []
    private var session: (begin: Double, trials: Int, deadline: Double)?
    private var spent = 0.0
    private var last = 0.0
    private var decisions = 0
    private var ended = false
    private var complete: [(trial: Int, environment: String?, points: [Point])] = []

    init(_ history: SimulatedHistory, _ log: SimulatedLog) {
        self.history = history
        for record in log.durable {
            take(record)
            if faults.count > 20 { return }
        }
        judgeEnd(log)
    }

    private mutating func fault(_ what: String) { faults.append(what) }

    private mutating func take(_ record: StudyRecord) {
        if record.at < last { fault("time runs backwards") }
        if case .sessionStarted(let trials, let seconds, _, _, _) = record.fact {
            if let session { spent += last - session.begin }
            session = (record.at, trials ?? .max, seconds.map { record.at + max(0, $0 - spent) } ?? .infinity)
            slots = [:]
        } else if session == nil {
            fault("an event before the first session")
        }
        last = record.at
        if let trial = record.fact.trial, case .started = record.fact {
            if trial != lives.count { fault("trial \(trial) comes after \(lives.count)") }
        } else if let trial = record.fact.trial, lives[trial] == nil {
            return fault("trial \(trial) was never started")
        } else if let trial = record.fact.trial, lives[trial]?.stage == .over {
            fault("trial \(trial) is over and has another \(record.fact.kind)")
        }
        judge(record)
    }

    private mutating func decide(_ number: Int) {
        if number != decisions { fault("decision \(number) comes after \(decisions)") }
        decisions = number + 1
    }

    private mutating func judge(_ record: StudyRecord) {
        switch record.fact {
        case .started(let start):
            decide(start.decision)
            lives[start.trial] = Life(target: start.resource)
            if lives.count > session?.trials ?? 0 { fault("the budget of trials is overdrawn: \(lives.count)") }
        case .continued(let decision, let trial, let resource):
            decide(decision)
            if lives[trial]?.stage != .resting { fault("trial \(trial) goes on but does not rest") }
            lives[trial]?.stage = .due
            lives[trial]?.target = resource
        case .stopped(let decision, let trial):
            decide(decision)
            lives[trial]?.stage = .over
        case .nothing(let decision): decide(decision)
        case .attemptStarted(let trial, let attempt, let slot, let resource, let from):
            guard var life = lives[trial] else { return }
            if life.stage != .due { fault("attempt \(attempt) of trial \(trial) is not due") }
            if attempt != life.attempts + 1 { fault("attempt \(attempt) of trial \(trial) comes after \(life.attempts)") }
            if resource != life.target { fault("trial \(trial) is sent to \(resource), not to \(life.target)") }
            if (from != nil) != (life.checkpoint != nil) { fault("trial \(trial) does not go on from its last checkpoint") }
            if let other = slots[slot] { fault("slot \(slot) works on trial \(other) and \(trial)") }
            if record.at > session?.deadline ?? 0 { fault("an attempt began after the seconds were spent") }
            slots[slot] = trial
            (life.stage, life.attempts, life.slot, life.beganAt) = (.running, attempt, slot, life.checkpoint ?? 0)
            lives[trial] = life
        case .measured(let it, _):
            expectRunning(it.trial, it.attempt, record.fact.kind)
            let key = "\(it.trial) \(it.point) \(it.metric) \(it.resource)"
            if !measured.insert(key).inserted { fault("measured twice: \(key)") }
        case .checkpointed(let trial, let attempt, let resource, _):
            expectRunning(trial, attempt, record.fact.kind)
            guard let life = lives[trial] else { return }
            if !(life.beganAt...life.target).contains(resource) { fault("trial \(trial) has a checkpoint at \(resource)") }
            lives[trial]?.checkpoint = resource
            if resource > life.beganAt { lives[trial]?.failures = 0 }
        case .reached(let trial, let attempt, let resource, let points, let environment, let isLast):
            end(trial, attempt, record.fact.kind, .resting)
            if resource != lives[trial]?.target { fault("trial \(trial) reached \(resource)") }
            if resource <= lives[trial]?.reached ?? 0 { fault("trial \(trial) reached \(resource) twice") }
            lives[trial]?.reached = resource
            lives[trial]?.failures = 0
            if isLast != (resource == history.settings.fidelity.rungs.last) { fault("trial \(trial) is taken for complete at \(resource)") }
            if isLast {
                lives[trial]?.stage = .over
                complete.append((trial, environment, points))
            }
        case .attemptFailed(let trial, let attempt, let failure):
            end(trial, attempt, record.fact.kind, .due)
            guard let life = lives[trial] else { return }
            lives[trial]?.isFatal = failure.reason == "diverged"
            if life.checkpoint ?? 0 <= life.beganAt { lives[trial]?.failures += 1 } else { lives[trial]?.failures = 0 }
        case .attemptInterrupted(let trial, let attempt, _): end(trial, attempt, record.fact.kind, .due)
        case .failed(let trial, _):
            guard let life = lives[trial] else { return }
            if life.stage != .due { fault("trial \(trial) fails while it does not wait") }
            if !life.isFatal, life.failures <= history.settings.limits.retries {
                fault("trial \(trial) fails after \(life.failures) attempts in a row without a checkpoint")
            }
            lives[trial]?.stage = .over
        case .pruned(let trial):
            if lives[trial]?.stage != .resting { fault("trial \(trial) is pruned but does not rest") }
            lives[trial]?.stage = .over
        case .ended: ended = true
        case .paused: if lives.values.contains(where: { $0.stage == .running }) { fault("paused with a running trial") }
        case .sessionStarted: ended = false
        case .transferred, .rejected, .exhausted, .workerStarted: break
        }
        if case .attemptStarted(let trial, _, _, _, _) = record.fact, let life = lives[trial],
            life.failures > history.settings.limits.retries
        {
            fault("trial \(trial) is tried after \(life.failures) attempts in a row without a checkpoint")
        }
    }

    private mutating func expectRunning(_ trial: Int, _ attempt: Int, _ kind: String) {
        guard let life = lives[trial], life.stage == .running, life.attempts == attempt else {
            return fault("\(kind) of attempt \(attempt) of trial \(trial), which does not run")
        }
    }

    private mutating func end(_ trial: Int, _ attempt: Int, _ kind: String, _ stage: Life.Stage) {
        expectRunning(trial, attempt, kind)
        if let slot = lives[trial]?.slot, slots[slot] == trial { slots[slot] = nil }
        lives[trial]?.stage = stage
    }

    private mutating func judgeEnd(_ log: SimulatedLog) {
        if !ended { fault("the study did not end") }
        let left = lives.filter { $0.value.stage != .over }.keys.sorted()
        if !left.isEmpty { fault("trials \(left) are in no final state") }
        let exhausted = log.durable.contains { if case .exhausted = $0.fact { true } else { false } }
        if !exhausted, lives.count != session?.trials { fault("\(lives.count) trials of a budget of \(session?.trials ?? 0)") }

        // The front and its volume, by brute force over the results in the log.
        let compares = history.measuresObjective
        let objectives = history.settings.objectives
        var entries: Set<String> = []
        var volume = 0.0
        for (_, group) in Dictionary(grouping: complete, by: { compares ? $0.environment ?? "" : "" }) {
            var all: [(name: String, losses: [Double])] = []
            for trial in group {
                for point in trial.points {
                    let values = objectives.compactMap { objective in point.metrics[objective.metric].map(objective.loss) }
                    guard values.count == objectives.count else { continue }
                    let feasible = history.settings.constraints.allSatisfy { $0.allows(point.metrics[$0.metric] ?? 0) }
                    if feasible { all.append(("\(trial.trial)/\(point.point)", values)) }
                }
            }
            let front = all.filter { candidate in
                !all.contains { other in
                    other.losses[0] <= candidate.losses[0] && other.losses[1] <= candidate.losses[1] && other.losses != candidate.losses
                }
            }
            entries.formUnion(front.map(\.name))
            let bounds = objectives.map { $0.loss($0.reference) }
            var (area, top) = (0.0, bounds[1])
            for point in front.map(\.losses).sorted(by: { $0[0] < $1[0] }) where point[0] < bounds[0] && point[1] < top {
                area += (bounds[0] - point[0]) * (top - point[1])
                top = point[1]
            }
            volume = max(volume, area)
        }
        if Set(log.front.map { "\($0.trial)/\($0.point.point)" }) != entries { fault("the front is not that of the log") }
        if let entry = log.hypervolumes.last, abs(entry.value - volume) > 1e-9 * max(1, volume) {
            fault("the hypervolume is \(entry.value), by the log \(volume)")
        }
        if log.hypervolumes.count != lives.count { fault("\(log.hypervolumes.count) hypervolumes of \(lives.count) trials") }
        for (before, after) in zip(log.hypervolumes, log.hypervolumes.dropFirst()) where after.value < before.value - 1e-9 {
            fault("the hypervolume fell")
        }
    }
}
