import Documents
import RandomStreams
import SearchSpaces
import Trials

/// Bayesian optimisation with Gaussian processes and the expected hypervolume improvement (Emmerich et al. 2006, Yang et al. 2019), as the
/// papers have it: `surrogate` with deviations in full. `{kind: gp, initial: 10, candidates: 160}`
package struct GaussianProcessStrategy: Strategy {
    package static let kind = "gp"

    private var search: SurrogateStrategy

    package init(settings: Document, space: SearchSpace, objectives: [Objective], constraints: [Constraint]) throws {
        try settings.allowOnly(["kind", "initial", "candidates"])
        var settings = settings
        settings["caution"] = 1.0
        search = try SurrogateStrategy(settings: settings, space: space, objectives: objectives, constraints: constraints)
    }

    package mutating func weigh(_ cost: TrialCost) { search.weigh(cost) }

    package mutating func observe(_ observation: Observation) { search.observe(observation) }

    package mutating func observe(rejected genotype: Genotype) { search.observe(rejected: genotype) }

    package mutating func propose(redraw: Int, using stream: inout RandomStream) -> Genotype {
        search.propose(redraw: redraw, using: &stream)
    }
}
