import Documents
import RandomStreams
import SearchSpaces
import Trials

/// Steady-state NSGA-II (Deb et al., 2002, without generations). `{kind: nsga2, population: 16, crossover: 0.9, mutation: 0.5}`
///
/// The first trials, `population` and as many more as `InitialDesign` needs, are samples spread over the alternatives of the
/// space's choices. Then each proposal is a child of two binary tournaments on
/// (rank, crowding) in the current population: crossed over with probability `crossover`; mutated with probability
/// `mutation`, and always when it would be a copy of a parent. The population is the best `population` of all trials
/// that have a result, so nothing good is lost, and it changes as soon as a result arrives.
///
/// A trial counts with the result of its highest resource, also beside trials that stand at another rung: a longer
/// training is then an advantage, which favours what ASHA found worth continuing. Failed trials drop out.
/// Genotypes that were started before are proposed again only when sixteen attempts find nothing new.
package struct NSGA2Strategy: Strategy {
    package static let kind = "nsga2"

    private struct Individual {
        var genotype: Genotype
        var resource = 0
    }

    private let space: SearchSpace
    private let objectives: [Objective]
    private let populationSize: Int
    private let crossoverProbability: Double
    private let mutationProbability: Double
    private var individuals: [Int: Individual] = [:]
    /// The losses of trials that have a result, by number.
    private var judged: [(trial: Int, points: [[Double]])] = []
    /// Genotypes that were started or refused.
    private var started: Set<Genotype> = []
    private var design: InitialDesign
    /// Best first; selected when a proposal needs it.
    private var population: [RankedTrial] = []
    private var mustSelect = false

    package init(settings: Document, space: SearchSpace, objectives: [Objective], constraints: [Constraint]) throws {
        try settings.allowOnly(["kind", "population", "crossover", "mutation"])
        self.space = space
        self.objectives = objectives
        populationSize = try settings.optional("population")?.int("population", in: 2...100_000) ?? 16
        crossoverProbability = try settings.optional("crossover")?.double("crossover", in: 0...1) ?? 0.9
        design = InitialDesign(space: space, size: populationSize)
        mutationProbability = try settings.optional("mutation")?.double("mutation", in: 0...1) ?? 0.5
    }

    package mutating func observe(_ observation: Observation) {
        design.observe(observation)
        switch observation {
        case .started(let trial, let genotype, _):
            individuals[trial] = Individual(genotype: genotype)
            started.insert(genotype)
        case .result(let trial, let resource, let points):
            guard var individual = individuals[trial], resource >= individual.resource else { return }
            individual.resource = resource
            individuals[trial] = individual
            judge(trial, points.compactMap { losses(of: $0, objectives: objectives) })
        case .failed(let trial):
            individuals[trial] = nil
            judge(trial, [])
        case .continued, .stopped: break
        }
    }

    package mutating func observe(rejected genotype: Genotype) { started.insert(genotype) }

    /// Replaces what is known of a trial; without points it does not count.
    private mutating func judge(_ trial: Int, _ points: [[Double]]) {
        mustSelect = true
        var (low, high) = (0, judged.count)
        while low < high {
            let middle = (low + high) / 2
            if judged[middle].trial < trial { low = middle + 1 } else { high = middle }
        }
        if low < judged.count, judged[low].trial == trial { judged.remove(at: low) }
        if !points.isEmpty { judged.insert((trial, points), at: low) }
    }

    private mutating func select() {
        mustSelect = false
        population = Array(rankTrials(judged).prefix(populationSize))
    }

    package mutating func propose(redraw: Int, using stream: inout RandomStream) -> Genotype {
        if mustSelect, design.isComplete { select() }
        guard design.isComplete, !population.isEmpty else { return design.propose(redraw: redraw, using: &stream) }
        var child = breed(using: &stream)
        for attempt in 0..<16 where started.contains(child) {
            child = attempt < 8 ? space.mutate(child, using: &stream) : space.sample(using: &stream)
        }
        return child
    }

    private func breed(using stream: inout RandomStream) -> Genotype {
        let (first, second) = (tournament(using: &stream), tournament(using: &stream))
        let crossed = stream.flag(probability: crossoverProbability)
        let child = crossed ? space.crossover(first, second, using: &stream) : first
        let mutated = stream.flag(probability: mutationProbability) || child == first || child == second
        return mutated ? space.mutate(child, using: &stream) : child
    }

    /// The population stands best first, so the lower of two places wins.
    private func tournament(using stream: inout RandomStream) -> Genotype {
        let place = min(stream.index(below: population.count), stream.index(below: population.count))
        guard let winner = individuals[population[place].trial] else { preconditionFailure("a member of the population is unknown") }
        return winner.genotype
    }
}
