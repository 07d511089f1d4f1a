import SearchSpaces

/// How decision vectors are compared: which alternatives are equal, how far numbers lie apart, and which decisions share a weight.
///
/// The difference of two points is a sum over decisions: 0 where both have the same alternative, 1 where they differ or only one is
/// active, and twice the squared distance on a scale of 0...1 of numbers. So an inactive decision is a value of its own. Decisions
/// are weighted by group; in a space with many, those of one definition share a group wherever it is used.
struct KernelSpace: Sendable {
    /// So many groups at most: the last one takes what is left.
    static let mostGroups = 48

    let vectors: DecisionVectors
    /// For each decision its group; the resource of a result is in the last group.
    let groups: [Int]
    let groupCount: Int
    /// For each choice, the number of its first alternative among all.
    let firstAlternatives: [Int]
    let alternativeCount: Int

    init(_ vectors: DecisionVectors) {
        self.vectors = vectors
        var (firsts, total) = ([Int](), 0)
        for decision in vectors.decisions {
            firsts.append(total)
            if case .choice(let labels) = decision.kind { total += labels.count }
        }
        (firstAlternatives, alternativeCount) = (firsts, total)
        let isSmall = vectors.decisions.count < Self.mostGroups
        var numbers: [String: Int] = [:]
        groups = vectors.decisions.enumerated().map { slot, decision in
            let key = isSmall ? "\(slot)" : decision.choice.map { "choice \($0)" } ?? decision.path.filter { !$0.isNumber }
            if let known = numbers[key] { return known }
            let number = min(numbers.count, Self.mostGroups - 2)
            numbers[key] = number
            return number
        }
        groupCount = min(numbers.count, Self.mostGroups - 1) + 1
    }

    /// The place of a resource on the scale of a number: half of it for a thousandfold.
    static func place(resource: Int) -> Double { place(resource: Double(max(resource, 1))) }
    static func place(resource: Double) -> Double { 0.05 * log2(resource) }
}

/// A point as the kernel reads it: what is active, and nothing else.
struct KernelInput: Sendable {
    /// The alternatives taken, by their number among all, and the decisions that they answer.
    var alternatives: [Int32] = []
    var choices: [Int32] = []
    var numbers: [(slot: Int32, place: Double)] = []
    /// How many active decisions each group has; nothing for those without.
    var active: [(group: Int32, count: Double)] = []
    var resource = 0.0

    init(_ vector: DecisionVectors.Vector, resource: Double, in space: KernelSpace) {
        self.resource = resource
        var counts = Array(repeating: 0.0, count: space.groupCount)
        for (slot, value) in vector.enumerated() where !value.isNaN {
            let decision = space.vectors.decisions[slot]
            if decision.count == 1 { continue }
            counts[space.groups[slot]] += 1
            if case .choice = decision.kind {
                alternatives.append(Int32(space.firstAlternatives[slot] + Int(value)))
                choices.append(Int32(slot))
            } else {
                numbers.append((Int32(slot), decision.unit(value)))
            }
        }
        active = counts.enumerated().compactMap { $1 > 0 ? (Int32($0), $1) : nil }
    }

    /// The weight of all active decisions: the difference from a point without any.
    func total(_ weights: [Double]) -> Double { active.reduce(0) { $0 + weights[Int($1.group)] * $1.count } }
}

/// A point spread out over all decisions, so that many are compared with it quickly.
struct KernelProbe {
    private var saved: [Double]
    private var places: [Double]
    private var slotWeights: [Double]
    private var total = 0.0
    private var resource = 0.0
    private let resourceWeight: Double
    private let weights: [Double]

    init(_ space: KernelSpace, weights: [Double]) {
        saved = Array(repeating: 0, count: space.alternativeCount)
        places = Array(repeating: .nan, count: space.groups.count)
        slotWeights = space.groups.map { weights[$0] }
        resourceWeight = weights[space.groupCount - 1]
        self.weights = weights
    }

    /// Puts this point in the place of the one before.
    mutating func set(_ input: KernelInput, in space: KernelSpace, replacing old: KernelInput?) {
        if let old {
            for slot in old.choices { fill(Int(slot), 0, in: space) }
            for number in old.numbers { places[Int(number.slot)] = .nan }
        }
        for (slot, alternative) in zip(input.choices, input.alternatives) {
            fill(Int(slot), slotWeights[Int(slot)], in: space)
            saved[Int(alternative)] = 2 * slotWeights[Int(slot)]
        }
        for number in input.numbers { places[Int(number.slot)] = number.place }
        total = input.total(weights)
        resource = input.resource
    }

    private mutating func fill(_ slot: Int, _ value: Double, in space: KernelSpace) {
        guard case .choice(let labels) = space.vectors.decisions[slot].kind else { return }
        for index in space.firstAlternatives[slot]..<(space.firstAlternatives[slot] + labels.count) { saved[index] = value }
    }

    /// The weighted difference from another point, whose `total` is known. O(its active decisions).
    func difference(_ other: KernelInput, total otherTotal: Double) -> Double {
        var result = total + otherTotal
        saved.withUnsafeBufferPointer { saved in
            other.alternatives.withUnsafeBufferPointer { alternatives in
                for alternative in alternatives { result -= saved[Int(alternative)] }
            }
        }
        for number in other.numbers {
            let place = places[Int(number.slot)]
            if place.isNaN { continue }
            let step = place - number.place
            result -= slotWeights[Int(number.slot)] * (2 - 2 * step * step)
        }
        let step = resource - other.resource
        return max(result, 0) + 2 * resourceWeight * step * step
    }
}
