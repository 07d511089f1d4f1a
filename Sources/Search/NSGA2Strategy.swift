import Documents
import RandomStreams
import SearchSpaces
import Trials

/// Steady-state NSGA-II (Deb et al., 2002, without generations). `{kind: nsga2, population: 16, crossover: 0.9, mutation: 0.5}`
///
/// The first trials, `population` and as many more as `InitialDesign` needs, are samples spread over the alternatives of the
/// space's choices. Then each proposal is a child of two binary tournaments on (rank, crowding) in the current population: crossed over
/// with probability `crossover`; mutated with probability `mutation`, and always when it would be a copy of a parent. In a space with
/// `float` decisions numbers are crossed and mutated as reals (`DecisionVectors.bred`: SBX of index 15, polynomial mutation of index 20, each
/// decision with probability 1/n) and `mutation` is 1 by default.
///
/// The population is the best `population` of the trials that have a result, so nothing good is lost, and it changes as soon as a
/// result arrives; of twice as many that are kept the worse half is let go. Measured constraints count by constraint domination
/// (`TrialArchive`).
///
/// A trial counts with the result of its highest resource, also beside trials that stand at another rung: a longer
/// training is then an advantage, which favours what ASHA found worth continuing. Failed trials drop out.
/// Genotypes that were started or refused before are proposed again only when sixteen attempts find nothing new.
package struct NSGA2Strategy: Strategy {
    package static let kind = "nsga2"

    private let vectors: DecisionVectors
    private let hasReals: Bool
    private let populationSize: Int
    private let crossoverProbability: Double
    private let mutationProbability: Double
    private var archive: TrialArchive
    private var design: InitialDesign
    /// Best first; selected when a proposal needs it.
    private var population: [Int]?

    package init(settings: Document, space: SearchSpace, objectives: [Objective], constraints: [Constraint]) throws {
        try settings.allowOnly(["kind", "population", "crossover", "mutation"])
        vectors = DecisionVectors(space)
        hasReals = space.decisions.contains { if case .float = $0.kind { $0.count != 1 } else { false } }
        populationSize = try settings.optional("population")?.int("population", in: 2...100_000) ?? 16
        crossoverProbability = try settings.optional("crossover")?.double("crossover", in: 0...1) ?? 0.9
        mutationProbability = try settings.optional("mutation")?.double("mutation", in: 0...1) ?? (hasReals ? 1 : 0.5)
        design = InitialDesign(space: space, size: populationSize)
        archive = TrialArchive(objectives: objectives, constraints: constraints, capacity: 2 * populationSize)
    }

    package mutating func observe(_ observation: Observation) {
        population = nil
        design.observe(observation)
        archive.observe(observation)
    }

    package mutating func observe(rejected genotype: Genotype) { archive.observe(rejected: genotype) }

    package mutating func propose(redraw: Int, using stream: inout RandomStream) -> Genotype {
        guard design.isComplete, !archive.judged.isEmpty else { return design.propose(redraw: redraw, using: &stream) }
        let population = population ?? archive.ranked(archive.judged).prefix(populationSize).map(\.trial)
        self.population = population
        // Best first, so the lower of two places wins.
        func tournament() -> Genotype {
            archive.genotype(population[min(stream.index(below: population.count), stream.index(below: population.count))])
        }
        let (first, second) = (tournament(), tournament())
        var child = hasReals ? breedReals(first, second, using: &stream) : breed(first, second, using: &stream)
        for attempt in 0..<16 where archive.known.contains(child) {
            child = attempt < 8 ? vectors.space.mutate(child, using: &stream) : vectors.space.sample(using: &stream)
        }
        return child
    }

    private func breed(_ first: Genotype, _ second: Genotype, using stream: inout RandomStream) -> Genotype {
        let crossed = stream.flag(probability: crossoverProbability)
        let child = crossed ? vectors.space.crossover(first, second, using: &stream) : first
        let mutated = stream.flag(probability: mutationProbability) || child == first || child == second
        return mutated ? vectors.space.mutate(child, using: &stream) : child
    }

    private func breedReals(_ first: Genotype, _ second: Genotype, using stream: inout RandomStream) -> Genotype {
        let parent = vectors.vector(first)
        let mutates = stream.flag(probability: mutationProbability)
        let rate = mutates ? 1 / Double(max(vectors.free(parent).count, 1)) : 0
        return vectors.genotype(
            vectors.bred(parent, vectors.vector(second), crossover: crossoverProbability, mutation: rate, using: &stream))
    }
}
