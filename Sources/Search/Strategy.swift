import Documents
import RandomStreams
import SearchSpaces
import Trials

/// What a strategy or scheduler is shown, in an order that is part of the log. Its state is a function of that sequence alone.
package enum Observation: Sendable {
    /// A new trial was decided on and starts towards its first rung.
    case started(trial: Int, genotype: Genotype, resource: Int)
    /// A trial was decided to go on to a further rung.
    case continued(trial: Int, resource: Int)
    /// A trial reached a rung with these operating points.
    case result(trial: Int, resource: Int, points: [Point])
    /// A trial was stopped at its rung for good.
    case stopped(trial: Int)
    /// A trial failed for good.
    case failed(trial: Int)
    /// Another study's trial had these operating points. It is none of this study's: its number is below all of theirs, its network is
    /// not on the front, and may be proposed. `resource` stands for a training that tells less than any complete one here.
    case transferred(number: Int, genotype: Genotype, resource: Double, points: [Point])
}

/// Proposes genotypes. One new file and one line in `strategyCatalogue` adds one.
package protocol Strategy: Sendable {
    /// The `kind` in an experiment's `strategy:`.
    static var kind: String { get }
    /// What it is, in a reader's words: the `strategy` of its trials.
    var summary: String { get }
    /// Whether it looks at the genotypes of started trials. Those of a strategy that does not are passed over when a study is
    /// restored, where it sees empty ones: of a million trials that saves half the time.
    static var observesGenotypes: Bool { get }
    /// Reads its settings; misspelt or impossible ones are located errors.
    init(settings: Document, space: SearchSpace, objectives: [Objective], constraints: [Constraint]) throws
    /// Told before anything else where time is what is scarce, not trials.
    mutating func weigh(_ cost: TrialCost)
    mutating func observe(_ observation: Observation)
    /// A proposal was refused, as another spelling of what is there or as infeasible. Told once its decision is made, of many the last
    /// ones; that too is part of the log.
    mutating func observe(rejected genotype: Genotype)
    /// A genotype for a new trial: a function of the observations, the stream and `redraw` alone, though it may keep what it
    /// worked out from them. `redraw` counts this decision's proposals that were rejected before, as duplicates or infeasible.
    /// Steady-state: never waits for results.
    mutating func propose(redraw: Int, using stream: inout RandomStream) -> Genotype
}

extension Strategy {
    package static var observesGenotypes: Bool { true }
    package var summary: String { Self.kind }
    package mutating func observe(rejected genotype: Genotype) {}
    package mutating func weigh(_ cost: TrialCost) {}
}

/// What the time of a trial goes with.
package struct TrialCost: Sendable {
    /// The metric of a result that tells it.
    package var metric: String
    /// It for a genotype that has no result; nil where nothing can be built of it. It takes as long as describing the network.
    package var estimate: @Sendable (Genotype) -> Double?

    package init(metric: String, estimate: @escaping @Sendable (Genotype) -> Double?) {
        self.metric = metric
        self.estimate = estimate
    }
}

/// What a scheduler wants next.
package enum SchedulerChoice: Sendable, Equatable {
    /// Start a new trial towards `resource`.
    case start(resource: Int)
    /// Continue a resting trial from its checkpoint to `resource`.
    case proceed(trial: Int, resource: Int)
    /// Stop a resting trial for good (it becomes PRUNED).
    case stop(trial: Int)
    /// Nothing can be done with what is known now.
    case nothing
}

/// Decides how far trials are trained. One new file and one line in `schedulerCatalogue` adds one.
package protocol Scheduler: Sendable {
    static var kind: Fidelity.Kind { get }
    init(fidelity: Fidelity, objectives: [Objective])
    mutating func observe(_ observation: Observation)
    /// The next choice, a function of the observations alone, though it may keep what it worked out from them. `mayStart` is false
    /// once the budget of trials is spent.
    mutating func choose(mayStart: Bool) -> SchedulerChoice
}
