import RandomStreams

/// Looks for a feasible point: by chance and repair, by counting, and by trying all in order.
struct PointSearch {
    enum Finding {
        case found(SpacePlan.Vector)
        case nothing(isProven: Bool)
    }

    private let plan: SpacePlan
    private static let samples = 200
    private static let steps = 100_000

    init(_ plan: SpacePlan) { self.plan = plan }

    func find() -> Finding {
        let repair = Feasibility(searching: plan)
        for number in 0..<Self.samples {
            var stream = RandomStream(seed: 0).split("feasible point").split(number)
            let vector = plan.walk { plan.decisions[$0].sample(using: &stream).number }
            if let found = repair.attempt(vector, [], &stream) { return .found(found) }
            // Where nothing can be found most of the time goes into proving it.
            if number == 20, let count = PointCounter.count(plan), count.number == 0 { return .nothing(isProven: true) }
        }
        var order = PointOrder(plan, levels: { plan.decisions[$0].count.map { min($0, 1_000) } ?? 5 })
        switch order.next(within: Self.steps) {
        case .point(let vector): return .found(vector)
        case .end: return .nothing(isProven: plan.decisions.allSatisfy { ($0.count ?? .max) <= 1_000 })
        case .tired: return .nothing(isProven: false)
        }
    }
}

/// The feasible points in template order, the last decision fastest; what a broken constraint rules out is passed over at once.
struct PointOrder {
    enum Step {
        case point(SpacePlan.Vector)
        case end
        /// More steps than allowed.
        case tired
    }

    private let plan: SpacePlan
    private let levels: (Int) -> Int
    /// The levels of the active decisions in turn; nil at the end.
    private var digits: [Int]? = []

    /// - Parameter levels: how many values of a decision are gone through.
    init(_ plan: SpacePlan, levels: @escaping (Int) -> Int) {
        self.plan = plan
        self.levels = levels
    }

    /// Goes on behind a point.
    mutating func start(after vector: SpacePlan.Vector) {
        var found: [Int] = []
        var counts: [Int] = []
        _ = plan.walk { slot in
            counts.append(levels(slot))
            found.append(plan.decisions[slot].level(of: levels(slot), vector[slot]))
            return vector[slot]
        }
        digits = Self.advanced(found, counts, from: found.count - 1)
    }

    mutating func next(within steps: Int = .max) -> Step {
        var taken = 0
        while let current = digits {
            guard taken < steps else { return .tired }
            taken += 1
            var slots: [Int] = []
            var counts: [Int] = []
            var full: [Int] = []
            let vector = plan.walk { slot in
                let place = slots.count
                let level = place < current.count ? current[place] : 0
                slots.append(slot)
                counts.append(levels(slot))
                full.append(level)
                return plan.decisions[slot].value(level: level, of: levels(slot))
            }
            let broken = plan.broken(in: vector)
            digits = Self.advanced(full, counts, from: decisive(broken, slots, vector))
            if broken.isEmpty { return .point(vector) }
        }
        return .end
    }

    /// The last place that the constraint depends on which is decided first.
    private func decisive(_ broken: [Int], _ slots: [Int], _ vector: SpacePlan.Vector) -> Int {
        var places: [Int: Int] = [:]
        if !broken.isEmpty { for (place, slot) in slots.enumerated() { places[slot] = place } }
        let last = slots.count - 1
        return broken.map { number -> Int in
            let own = plan.constraints[number].slots
            // What uses a shared template may stand anywhere.
            if own.contains(where: { plan.isShared[$0] && vector[$0].isNaN }) { return last }
            return own.compactMap { places[$0] }.max() ?? -1
        }.min() ?? last
    }

    private static func advanced(_ digits: [Int], _ counts: [Int], from place: Int) -> [Int]? {
        var place = place
        while place >= 0, digits[place] + 1 >= counts[place] { place -= 1 }
        guard place >= 0 else { return nil }
        var next = Array(digits[...place])
        next[place] += 1
        return next
    }
}

extension Decision {
    /// The value at one of `count` levels: all values in turn where there are so many, or places evenly spread on the scale.
    func value(level: Int, of levels: Int) -> Double {
        if let count, count == levels { return value(at: level).number }
        if case .choice = kind { return value(at: level).number }
        return number(atUnit: levels > 1 ? Double(level) / Double(levels - 1) : 0)
    }

    /// The level at or nearest to a value.
    func level(of levels: Int, _ value: Double) -> Int {
        if count == 1 { return 0 }
        switch kind {
        case .choice: return Int(value)
        case .int(let range) where range.count == levels: return range.index(of: Int(value))
        case .float(let range) where range.count == levels: return range.index(of: value)
        default: return Int((unit(value) * Double(levels - 1)).rounded())
        }
    }
}
