import Trials

/// Asynchronous successive halving (Li et al., "A system for massively parallel hyperparameter tuning", 2020, algorithm 2),
/// with non-dominated rank, then the hypervolume that a trial alone adds to its rank, in place of the loss (`RungRanking`).
/// `{kind: asha, rungs: [125, 500, 2000], reduction: 4}`
///
/// From the top rung downwards, a trial that rests there among the best floor(n / reduction) of the rung's n results goes
/// on to the next rung; when there is none, a new trial starts. Nothing is stopped: a trial that is never promoted rests.
///
/// So that a short study completes something: once no trial may start, none is running and none can be promoted, and the
/// top rung has no result yet, the best resting trial of the highest rung that has one goes on all the same.
package struct ASHAScheduler: Scheduler {
    package static let kind = Fidelity.Kind.asha
    private let reduction: Int
    private var rungs: RungResults

    package init(fidelity: Fidelity, objectives: [Objective]) {
        precondition(fidelity.reduction >= 2)
        reduction = fidelity.reduction
        rungs = RungResults(fidelity.rungs, objectives: objectives)
    }

    package mutating func observe(_ observation: Observation) { rungs.observe(observation) }

    package mutating func choose(mayStart: Bool) -> SchedulerChoice {
        if let promotion = promotion() { return promotion }
        if mayStart { return .start(resource: rungs.resources[0]) }
        return lastResort() ?? .nothing
    }

    /// The promotion that is earned at the highest rung.
    mutating func promotion() -> SchedulerChoice? {
        for rung in rungs.resources.indices.dropLast().reversed() {
            let allowed = rungs.count(rung) / reduction
            if allowed > 0, rungs.rests(rung),
                let best = rungs.ranked(rung).prefix(allowed).first(where: { rungs.rests($0, rung) })
            {
                return .proceed(trial: best, resource: rungs.resources[rung + 1])
            }
        }
        return nil
    }

    /// The promotion that nobody earned, where nothing would be complete otherwise.
    mutating func lastResort() -> SchedulerChoice? {
        guard rungs.running.isEmpty, rungs.count(rungs.resources.count - 1) == 0 else { return nil }
        for rung in rungs.resources.indices.dropLast().reversed() where rungs.rests(rung) {
            if let best = rungs.ranked(rung).first(where: { rungs.rests($0, rung) }) {
                return .proceed(trial: best, resource: rungs.resources[rung + 1])
            }
        }
        return nil
    }

    /// Whether a trial runs, or one is complete.
    var isPromising: Bool { !rungs.running.isEmpty || rungs.count(rungs.resources.count - 1) > 0 }
}
