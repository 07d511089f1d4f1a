import Documents
import RandomStreams
import SearchSpaces
import Trials

/// Every point of the space in template order, the last decision fastest; numbers with more than `points` values take so many of them,
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
        var next = last.map(following) ?? point([])
        for _ in 0..<redraw { next = following(next) }
        return vectors.genotype(next)
    }

    private func levels(_ slot: Int) -> Int {
        let decision = vectors.decisions[slot]
        if case .choice(let labels) = decision.kind { return labels.count }
        return min(decision.count ?? pointCount, pointCount)
    }

    /// The point whose active decisions take these levels in turn, and the first level where they are too few.
    private func point(_ digits: [Int]) -> DecisionVectors.Vector {
        var place = 0
        return vectors.walk { slot in
            let digit = place < digits.count ? digits[place] : 0
            place += 1
            return vectors.value(slot, level: digit, of: levels(slot))
        }
    }

    private func following(_ vector: DecisionVectors.Vector) -> DecisionVectors.Vector {
        var digits: [Int] = []
        var counts: [Int] = []
        _ = vectors.walk { slot in
            counts.append(levels(slot))
            digits.append(vectors.level(slot, of: levels(slot), vector[slot]))
            return vector[slot]
        }
        while let digit = digits.last, digit + 1 >= counts[digits.count - 1] { digits.removeLast() }
        if !digits.isEmpty { digits[digits.count - 1] += 1 }
        return point(digits)
    }
}
