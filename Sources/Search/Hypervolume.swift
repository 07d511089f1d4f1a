/// The volume of the loss space that the points dominate, bounded by the reference; exact, for any number of objectives.
///
/// A point that is not better than the reference in every objective adds nothing. Two objectives: a sweep; more: the
/// recursion of While et al., "A fast way of calculating exact hypervolumes", 2012 (WFG).
package func hypervolume(points: [[Double]], reference: [Double]) -> Double {
    precondition(!reference.isEmpty && points.allSatisfy { $0.count == reference.count })
    let inside = points.filter { point in zip(point, reference).allSatisfy { $0 < $1 } }
    return exclusiveSum(nonDominated(inside), reference)
}

/// The volume of mutually non-dominated points inside the reference.
private func exclusiveSum(_ front: [[Double]], _ reference: [Double]) -> Double {
    guard !front.isEmpty else { return 0 }
    if reference.count == 1 { return reference[0] - front[0][0] }
    if reference.count == 2 { return sweep(front, reference) }
    // Worst in the last objective first: the later points are then often dominated after clipping.
    let last = reference.count - 1
    let order = front.sorted { $0[last] != $1[last] ? $0[last] > $1[last] : $0.lexicographicallyPrecedes($1) }
    var total = 0.0
    for (index, point) in order.enumerated() {
        // What this point adds to the later ones: its box less their parts inside it.
        let clipped = order[(index + 1)...].map { other in zip(point, other).map { max($0, $1) } }
        let box = zip(point, reference).reduce(1.0) { $0 * ($1.1 - $1.0) }
        total += box - exclusiveSum(nonDominated(clipped), reference)
    }
    return total
}

private func sweep(_ front: [[Double]], _ reference: [Double]) -> Double {
    var total = 0.0
    var top = reference[1]
    for point in front.sorted(by: { $0[0] < $1[0] }) where point[1] < top {
        total += (reference[0] - point[0]) * (top - point[1])
        top = point[1]
    }
    return total
}

/// The non-dominated points, equal ones once, in lexicographic order.
private func nonDominated(_ points: [[Double]]) -> [[Double]] {
    var kept: [[Double]] = []
    for point in points.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
        if !kept.contains(where: { $0 == point || dominates($0, point) }) { kept.append(point) }
    }
    return kept
}
