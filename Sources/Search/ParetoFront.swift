/// The non-dominated operating points seen so far; grows point by point. Equal loss vectors stand side by side.
package struct ParetoFront: Sendable, Equatable {
    package struct Member: Sendable, Equatable {
        package var trial: Int
        package var point: Int
        package var losses: [Double]
    }

    /// By the first loss, ascending; then by the others, trial and point. What dominates a member stands before it.
    private var kept: [Member] = []

    package init() {}

    /// Adds the point unless it is dominated, and drops those that it dominates. Returns whether it was added.
    /// A (trial, point) should be inserted once, with its final values. Of two objectives O(log n) comparisons.
    @discardableResult
    package mutating func insert(trial: Int, point: Int, losses: [Double]) -> Bool {
        if losses.contains(where: \.isNaN) { return false }
        let member = Member(trial: trial, point: point, losses: losses)
        let place = place(of: member)
        if isDominated(losses, behind: place) { return false }
        if losses.count == 2 {
            // Of two objectives those that it dominates are its next neighbours.
            var end = place
            while end < kept.count, Search.dominates(losses, kept[end].losses) { end += 1 }
            kept.replaceSubrange(place..<end, with: [member])
        } else {
            let rest = kept[place...].filter { !Search.dominates(losses, $0.losses) }
            kept.replaceSubrange(place..., with: [member] + rest)
        }
        return true
    }

    /// Whether a member dominates the losses.
    package func dominates(_ losses: [Double]) -> Bool {
        isDominated(losses, behind: place(of: Member(trial: .min, point: .min, losses: losses)))
    }

    /// Takes a trial's points off and returns them. Points that they alone dominated are the caller's to insert again.
    package mutating func remove(trial: Int) -> [Member] {
        let removed = kept.filter { $0.trial == trial }
        if !removed.isEmpty { kept.removeAll { $0.trial == trial } }
        return removed
    }

    /// Of two objectives the member before has the least second loss of all before.
    private func isDominated(_ losses: [Double], behind place: Int) -> Bool {
        let rivals = losses.count == 2 ? kept[..<place].suffix(1) : kept[..<place]
        return rivals.contains { Search.dominates($0.losses, losses) }
    }

    private func place(of member: Member) -> Int {
        var (low, high) = (0, kept.count)
        while low < high {
            let middle = (low + high) / 2
            if Self.precedes(kept[middle], member) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func precedes(_ a: Member, _ b: Member) -> Bool {
        for (x, y) in zip(a.losses, b.losses) where x != y { return x < y }
        return (a.trial, a.point) < (b.trial, b.point)
    }

    /// By the first loss, ascending; then by the others, trial and point.
    package func members() -> [Member] { kept }

    /// `reference` as losses, in the objectives' order.
    package func hypervolume(reference: [Double]) -> Double {
        Search.hypervolume(points: kept.map(\.losses), reference: reference)
    }
}
