import Trials

/// Asynchronous successive halving (Li et al., "A system for massively parallel hyperparameter tuning", 2020, algorithm 2),
/// with non-dominated rank, then crowding, in place of the loss. Ranks are those beyond noise (`latency_mad_ms` of
/// `latency_ms`), since otherwise many nearly equal small networks, told apart by noise, would all stand first.
/// `{kind: asha, rungs: [125, 500, 2000], reduction: 4}`
///
/// From the top rung downwards, a trial that rests there among the best floor(n / reduction) of the rung's n results goes
/// on to the next rung; when there is none, a new trial starts. Nothing is stopped: a trial that is never promoted rests.
///
/// So that a short study completes something: once no trial may start, none is running and none can be promoted, and the
/// top rung has no result yet, the best resting trial of the highest rung that has one goes on all the same.
package struct ASHAScheduler: Scheduler {
    package static let kind = Fidelity.Kind.asha
    private let rungs: [Int]
    private let reduction: Int
    private let objectives: [Objective]
    /// The results of each rung: trial to losses of its points and their deviations.
    private var results: [[Int: [(losses: [Double], deviations: [Double])]]]
    /// The rung at which a trial rests with its result; running, stopped, failed and complete trials have none.
    private var resting: [Int: Int] = [:]
    private var running: Set<Int> = []

    package init(fidelity: Fidelity, objectives: [Objective]) {
        precondition(!fidelity.rungs.isEmpty && fidelity.reduction >= 2)
        rungs = fidelity.rungs
        reduction = fidelity.reduction
        self.objectives = objectives
        results = Array(repeating: [:], count: fidelity.rungs.count)
    }

    package mutating func observe(_ observation: Observation) {
        switch observation {
        case .started(let trial, _, _): running.insert(trial)
        case .continued(let trial, _):
            resting[trial] = nil
            running.insert(trial)
        case .result(let trial, let resource, let points):
            guard let rung = rungs.firstIndex(of: resource) else { return }
            running.remove(trial)
            results[rung][trial] = points.compactMap { point in
                losses(of: point, objectives: objectives).map { ($0, deviations(of: point, objectives: objectives)) }
            }
            resting[trial] = rung < rungs.count - 1 ? rung : nil
        case .stopped(let trial), .failed(let trial):
            resting[trial] = nil
            running.remove(trial)
        }
    }

    package func choose(mayStart: Bool) -> SchedulerChoice {
        for rung in rungs.indices.dropLast().reversed() {
            let allowed = results[rung].count / reduction
            if allowed > 0, let best = ranked(rung).prefix(allowed).first(where: { resting[$0.trial] == rung }) {
                return .proceed(trial: best.trial, resource: rungs[rung + 1])
            }
        }
        if mayStart { return .start(resource: rungs[0]) }
        guard running.isEmpty, results[rungs.count - 1].isEmpty else { return .nothing }
        for rung in rungs.indices.dropLast().reversed() {
            if let best = ranked(rung).first(where: { resting[$0.trial] == rung }) {
                return .proceed(trial: best.trial, resource: rungs[rung + 1])
            }
        }
        return .nothing
    }

    private func ranked(_ rung: Int) -> [RankedTrial] {
        let judged = results[rung].sorted { $0.key < $1.key }
        return rankTrials(
            judged.map { (trial: $0.key, points: $0.value.map(\.losses)) },
            deviations: judged.flatMap { $0.value.map(\.deviations) })
    }
}
