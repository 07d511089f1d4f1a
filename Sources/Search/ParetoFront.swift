/// The non-dominated operating points seen so far; grows point by point. Equal loss vectors stand side by side.
package struct ParetoFront: Sendable, Equatable {
    package struct Member: Sendable, Equatable {
        package var trial: Int
        package var point: Int
        package var losses: [Double]
    }

    private var kept: [Member] = []

    package init() {}

    /// Adds the point unless it is dominated, and drops those that it dominates. Returns whether it was added.
    /// A (trial, point) should be inserted once, with its final values.
    @discardableResult
    package mutating func insert(trial: Int, point: Int, losses: [Double]) -> Bool {
        if losses.contains(where: \.isNaN) || kept.contains(where: { dominates($0.losses, losses) }) { return false }
        kept.removeAll { dominates(losses, $0.losses) }
        kept.append(Member(trial: trial, point: point, losses: losses))
        return true
    }

    /// By the first loss, ascending; then by the others, trial and point.
    package func members() -> [Member] {
        kept.sorted { a, b in
            if a.losses != b.losses { return a.losses.lexicographicallyPrecedes(b.losses) }
            return (a.trial, a.point) < (b.trial, b.point)
        }
    }

    /// `reference` as losses, in the objectives' order.
    package func hypervolume(reference: [Double]) -> Double {
        Search.hypervolume(points: kept.map(\.losses), reference: reference)
    }
}
