/// How many points a space has.
package struct SpaceSize: Sendable, Equatable {
    /// Without the floats that have no steps: of these each point of their range is one more. Exact up to 2^53.
    package var number: Double
    /// Whether a float with more than one value and without steps can be active.
    package var isInfinite: Bool
    /// False where the points that meet the constraints are too many to be counted: then it is a number that they do not exceed.
    package var isExact: Bool

    package init(number: Double, isInfinite: Bool, isExact: Bool) {
        self.number = number
        self.isInfinite = isInfinite
        self.isExact = isExact
    }
}

extension SearchSpace {
    /// The number of genotypes that meet the constraints.
    package var count: SpaceSize {
        if let amount = PointCounter.count(plan) { return SpaceSize(number: amount.number, isInfinite: amount.isInfinite, isExact: true) }
        let most = PointCounter.bound(plan)
        return SpaceSize(number: most.number, isInfinite: most.isInfinite, isExact: false)
    }

    /// The number of genotypes: exact up to 2^53 where it can be counted and a bound elsewhere, infinite when a float with more than
    /// one value and without steps can be active.
    package var size: Double {
        let count = count
        return count.isInfinite ? .infinity : count.number
    }

    /// Every genotype in order, the last decision fastest; nil when there are more than `limit`.
    package func allGenotypes(limit: Int) -> [Genotype]? {
        guard plan.decisions.allSatisfy({ $0.count != nil }) else { return nil }
        if !feasibility.isConstrained, size > Double(limit) { return nil }
        var order = PointOrder(plan) { plan.decisions[$0].count ?? 1 }
        var found: [Genotype] = []
        while case .point(let vector) = order.next() {
            if found.count == limit { return nil }
            found.append(plan.genotype(vector))
        }
        return found
    }
}
