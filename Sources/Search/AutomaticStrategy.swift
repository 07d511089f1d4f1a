import Documents
import RandomStreams
import SearchSpaces
import Trials

/// What measures best, and what an experiment without a strategy gets: at present `surrogate` with its own settings for every space. `{kind: auto}`
/// Each trial's `strategy` says what it was: `auto (surrogate)`.
package struct AutomaticStrategy: Strategy {
    package static let kind = "auto"

    private var chosen: SurrogateStrategy

    package init(settings: Document, space: SearchSpace, objectives: [Objective], constraints: [Constraint]) throws {
        try settings.allowOnly(["kind"])
        chosen = try SurrogateStrategy(
            settings: ["kind": .string(SurrogateStrategy.kind)], space: space, objectives: objectives, constraints: constraints)
    }

    package var summary: String { "auto (\(chosen.summary))" }

    package mutating func weigh(_ cost: TrialCost) { chosen.weigh(cost) }

    package mutating func observe(_ observation: Observation) { chosen.observe(observation) }

    package mutating func observe(rejected genotype: Genotype) { chosen.observe(rejected: genotype) }

    package mutating func propose(redraw: Int, using stream: inout RandomStream) -> Genotype {
        chosen.propose(redraw: redraw, using: &stream)
    }
}
