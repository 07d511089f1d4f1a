/// The volume of the loss space that the points dominate, bounded by the reference; exact, for any number of objectives.
///
/// A point that is not better than the reference in every objective adds nothing. Two objectives: a sweep, O(n log n). Three: a sweep
/// over the last one with a staircase of the other two, O(n log n) (Fonseca, Paquete, López-Ibáñez, "An improved dimension-sweep
/// algorithm for the hypervolume indicator", 2006, with ordered ranks for its balanced tree). More: the recursion of While,
/// Bradstreet, Barone, "A fast way of calculating exact hypervolumes", 2012 (WFG), down to three.
package func hypervolume(points: [[Double]], reference: [Double]) -> Double {
    precondition(!reference.isEmpty && points.allSatisfy { $0.count == reference.count })
    return volume(points.filter { point in zip(point, reference).allSatisfy { $0 < $1 } }, reference)
}

/// What each point of the front adds to the hypervolume of the front's others: 0 for one that is dominated, equalled by another or outside
/// the reference. What lies behind the front does not count.
/// Two objectives: O(n log n); more: n hypervolumes.
package func hypervolumeContributions(points: [[Double]], reference: [Double]) -> [Double] {
    precondition(!reference.isEmpty && points.allSatisfy { $0.count == reference.count })
    var contributions = Array(repeating: 0.0, count: points.count)
    let inside = points.indices.filter { index in zip(points[index], reference).allSatisfy { $0 < $1 } }
    let ranks = nonDominatedRanks(inside.map { points[$0] })
    let front = zip(inside, ranks).filter { $0.1 == 0 }.map(\.0).sorted { points[$0].lexicographicallyPrecedes(points[$1]) }
    for (place, index) in front.enumerated() {
        let point = points[index]
        let neighbours = [place > 0 ? points[front[place - 1]] : nil, place + 1 < front.count ? points[front[place + 1]] : nil]
        if neighbours.contains(point) { continue }
        if reference.count == 2 {
            contributions[index] =
                ((neighbours[1]?[0] ?? reference[0]) - point[0]) * ((neighbours[0]?[1] ?? reference[1]) - point[1])
        } else {
            contributions[index] = hypervolumeGain(
                of: point, over: front.filter { $0 != index }.map { points[$0] }, reference: reference)
        }
    }
    return contributions
}

/// What a point adds to the hypervolume of others, 0 when it is outside the reference: its box less their parts inside it.
package func hypervolumeGain(of point: [Double], over others: [[Double]], reference: [Double]) -> Double {
    guard zip(point, reference).allSatisfy({ $0 < $1 }) else { return 0 }
    let clipped = others.map { other in zip(point, other).map { max($0, $1) } }
    return box(point, reference) - hypervolume(points: clipped, reference: reference)
}

private func box(_ point: [Double], _ reference: [Double]) -> Double { zip(point, reference).reduce(1.0) { $0 * ($1.1 - $1.0) } }

/// Of points that all are inside the reference.
private func volume(_ points: [[Double]], _ reference: [Double]) -> Double {
    switch reference.count {
    case _ where points.isEmpty: 0
    case 1: reference[0] - points.reduce(.infinity) { min($0, $1[0]) }
    case 2: area(points, reference)
    case 3: sweep(points, reference)
    default: recursion(points, reference)
    }
}

private func area(_ points: [[Double]], _ reference: [Double]) -> Double {
    var total = 0.0
    var top = reference[1]
    for point in points.sorted(by: { $0[0] < $1[0] }) where point[1] < top {
        total += (reference[0] - point[0]) * (top - point[1])
        top = point[1]
    }
    return total
}

private func sweep(_ points: [[Double]], _ reference: [Double]) -> Double {
    let byFirst = points.indices.sorted { (points[$0][0], points[$0][1], $0) < (points[$1][0], points[$1][1], $1) }
    var rank = Array(repeating: 0, count: points.count)
    for (place, index) in byFirst.enumerated() { rank[index] = place }
    var stairs = OrderedRanks(count: points.count)
    var (total, area) = (0.0, 0.0)
    var height: Double?
    for index in points.indices.sorted(by: { (points[$0][2], $0) < (points[$1][2], $1) }) {
        let point = points[index]
        if let height { total += area * (point[2] - height) }
        height = point[2]
        // The step to the left is lower unless the new point is below it.
        var top = reference[1]
        if let left = stairs.last(before: rank[index]) {
            top = points[byFirst[left]][1]
            if top <= point[1] { continue }
        }
        // Steps to the right that are no lower are hidden from now on: what was above them up to `top` is filled strip by strip.
        var start = point[0]
        while let right = stairs.first(after: rank[index]) {
            let step = points[byFirst[right]]
            area += (step[0] - start) * (top - point[1])
            start = step[0]
            top = step[1]
            if top < point[1] { break }
            stairs.remove(right)
        }
        area += (reference[0] - start) * max(0, top - point[1])
        stairs.insert(rank[index])
    }
    return total + area * (reference[2] - (height ?? reference[2]))
}

private func recursion(_ points: [[Double]], _ reference: [Double]) -> Double {
    // Worst in the last objective first: all that a point shares with later ones lies at its own height there, one objective less.
    let front = zip(points, nonDominatedRanks(points)).filter { $0.1 == 0 }.map(\.0)
    let last = reference.count - 1
    let order = front.sorted { $0[last] != $1[last] ? $0[last] > $1[last] : $0.lexicographicallyPrecedes($1) }
    let base = Array(reference.dropLast())
    var total = 0.0
    for (index, point) in order.enumerated() {
        let clipped = order[(index + 1)...].map { other in (0..<last).map { max(point[$0], other[$0]) } }
        total += (reference[last] - point[last]) * (box(Array(point.dropLast()), base) - volume(clipped, base))
    }
    return total
}
