import RandomStreams

/// A space flattened for strategies that look at thousands of genotypes a proposal: a point is one number a decision, in the order of
/// `SearchSpace.decisions` (a choice's index, an int, a float), NaN where it is not active (`SpacePlan`). No paths, no documents.
/// Its points are those of the space, one to one.
package struct DecisionVectors: Sendable {
    package typealias Vector = [Double]

    package var space: SearchSpace { storage.space }
    package var decisions: [Decision] { plan.decisions }
    var plan: SpacePlan { storage.space.plan }
    var feasibility: Feasibility { storage.space.feasibility }

    /// Strategies copy vectors about: that costs one reference.
    private let storage: Storage

    private final class Storage: Sendable {
        let space: SearchSpace
        init(_ space: SearchSpace) { self.space = space }
    }

    package init(_ space: SearchSpace) { storage = Storage(space) }

    /// Asks for each decision that becomes active, a choice before what stands within its alternatives. What breaks a constraint is
    /// repaired: the vector is feasible whatever was answered.
    /// - Parameter held: the decisions that keep their value in that as long as it goes.
    package func walk(holding held: [Int] = [], _ decide: (Int) -> Double) -> Vector {
        let vector = plan.walk(decide)
        return feasibility.isConstrained ? feasibility.repaired(vector, holding: held) : vector
    }

    /// The next feasible point in template order, the last decision fastest, of those whose decisions take so many levels
    /// (`Decision.value(level:of:)`); the first one after the last, and for nil.
    package func following(_ vector: Vector?, levels: @escaping (Int) -> Int) -> Vector {
        var order = PointOrder(plan, levels: levels)
        if let vector { order.start(after: vector) }
        for isFirst in [vector == nil, true] {
            if case .point(let found) = order.next(within: 1_000_000) { return found }
            if isFirst { break }
            order = PointOrder(plan, levels: levels)
        }
        return walk { decisions[$0].value(level: 0, of: levels($0)) }
    }

    package func vector(_ genotype: Genotype) -> Vector { plan.vector(genotype) }
    package func genotype(_ vector: Vector) -> Genotype { plan.genotype(vector) }
}

extension Decision {
    /// The value that a decision vector's number stands for.
    func value(_ number: Double) -> DecisionValue {
        switch kind {
        case .choice: .choice(Int(number))
        case .int: .int(Int(number))
        case .float: .float(number)
        }
    }

    /// A number's place in 0...1 on its scale.
    package func unit(_ number: Double) -> Double {
        switch kind {
        case .choice: preconditionFailure("a choice has no scale: \(path)")
        case .int(let range): range.unit(Int(number))
        case .float(let range): range.unit(number)
        }
    }

    /// The number at a place of its scale, that of an int the nearest; places outside 0...1 are clamped.
    func number(atUnit place: Double) -> Double {
        switch kind {
        case .choice: preconditionFailure("a choice has no scale: \(path)")
        case .int(let range): Double(range.value(atUnit: place))
        case .float(let range): range.value(atUnit: place)
        }
    }
}

extension DecisionValue {
    /// As it stands in a decision vector.
    var number: Double {
        switch self {
        case .choice(let number), .int(let number): Double(number)
        case .float(let number): number
        }
    }
}
