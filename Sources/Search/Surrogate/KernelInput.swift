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
    /// The choice between families: the first one outside repeats whose alternatives hold decisions.
    private let familySlot: Int?
    /// For each decision the number of its alternatives; 0 for a number, 1 for what is no decision.
    fileprivate let alternativeCounts: [Int]

    init(_ vectors: DecisionVectors) {
        self.vectors = vectors
        var (firsts, counts, total) = ([Int](), [Int](), 0)
        for decision in vectors.decisions {
            firsts.append(total)
            if case .choice(let labels) = decision.kind {
                counts.append(labels.count)
                total += labels.count
            } else {
                counts.append(decision.count == 1 ? 1 : 0)
            }
        }
        (firstAlternatives, alternativeCounts, alternativeCount) = (firsts, counts, total)
        familySlot = vectors.decisions.firstIndex { choice in
            guard case .choice = choice.kind, !choice.path.contains("[") else { return false }
            return vectors.decisions.contains { $0.path.hasPrefix(choice.path + "/") }
        }
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

    /// The alternative that a point takes of the choice between families; -1 where there is none.
    func family(_ vector: DecisionVectors.Vector) -> Int {
        guard let slot = familySlot, !vector[slot].isNaN else { return -1 }
        return Int(vector[slot])
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
    /// The logarithm of its operations, for the models' trends; 0 where sizes do not count.
    var size = 0.0
    var family: Int

    init(_ vector: DecisionVectors.Vector, resource: Double, size: Double = 0, in space: KernelSpace) {
        self.resource = resource
        self.size = size
        family = space.family(vector)
        var counts = Array(repeating: 0.0, count: space.groupCount)
        for (slot, value) in vector.enumerated() where !value.isNaN {
            let count = space.alternativeCounts[slot]
            if count == 1 { continue }
            counts[space.groups[slot]] += 1
            if count > 0 {
                alternatives.append(Int32(space.firstAlternatives[slot] + Int(value)))
                choices.append(Int32(slot))
            } else {
                numbers.append((Int32(slot), space.vectors.decisions[slot].unit(value)))
            }
        }
        active = counts.enumerated().compactMap { $1 > 0 ? (Int32($0), $1) : nil }
    }

    /// The weight of all active decisions: the difference from a point without any.
    func total(_ weights: [Double]) -> Double { active.reduce(0) { $0 + weights[Int($1.group)] * $1.count } }
}

/// Points one behind the other in memory, so that one is compared with all of them quickly.
struct KernelPoints: Sendable {
    fileprivate var alternatives: [Int32] = []
    fileprivate var numbers: [(slot: Int32, place: Double)] = []
    /// Where each point's alternatives and numbers end.
    fileprivate var ends: [(alternatives: Int, numbers: Int)] = []
    fileprivate var totals: [Double] = []
    fileprivate var resources: [Double] = []

    var count: Int { totals.count }

    mutating func append(_ input: KernelInput, weights: [Double]) {
        alternatives += input.alternatives
        numbers += input.numbers
        ends.append((alternatives.count, numbers.count))
        totals.append(input.total(weights))
        resources.append(input.resource)
    }

    /// Keeps the first points alone.
    mutating func truncate(_ count: Int) {
        let (lastAlternative, lastNumber) = count > 0 ? ends[count - 1] : (0, 0)
        alternatives.removeLast(alternatives.count - lastAlternative)
        numbers.removeLast(numbers.count - lastNumber)
        ends.removeLast(ends.count - count)
        totals.removeLast(totals.count - count)
        resources.removeLast(resources.count - count)
    }
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
        let first = space.firstAlternatives[slot]
        for index in first..<(first + space.alternativeCounts[slot]) { saved[index] = value }
    }

    /// The kernel between the point and others, without noise, in units of the variance. O(their active decisions).
    func correlations(with points: KernelPoints) -> [Double] {
        var values = Array(repeating: 0.0, count: points.count)
        values.withUnsafeMutableBufferPointer { values in
            saved.withUnsafeBufferPointer { saved in
                points.alternatives.withUnsafeBufferPointer { alternatives in
                    var (alternative, number) = (0, 0)
                    for index in 0..<points.count {
                        var result = total + points.totals[index]
                        let (lastAlternative, lastNumber) = points.ends[index]
                        while alternative < lastAlternative {
                            result -= saved[Int(alternatives[alternative])]
                            alternative += 1
                        }
                        while number < lastNumber {
                            let (slot, other) = points.numbers[number]
                            number += 1
                            let place = places[Int(slot)]
                            if place.isNaN { continue }
                            let step = place - other
                            result -= slotWeights[Int(slot)] * (2 - 2 * step * step)
                        }
                        let step = resource - points.resources[index]
                        values[index] = -(max(result, 0) + 2 * resourceWeight * step * step)
                    }
                }
            }
        }
        exponentiate(&values)
        return values
    }
}
