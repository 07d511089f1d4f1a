import Trials

/// The point's losses (smaller is better), one an objective; nil when a metric is missing or is not a number.
package func losses(of point: Point, objectives: [Objective]) -> [Double]? {
    var losses: [Double] = []
    for objective in objectives {
        guard let value = point.metrics[objective.metric], !value.isNaN else { return nil }
        losses.append(objective.loss(value))
    }
    return losses
}

/// Pareto dominance of loss vectors of the same length: nowhere worse and somewhere better.
package func dominates(_ a: [Double], _ b: [Double]) -> Bool {
    precondition(a.count == b.count)
    var better = false
    for (x, y) in zip(a, b) {
        if x > y { return false }
        if x < y { better = true }
    }
    return better
}

/// Pareto dominance of operating points; a point that lacks a metric dominates none and is dominated by every complete one.
package func dominates(_ a: Point, _ b: Point, objectives: [Objective]) -> Bool {
    guard let first = losses(of: a, objectives: objectives) else { return false }
    guard let second = losses(of: b, objectives: objectives) else { return true }
    return dominates(first, second)
}

/// The non-dominated rank of each loss vector: 0 for the front, 1 for the front without those, and so on. Equal vectors
/// have equal ranks. Zhang et al., "An efficient approach to nondominated sorting for evolutionary multiobjective
/// optimization", 2015 (ENS-SS): in lexicographic order a vector is dominated only by earlier ones.
package func nonDominatedRanks(_ vectors: [[Double]]) -> [Int] {
    let order = vectors.indices.sorted { a, b in
        for (x, y) in zip(vectors[a], vectors[b]) where x != y { return x < y }
        return a < b
    }
    var fronts: [[Int]] = []
    var ranks = Array(repeating: 0, count: vectors.count)
    for index in order {
        let rank = fronts.firstIndex { front in !front.reversed().contains { dominates(vectors[$0], vectors[index]) } }
        ranks[index] = rank ?? fronts.count
        if let rank { fronts[rank].append(index) } else { fronts.append([index]) }
    }
    return ranks
}

/// The crowding distance of each vector among those of its rank (Deb et al., "A fast and elitist multiobjective genetic
/// algorithm: NSGA-II", 2002): infinite at a front's ends. An objective with no spread, or an infinite one, adds nothing.
package func crowdingDistances(_ vectors: [[Double]], ranks: [Int]) -> [Double] {
    var distances = Array(repeating: 0.0, count: vectors.count)
    let fronts = Dictionary(grouping: vectors.indices) { ranks[$0] }
    for front in fronts.values {
        for axis in vectors[front[0]].indices {
            let order = front.sorted { (vectors[$0][axis], $0) < (vectors[$1][axis], $1) }
            let (first, last) = (order[0], order[order.count - 1])
            let spread = vectors[last][axis] - vectors[first][axis]
            distances[first] = .infinity
            distances[last] = .infinity
            guard spread > 0, spread.isFinite else { continue }
            for place in order.indices.dropFirst().dropLast() {
                distances[order[place]] += (vectors[order[place + 1]][axis] - vectors[order[place - 1]][axis]) / spread
            }
        }
    }
    return distances
}
