import Documents
import Foundation
import RandomStreams
import SearchSpaces
import Trials

/// Multi-objective tree-structured Parzen estimator (Ozaki et al., "Multiobjective tree-structured Parzen estimator", 2022; Bergstra et al.
/// 2011). `{kind: tpe, initial: 20, candidates: 48, good: 0.2}`
///
/// The trials with a result are split into the part `good`, by non-dominated rank and then by crowding (the paper: by hypervolume
/// contribution, which differs where the ranks do not decide), and the others. Of `candidates` drawn decision by decision from
/// the values of the good ones that which is likeliest under them relative to the others is proposed. A decision's density is over those that
/// have it active: of alternatives their share, of numbers a mixture of normal kernels, each with one uniform part.
package struct TreeParzenStrategy: Strategy {
    package static let kind = "tpe"
    /// Of many trials the best of those last judged tell enough.
    private static let capacity = 600
    /// So many proposals of a decision are drawn around the good ones.
    private static let patience = 20

    private let vectors: DecisionVectors
    private let candidateCount: Int
    private let goodPart: Double
    private var archive: TrialArchive
    private var design: InitialDesign
    private var split: (good: [DecisionVectors.Vector], others: [DecisionVectors.Vector])?

    package init(settings: Document, space: SearchSpace, objectives: [Objective], constraints: [Constraint]) throws {
        try settings.allowOnly(["kind", "initial", "candidates", "good"])
        vectors = DecisionVectors(space)
        candidateCount = try settings.optional("candidates")?.int("candidates", in: 1...100_000) ?? 48
        goodPart = try settings.optional("good")?.double("good", in: 0.01...0.99) ?? 0.2
        archive = TrialArchive(objectives: objectives, constraints: constraints, capacity: Self.capacity)
        design = InitialDesign(space: space, size: try settings.optional("initial")?.int("initial", in: 1...100_000) ?? 20)
    }

    package mutating func observe(_ observation: Observation) {
        split = nil
        design.observe(observation)
        archive.observe(observation)
    }

    package mutating func observe(rejected genotype: Genotype) { archive.observe(rejected: genotype) }

    package mutating func propose(redraw: Int, using stream: inout RandomStream) -> Genotype {
        guard design.isComplete, !archive.judged.isEmpty else { return design.propose(redraw: redraw, using: &stream) }
        // Where the good ones' neighbourhood is used up, the rest of the space is looked through.
        guard redraw < Self.patience else { return vectors.space.sample(using: &stream) }
        let (good, others) = split ?? makeSplit()
        split = (good, others)
        var best: (genotype: Genotype, score: Double)?
        for _ in 0..<candidateCount {
            let vector = vectors.walk { draw($0, good, using: &stream) }
            let score = likelihood(vector, good) - likelihood(vector, others)
            if let best, score <= best.score { continue }
            let genotype = vectors.genotype(vector)
            if !archive.known.contains(genotype) { best = (genotype, score) }
        }
        return best?.genotype ?? vectors.space.sample(using: &stream)
    }

    private func makeSplit() -> (good: [DecisionVectors.Vector], others: [DecisionVectors.Vector]) {
        let all = archive.ranked(archive.judged).map { vectors.vector(archive.genotype($0.trial)) }
        let count = max(1, Int((goodPart * Double(all.count)).rounded(.up)))
        return (Array(all.prefix(count)), Array(all.dropFirst(count)))
    }

    private func draw(_ slot: Int, _ sample: [DecisionVectors.Vector], using stream: inout RandomStream) -> Double {
        let values = sample.map { $0[slot] }.filter { !$0.isNaN }
        let taken = stream.index(below: values.count + 1)
        guard taken < values.count else { return vectors.sample(slot, using: &stream) }
        if case .choice = vectors.decisions[slot].kind { return values[taken] }
        let place = vectors.decisions[slot].unit(values[taken]) + bandwidth(values.count) * stream.normal()
        return vectors.number(slot, atUnit: place < 0 ? -place : place > 1 ? 2 - place : place)
    }

    private func bandwidth(_ count: Int) -> Double { 0.3 / pow(Double(count + 1), 0.4) }

    private func likelihood(_ vector: DecisionVectors.Vector, _ sample: [DecisionVectors.Vector]) -> Double {
        var total = 0.0
        for (slot, value) in vector.enumerated() where !value.isNaN && vectors.decisions[slot].count != 1 {
            let values = sample.map { $0[slot] }.filter { !$0.isNaN }
            if case .choice(let labels) = vectors.decisions[slot].kind {
                total += log((Double(values.count { $0 == value }) + 1 / Double(labels.count)) / Double(values.count + 1))
            } else {
                let (place, width) = (vectors.decisions[slot].unit(value), bandwidth(values.count))
                let density = values.reduce(1.0) {
                    $0 + normalDensity((place - vectors.decisions[slot].unit($1)) / width) / width
                }
                total += log(density / Double(values.count + 1))
            }
        }
        return total
    }
}
