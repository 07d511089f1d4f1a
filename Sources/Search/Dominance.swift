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

/// How far the repeated measurements of each objective lie from their middle, 0 where the point does not tell: the metric
/// `NAME_UNIT` is accompanied by `NAME_mad_UNIT`, as `latency_ms` is by `latency_mad_ms` (median absolute deviation).
package func deviations(of point: Point, objectives: [Objective]) -> [Double] {
    objectives.map { objective in
        guard let place = objective.metric.lastIndex(of: "_") else { return 0 }
        let name = objective.metric[..<place] + "_mad" + objective.metric[place...]
        return point.metrics[String(name)].map { $0.isFinite ? max($0, 0) : 0 } ?? 0
    }
}

/// Pareto dominance beyond noise: nowhere worse by more than the sum of both deviations, and somewhere better by more.
/// Without deviations it is plain dominance; with them it is not transitive.
package func dominates(_ a: [Double], _ b: [Double], deviations first: [Double], _ second: [Double]) -> Bool {
    precondition(a.count == b.count && first.count == a.count && second.count == a.count)
    var better = false
    for axis in a.indices {
        let noise = first[axis] + second[axis]
        if a[axis] > b[axis] + noise { return false }
        if a[axis] + noise < b[axis] { better = true }
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
/// optimization", 2015 (ENS-BS): in lexicographic order a vector is dominated only by earlier ones, and what a front dominates
/// every better front dominates too, so its place is found by bisection. With two objectives a front's newest member is its lowest
/// in the second one and stands for all: O(n log n).
package func nonDominatedRanks(_ vectors: [[Double]]) -> [Int] {
    let order = vectors.indices.sorted { a, b in
        for (x, y) in zip(vectors[a], vectors[b]) where x != y { return x < y }
        return a < b
    }
    let isPlanar = vectors.first?.count == 2
    var fronts: [[Int]] = []
    var ranks = Array(repeating: 0, count: vectors.count)
    for index in order {
        var (low, high) = (0, fronts.count)
        while low < high {
            let middle = (low + high) / 2
            let rivals = isPlanar ? fronts[middle].suffix(1) : fronts[middle][...]
            if rivals.reversed().contains(where: { dominates(vectors[$0], vectors[index]) }) { low = middle + 1 } else { high = middle }
        }
        ranks[index] = low
        if low < fronts.count { fronts[low].append(index) } else { fronts.append([index]) }
    }
    return ranks
}

/// The ranks under dominance beyond noise. Best first in the exact objectives, then in the measured ones, each vector joins
/// the first front none of whose members dominates it. So of several that differ in a measured objective by noise alone the
/// best of the others leads; and one is not held back by a vector that is itself behind another.
package func nonDominatedRanks(_ vectors: [[Double]], deviations: [[Double]]) -> [Int] {
    precondition(vectors.count == deviations.count)
    if deviations.allSatisfy({ $0.allSatisfy { $0 == 0 } }) { return nonDominatedRanks(vectors) }
    let axes = vectors.first?.indices.map { $0 } ?? []
    let isExact = axes.map { axis in deviations.allSatisfy { $0[axis] == 0 } }
    let significant = axes.filter { isExact[$0] } + axes.filter { !isExact[$0] }
    let order = vectors.indices.sorted { a, b in
        for axis in significant where vectors[a][axis] != vectors[b][axis] { return vectors[a][axis] < vectors[b][axis] }
        return a < b
    }
    var fronts: [[Int]] = []
    var ranks = Array(repeating: 0, count: vectors.count)
    for index in order {
        let rank = fronts.firstIndex { front in
            !front.reversed().contains {
                dominates(vectors[$0], vectors[index], deviations: deviations[$0], deviations[index])
            }
        }
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
