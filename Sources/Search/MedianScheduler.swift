import Trials

/// The median stopping rule (Golovin et al., "Google Vizier: a service for black-box optimization", 2017), with the place among all trials
/// at the same resource (`rankRung`: non-dominated rank, then hypervolume) instead of the running mean of one objective.
/// `{kind: median, rungs: [125, 500, 2000], grace: 4}`
///
/// A trial that reaches a rung goes on when it is among the best ceil(n / 2) of the rung's n results, its own among them, or when there
/// are fewer than `grace`; else it is stopped and becomes PRUNED.
package struct MedianScheduler: Scheduler {
    package static let kind = Fidelity.Kind.median
    private let grace: Int
    private var rungs: RungResults

    package init(fidelity: Fidelity, objectives: [Objective]) {
        grace = fidelity.grace
        rungs = RungResults(fidelity.rungs, objectives: objectives)
    }

    package mutating func observe(_ observation: Observation) { rungs.observe(observation) }

    package mutating func choose(mayStart: Bool) -> SchedulerChoice {
        if let (trial, rung) = rungs.firstResting {
            let count = rungs.count(rung)
            let isGood = count < grace || rungs.ranked(rung).prefix((count + 1) / 2).contains(trial)
            return isGood ? .proceed(trial: trial, resource: rungs.resources[rung + 1]) : .stop(trial: trial)
        }
        return mayStart ? .start(resource: rungs.resources[0]) : .nothing
    }
}
