import Trials

/// The results of trials at each rung, and where trials rest: what schedulers decide by.
struct RungResults: Sendable {
    let resources: [Int]
    private let objectives: [Objective]
    /// The results of each rung: trial to losses of its points and their deviations.
    private var results: [[Int: [(losses: [Double], deviations: [Double])]]]
    /// The rung's trials, best first; nil when it must be sorted anew.
    private var orders: [[Int]?]
    /// The rung at which a trial rests with its result; running, stopped, failed and complete trials have none.
    private var resting: [Int: Int] = [:]
    private var restingCounts: [Int]
    private(set) var running: Set<Int> = []

    init(_ resources: [Int], objectives: [Objective]) {
        precondition(!resources.isEmpty)
        self.resources = resources
        self.objectives = objectives
        results = Array(repeating: [:], count: resources.count)
        orders = Array(repeating: nil, count: resources.count)
        restingCounts = Array(repeating: 0, count: resources.count)
    }

    mutating func observe(_ observation: Observation) {
        switch observation {
        case .started(let trial, _, _): running.insert(trial)
        case .continued(let trial, _):
            leave(trial)
            running.insert(trial)
        case .result(let trial, let resource, let points):
            guard let rung = resources.firstIndex(of: resource) else { return }
            running.remove(trial)
            results[rung][trial] = points.compactMap { point in
                losses(of: point, objectives: objectives).map { ($0, deviations(of: point, objectives: objectives)) }
            }
            orders[rung] = nil
            if rung < resources.count - 1 {
                resting[trial] = rung
                restingCounts[rung] += 1
            }
        case .stopped(let trial), .failed(let trial):
            leave(trial)
            running.remove(trial)
        case .transferred: break
        }
    }

    private mutating func leave(_ trial: Int) {
        if let rung = resting.removeValue(forKey: trial) { restingCounts[rung] -= 1 }
    }

    /// The number of the rung's results.
    func count(_ rung: Int) -> Int { results[rung].count }
    /// Whether any trial rests at the rung.
    func rests(_ rung: Int) -> Bool { restingCounts[rung] > 0 }
    func rests(_ trial: Int, _ rung: Int) -> Bool { resting[trial] == rung }
    /// The resting trial of the lowest number.
    var firstResting: (trial: Int, rung: Int)? { resting.min { $0.key < $1.key }.map { ($0.key, $0.value) } }

    /// All trials with a result at the rung, best first: O(n log n) after a new one for two objectives.
    mutating func ranked(_ rung: Int) -> [Int] {
        if let order = orders[rung] { return order }
        let judged = results[rung].sorted { $0.key < $1.key }
        let order = rankRung(
            judged.map { (trial: $0.key, points: $0.value.map(\.losses)) },
            deviations: judged.flatMap { $0.value.map(\.deviations) },
            references: objectives.map { isMeasuredTime($0.metric) ? $0.loss($0.reference) : nil })
        orders[rung] = order
        return order
    }
}

/// Trials at equal resource, best first: by the best non-dominated rank of their points, then by the volume that a point alone adds
/// to its rank, then by crowding and the lower number.
///
/// Ranks are those beyond noise (`latency_mad_ms` of `latency_ms`), since otherwise many nearly equal small networks, told apart
/// by noise, would all stand first. Each objective is scaled to the spread of its values at this rung, and the volume is bounded a tenth
/// beyond the worst: the study's own references are for the last rung, and at an early one nothing may be within them yet. Latencies are
/// the same at every rung, so theirs bounds the volume: otherwise the most accurate network would add little for being the slowest so far.
/// - Parameter references: of each objective the loss that bounds the volume; nil for a tenth beyond the worst.
package func rankRung(_ trials: [(trial: Int, points: [[Double]])], deviations: [[Double]], references: [Double?]) -> [Int] {
    let pooled = trials.flatMap(\.points)
    let ranks = nonDominatedRanks(pooled, deviations: deviations)
    let volumes = exclusiveVolumes(pooled, ranks: ranks, references: references)
    let distances = crowdingDistances(pooled, ranks: ranks)
    var offset = 0
    var places: [(trial: Int, rank: Int, volume: Double, crowding: Double)] = []
    for (trial, points) in trials {
        let own = (offset..<(offset + points.count)).map { (trial, ranks[$0], volumes[$0], distances[$0]) }
        offset += points.count
        places.append(own.min { isBefore($0, $1) } ?? (trial, .max, 0, 0))
    }
    return places.sorted(by: isBefore).map(\.trial)
}

private func isBefore(
    _ a: (trial: Int, rank: Int, volume: Double, crowding: Double), _ b: (trial: Int, rank: Int, volume: Double, crowding: Double)
) -> Bool {
    if a.rank != b.rank { return a.rank < b.rank }
    if a.volume != b.volume { return a.volume > b.volume }
    if a.crowding != b.crowding { return a.crowding > b.crowding }
    return a.trial < b.trial
}

/// Of each vector the volume that it alone dominates among those of its rank, every objective scaled to the spread of all.
private func exclusiveVolumes(_ vectors: [[Double]], ranks: [Int], references: [Double?]) -> [Double] {
    guard let first = vectors.first else { return [] }
    var scaled = vectors.map { _ in [Double]() }
    var reference: [Double] = []
    for axis in first.indices {
        let finite = vectors.map { $0[axis] }.filter(\.isFinite)
        let (low, high) = (finite.min() ?? 0, finite.max() ?? 0)
        let spread = high > low ? high - low : 1
        reference.append(references[axis].map { ($0 - low) / spread } ?? 1.1)
        for index in vectors.indices { scaled[index].append((vectors[index][axis] - low) / spread) }
    }
    var volumes = Array(repeating: 0.0, count: vectors.count)
    for front in Dictionary(grouping: vectors.indices, by: { ranks[$0] }).values {
        // Bounded below too: an infinitely good value would have an infinite volume.
        let points = front.map { scaled[$0].map { max($0, -0.1) } }
        if first.count == 2 {
            let order = points.indices.sorted { points[$0].lexicographicallyPrecedes(points[$1]) }
            for (place, index) in order.enumerated() {
                // Under dominance beyond noise a front may hold dominated vectors; those add nothing.
                let right = place + 1 < order.count ? points[order[place + 1]][0] : reference[0]
                let top = place > 0 ? points[order[place - 1]][1] : reference[1]
                volumes[front[index]] =
                    max(0, min(right, reference[0]) - points[index][0]) * max(0, min(top, reference[1]) - points[index][1])
            }
        } else {
            let all = hypervolume(points: points, reference: reference)
            for index in points.indices {
                var others = points
                others.remove(at: index)
                volumes[front[index]] = all - hypervolume(points: others, reference: reference)
            }
        }
    }
    return volumes
}
