/// A trial's place among others.
package struct RankedTrial: Sendable, Equatable {
    package var trial: Int
    /// The best non-dominated rank of its points; `Int.max` when it has none.
    package var rank: Int
    /// The largest crowding distance of its points of that rank.
    package var crowding: Double

    /// Best first: rank, then crowding, then the lower number.
    package static func precedes(_ a: RankedTrial, _ b: RankedTrial) -> Bool {
        if a.rank != b.rank { return a.rank < b.rank }
        if a.crowding != b.crowding { return a.crowding > b.crowding }
        return a.trial < b.trial
    }
}

/// Ranks trials that may each have several operating points, best first.
///
/// All points of all trials are sorted together; a trial is as good as its best point. So a dynamic network stands on
/// the front when any of its operating points does, and points that it spends on dominated trade-offs cost it nothing.
///
/// With `deviations`, one vector a point in the order of the trials, ranks are those beyond noise.
package func rankTrials(_ trials: [(trial: Int, points: [[Double]])], deviations: [[Double]]? = nil) -> [RankedTrial] {
    let pooled = trials.flatMap(\.points)
    let ranks = deviations.map { nonDominatedRanks(pooled, deviations: $0) } ?? nonDominatedRanks(pooled)
    let distances = crowdingDistances(pooled, ranks: ranks)
    var offset = 0
    var ranked: [RankedTrial] = []
    for (trial, points) in trials {
        var best = RankedTrial(trial: trial, rank: .max, crowding: 0)
        for index in offset..<(offset + points.count) {
            let candidate = RankedTrial(trial: trial, rank: ranks[index], crowding: distances[index])
            if RankedTrial.precedes(candidate, best) { best = candidate }
        }
        offset += points.count
        ranked.append(best)
    }
    return ranked.sorted(by: RankedTrial.precedes)
}
