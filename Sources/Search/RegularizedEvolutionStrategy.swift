import Documents
import RandomStreams
import SearchSpaces
import Trials

/// Regularised evolution (Real et al., "Regularized evolution for image classifier architecture search", 2019): each proposal is a mutant of
/// the best of `sample` trials drawn from the `population` youngest that have a result; the old die, however good.
/// `{kind: evolution, population: 50, sample: 10}`
///
/// Best is by non-dominated rank and crowding among those drawn, where the paper has one accuracy; one decision is mutated, as there.
package struct RegularizedEvolutionStrategy: Strategy {
    package static let kind = "evolution"

    private let space: SearchSpace
    private let vectors: DecisionVectors
    private let populationSize: Int
    private let sampleSize: Int
    private var archive: TrialArchive
    private var design: InitialDesign

    package init(settings: Document, space: SearchSpace, objectives: [Objective], constraints: [Constraint]) throws {
        try settings.allowOnly(["kind", "population", "sample"])
        self.space = space
        vectors = DecisionVectors(space)
        populationSize = try settings.optional("population")?.int("population", in: 2...100_000) ?? 50
        sampleSize = try settings.optional("sample")?.int("sample", in: 1...populationSize) ?? min(10, populationSize)
        archive = TrialArchive(objectives: objectives, constraints: constraints)
        design = InitialDesign(space: space, size: min(populationSize, 20))
    }

    package mutating func observe(_ observation: Observation) {
        design.observe(observation)
        archive.observe(observation)
    }

    package mutating func observe(rejected genotype: Genotype) { archive.observe(rejected: genotype) }

    package mutating func propose(redraw: Int, using stream: inout RandomStream) -> Genotype {
        let population = archive.judged.suffix(populationSize)
        guard design.isComplete, !population.isEmpty else { return design.propose(redraw: redraw, using: &stream) }
        let drawn = (0..<sampleSize).map { _ in population[population.startIndex + stream.index(below: population.count)].trial }
        let distinct = Set(drawn)
        let best = archive.ranked(population.filter { distinct.contains($0.trial) })[0].trial
        let parent = vectors.vector(archive.genotype(best))
        var child = vectors.genotype(vectors.edited(parent, edits: 1, using: &stream))
        for attempt in 0..<16 where archive.known.contains(child) {
            child = attempt < 8 ? space.mutate(child, using: &stream) : space.sample(using: &stream)
        }
        return child
    }
}
