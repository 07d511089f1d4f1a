import Documents
import RandomStreams
import SearchSpaces
import Trials

/// Pareto local search (Paquete, Chiarandini, Stützle, "Pareto local optimum sets in the biobjective traveling salesman problem", 2004),
/// steady-state: each proposal is an untried one-edit neighbour of a member of the front, drawn by chance; when none is left, and with
/// probability `restart`, a sample of the space. `{kind: pareto-local-search, initial: 20, restart: 0.1}`
package struct ParetoLocalSearchStrategy: Strategy {
    package static let kind = "pareto-local-search"

    private let vectors: DecisionVectors
    private let restartProbability: Double
    private var archive: TrialArchive
    private var design: InitialDesign

    package init(settings: Document, space: SearchSpace, objectives: [Objective], constraints: [Constraint]) throws {
        try settings.allowOnly(["kind", "initial", "restart"])
        vectors = DecisionVectors(space)
        restartProbability = try settings.optional("restart")?.double("restart", in: 0...1) ?? 0.1
        archive = TrialArchive(objectives: objectives, constraints: constraints, capacity: 1_000)
        design = InitialDesign(space: space, size: try settings.optional("initial")?.int("initial", in: 1...100_000) ?? 20)
    }

    package mutating func observe(_ observation: Observation) {
        design.observe(observation)
        archive.observe(observation)
    }

    package mutating func observe(rejected genotype: Genotype) { archive.observe(rejected: genotype) }

    package mutating func propose(redraw: Int, using stream: inout RandomStream) -> Genotype {
        var front = archive.front()
        guard design.isComplete, !front.isEmpty else { return design.propose(redraw: redraw, using: &stream) }
        var isRestart = stream.flag(probability: restartProbability)
        while !front.isEmpty, !isRestart {
            let parent = front.remove(at: stream.index(below: front.count))
            var neighbours = vectors.neighbours(vectors.vector(archive.genotype(parent)), using: &stream)
            while !neighbours.isEmpty {
                let neighbour = vectors.genotype(neighbours.remove(at: stream.index(below: neighbours.count)))
                if !archive.known.contains(neighbour) { return neighbour }
            }
            isRestart = front.isEmpty
        }
        return vectors.space.sample(using: &stream)
    }
}
