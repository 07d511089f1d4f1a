import Foundation
import SearchSpaces
import Trials

/// What a model may learn from: every result of a trial at a resource, in the order in which it was shown, and what is under way.
struct SurrogateHistory: Sendable {
    struct Entry: Sendable {
        var trial: Int
        var resource: Int
        var input: KernelInput
        /// Losses of the first operating point, which the models are of.
        var losses: [Double]
        /// The losses of all points that meet the constraints.
        var feasible: [[Double]]
        /// The constrained metrics; nil for one that the result does not tell.
        var constrained: [Double?]
        /// By how much its best point exceeds the bounds, in all, relative to them.
        var violation: Double
    }

    struct Trial: Sendable {
        var vector: DecisionVectors.Vector
        var target: Int
    }

    let space: KernelSpace
    let objectives: [Objective]
    let constraints: [Constraint]
    /// What trials are weighed by; nil where their number counts.
    var cost: TrialCost?
    private(set) var entries: [Entry] = []
    private(set) var trials: [Int: Trial] = [:]
    /// How many trials were started of each family.
    private(set) var starts: [Int: Int] = [:]
    /// In the order of their decisions.
    private(set) var pending: [Int] = []
    private(set) var failed: [KernelInput] = []
    /// What was started or refused.
    private(set) var known: Set<UInt64> = []
    /// Tells the sequence of starts from any other.
    private(set) var digest: UInt64 = 0xcbf2_9ce4_8422_2325
    private(set) var highestResource = 0
    /// Where candidates are judged: at the highest resource, before any result at that of another study's.
    var place: Double { highestResource > 0 ? KernelSpace.place(resource: highestResource) : transferredPlace ?? 0 }
    private var transferredPlace: Double?
    private(set) var lowestResource = Int.max
    /// Of each trial that reached it, the number of its entry there.
    private var finals: [Int: Int] = [:]
    /// The feasible points at the highest resource, and those at any; a member's point is its entry's number.
    private(set) var front = ParetoFront()
    private(set) var looseFront = ParetoFront()
    /// The trials that exceed their bounds least, so many at most.
    private(set) var leastViolating: [(trial: Int, violation: Double)] = []
    private static let mostViolating = 8

    init(space: KernelSpace, objectives: [Objective], constraints: [Constraint]) {
        self.space = space
        self.objectives = objectives
        self.constraints = constraints
    }

    mutating func observe(_ observation: Observation) {
        switch observation {
        case .started(let number, let genotype, let resource):
            let vector = space.vectors.vector(genotype)
            let identity = Self.identity(vector)
            known.insert(identity)
            digest = (digest ^ identity) &* 0x100_0000_01b3
            trials[number] = Trial(vector: vector, target: resource)
            starts[space.family(vector), default: 0] += 1
            pending.append(number)
        case .continued(let number, let resource):
            guard trials[number] != nil else { return }
            trials[number]?.target = resource
            pending.append(number)
        case .result(let number, let resource, let points):
            pending.removeAll { $0 == number }
            guard let trial = trials[number] else { return }
            let input = KernelInput(
                trial.vector, resource: KernelSpace.place(resource: resource), size: size(points, trial.vector), in: space)
            guard let entry = entry(number, resource, input, points) else {
                failed.append(input)
                return
            }
            lowestResource = min(lowestResource, resource)
            if resource > highestResource {
                highestResource = resource
                front = ParetoFront()
                finals = [:]
            }
            if resource == highestResource { finals[number] = entries.count }
            for losses in entry.feasible {
                if resource == highestResource { front.insert(trial: number, point: entries.count, losses: losses) }
                looseFront.insert(trial: number, point: entries.count, losses: losses)
            }
            if entry.feasible.isEmpty {
                leastViolating.removeAll { $0.trial == number }
                let place = leastViolating.firstIndex { $0.violation > entry.violation } ?? leastViolating.count
                leastViolating.insert((number, entry.violation), at: place)
                if leastViolating.count > Self.mostViolating { leastViolating.removeLast() }
            }
            entries.append(entry)
        case .failed(let number):
            pending.removeAll { $0 == number }
            guard let trial = trials[number] else { return }
            failed.append(KernelInput(trial.vector, resource: KernelSpace.place(resource: trial.target), in: space))
        case .stopped(let number): pending.removeAll { $0 == number }
        case .transferred(let number, let genotype, let resource, let points):
            // Part of what the models learn from and of where candidates are looked for, but of no front that a gain is counted from.
            let vector = space.vectors.vector(genotype)
            digest = (digest ^ Self.identity(vector)) &* 0x100_0000_01b3
            trials[number] = Trial(vector: vector, target: 0)
            let place = KernelSpace.place(resource: resource)
            transferredPlace = max(place, transferredPlace ?? place)
            let input = KernelInput(vector, resource: place, size: size(points, vector), in: space)
            guard let entry = entry(number, 0, input, points) else { return }
            for losses in entry.feasible { looseFront.insert(trial: number, point: entries.count, losses: losses) }
            entries.append(entry)
        }
    }

    mutating func observe(rejected genotype: Genotype) { known.insert(Self.identity(space.vectors.vector(genotype))) }

    private func entry(_ trial: Int, _ resource: Int, _ input: KernelInput, _ points: [Point]) -> Entry? {
        let complete = points.compactMap { point in
            losses(of: point, objectives: objectives).flatMap { $0.allSatisfy(\.isFinite) ? (point, $0) : nil }
        }
        guard let first = complete.first else { return nil }
        return Entry(
            trial: trial, resource: resource, input: input, losses: first.1,
            feasible: complete.filter { constraintViolation(of: $0.0, constraints: constraints) == 0 }.map(\.1),
            constrained: constraints.map { first.0.metrics[$0.metric].flatMap { $0.isFinite ? $0 : nil } },
            violation: complete.map { constraintViolation(of: $0.0, constraints: constraints) }.min() ?? 0)
    }

    /// The logarithm of what trials are weighed by, 0 where they are not; nil where nothing can be built of the vector. Slow, as it describes
    /// the network.
    func size(_ vector: DecisionVectors.Vector) -> Double? {
        guard let cost else { return 0 }
        return cost.estimate(space.vectors.genotype(vector)).map { log(max($0, 1)) }
    }

    /// That of a trial with a result, which tells it as a rule.
    private func size(_ points: [Point], _ vector: DecisionVectors.Vector) -> Double {
        guard let cost, let told = points.first?.metrics[cost.metric] else { return size(vector) ?? 0 }
        return log(max(told, 1))
    }

    /// The highest resource of the first `count` entries, and of each trial that reached it the number of its entry there.
    func highest(of count: Int) -> (resource: Int, finals: [Int: Int]) {
        if count == entries.count { return (highestResource, finals) }
        let resource = entries[..<count].map(\.resource).max() ?? 0
        let reached = (0..<count).filter { entries[$0].resource == resource }
        return (resource, Dictionary(reached.map { (entries[$0].trial, $0) }) { $1 })
    }

    static func identity(_ vector: DecisionVectors.Vector) -> UInt64 {
        vector.reduce(0x9e37_79b9_7f4a_7c15) { hash, value in
            let mixed = (hash ^ (value.isNaN ? 0x7ff8_0000_0000_0001 : value.bitPattern)) &* 0xbf58_476d_1ce4_e5b9
            return mixed ^ (mixed >> 29)
        }
    }

    /// Of the first `count` entries `size` to learn from, in their order: half of them the best in rank at their resource, the others evenly
    /// over time. A trial's latest result stands for its earlier ones.
    func selection(of count: Int, size: Int) -> [Int] {
        if count <= size { return Array(0..<count) }
        var latest: [Int: Int] = [:]
        for number in 0..<count { latest[entries[number].trial] = number }
        var pool = latest.values.sorted()
        if pool.count <= size { pool = Array(0..<count) }
        var ranks = Array(repeating: 0, count: count)
        for (_, rung) in Dictionary(grouping: pool, by: { entries[$0].resource }) {
            for (number, rank) in zip(rung, nonDominatedRanks(rung.map { entries[$0].losses })) { ranks[number] = rank }
        }
        let best = pool.sorted { (ranks[$0], -$0) < (ranks[$1], -$1) }
        let leading = best.prefix(size / 2)
        let others = best.dropFirst(size / 2).sorted()
        let spread = (0..<(size - leading.count)).map { others[$0 * others.count / (size - leading.count)] }
        return (leading + spread).sorted()
    }
}

/// By how much a point's metrics exceed the bounds, in all, each relative to its bound unless that is 0; a metric that the point does not tell is met.
package func constraintViolation(of point: Point, constraints: [Constraint]) -> Double {
    constraints.reduce(0) { total, constraint in
        guard let value = point.metrics[constraint.metric] else { return total }
        func relative(_ excess: Double, _ bound: Double) -> Double { excess > 0 ? excess / (bound == 0 ? 1 : abs(bound)) : 0 }
        let above = constraint.atMost.map { relative(value - $0, $0) } ?? 0
        let below = constraint.atLeast.map { relative($0 - value, $0) } ?? 0
        return total + (value.isNaN ? .infinity : above + below)
    }
}
