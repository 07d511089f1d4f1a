import RandomStreams

/// Samples that are spread over the alternatives of a space's choices, where independent ones leave some out by chance:
/// each choice takes its alternatives in turn, as a Latin hypercube takes its strata (McKay et al., "A comparison of three
/// methods for selecting values of input variables", 1979).
package struct SpreadSampler: Sendable {
    private let space: SearchSpace
    private let flattened: [Alternative: [Alternative]]
    private let outer: Set<Int>

    /// Which alternatives a sample may pass over: none, those of inner choices (blocks), or those of outer ones too (families).
    package enum Omission: Sendable { case none, inner, all }

    package init(_ space: SearchSpace) {
        self.space = space
        flattened = space.flattenedAlternatives
        outer = space.outerChoices
    }

    /// A sample in which each choice takes the alternative with the fewest uses, in `uses` and earlier in this sample
    /// together; chance decides between equal ones, and numbers are sampled as ever. A choice is met before those within
    /// its alternatives, so outer alternatives are balanced first. An alternative that is itself a choice with unused
    /// alternatives counts as unused, until it was used twice as often as it has some: nesting delays none.
    ///
    /// An alternative under `omission` is passed over in this whole sample with probability 1/2, unless all those of its
    /// choice are. With that one that is of few uses because it is rejected leaves room for the others.
    package func sample(
        uses: [Alternative: Int], omission: Omission = .none, using stream: inout RandomStream
    ) -> Genotype {
        var local = stream
        defer { stream = local }
        var uses = uses
        var offered: [Int: [Alternative]] = [:]
        let found = space.walk { decision in
            guard let choice = decision.choice, case .choice(let labels) = decision.kind, decision.fixed == nil else {
                return decision.sample(using: &local)
            }
            if offered[choice] == nil {
                let all = labels.indices.map { Alternative(choice: choice, index: $0) }
                let mayOmit = omission == .all || (omission == .inner && !outer.contains(choice))
                let kept = mayOmit ? all.filter { _ in local.flag() } : all
                offered[choice] = kept.isEmpty ? all : kept
            }
            let counted = (offered[choice] ?? []).map { (alternative: $0, uses: count($0, in: uses)) }
            let fewest = counted.map(\.uses).min() ?? 0
            let candidates = counted.filter { $0.uses == fewest }
            let taken = candidates[local.index(below: candidates.count)].alternative
            uses[taken, default: 0] += 1
            return .choice(taken.index)
        }
        // What stands where is kept, numbers give way.
        return space.repaired(found, holding: found.paths.filter { path in space.plan.slots[path].map { space.plan.isStructural[$0] } ?? false })
    }

    private func count(_ alternative: Alternative, in uses: [Alternative: Int]) -> Int {
        let own = uses[alternative, default: 0]
        guard let inner = flattened[alternative], own < 2 * inner.count else { return own }
        return inner.contains { uses[$0, default: 0] == 0 } ? 0 : own
    }
}
