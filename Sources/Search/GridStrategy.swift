import Documents
import RandomStreams
import SearchSpaces
import Trials

/// Every feasible point of the space in template order, the last decision fastest; numbers with more than `points` values take so many of them,
/// evenly spread on their scale. After the last point it begins again, and the study finds the space exhausted. `{kind: grid, points: 5}`
package struct GridStrategy: Strategy {
    package static let kind = "grid"

    private let vectors: DecisionVectors
    private let pointCount: Int
    /// The point that was started or refused last.
    private var last: DecisionVectors.Vector?

    package init(settings: Document, space: SearchSpace, objectives: [Objective], constraints: [Constraint]) throws {
        try settings.allowOnly(["kind", "points"])
        vectors = DecisionVectors(space)
        pointCount = try settings.optional("points")?.int("points", in: 2...1_000_000) ?? 5
    }

    package mutating func observe(_ observation: Observation) {
        if case .started(_, let genotype, _) = observation { last = vectors.vector(genotype) }
    }

    package mutating func observe(rejected genotype: Genotype) { last = vectors.vector(genotype) }

    package mutating func propose(redraw: Int, using stream: inout RandomStream) -> Genotype {
        var next = vectors.following(last, levels: levels)
        for _ in 0..<redraw { next = vectors.following(next, levels: levels) }
        return vectors.genotype(next)
    }

    private func levels(_ slot: Int) -> Int {
        let decision = vectors.decisions[slot]
        if case .choice = decision.kind, let count = decision.count { return count }
        return min(decision.count ?? pointCount, pointCount)
    }
}
