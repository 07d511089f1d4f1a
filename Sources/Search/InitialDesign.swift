import RandomStreams
import SearchSpaces

/// The first proposals of a strategy: spread over the alternatives of the space's choices, where independent samples leave
/// out some families and kinds of block by chance.
///
/// Each proposal takes in each choice the alternative that the fewest trials use (`SpreadSampler`). Running, resting and
/// complete trials count. Trials that failed or were stopped do not, so what they alone used is tried again; but each
/// alternative is forgiven one of them only, so that one which always fails does not take the place of the others.
/// Rejected proposals never count; after `innerPatience` rejections for one decision each alternative of an inner choice is
/// passed over half of the time, after `patience` each of an outer one too: so one that is rarely or never feasible, or not
/// beside another one, does not keep the others waiting.
///
/// The design is complete after `size` trials and one more for each alternative that no trial uses then, `size` more at
/// most. Only alternatives of choices that every genotype makes ask for more trials: others may be out of reach. Results of another study
/// count as trials.
package struct InitialDesign: Sendable {
    /// A family that has one feasible genotype in ten is found within so many proposals 24 times in 25.
    static let patience = 32
    static let innerPatience = 8

    private let sampler: SpreadSampler
    private let space: SearchSpace
    private let size: Int
    private let required: Set<Alternative>
    private var startedCount = 0
    private var users: [Int: Set<Alternative>] = [:]
    /// Alternatives by the number of their trials that count, and of those that do not.
    private var used: [Alternative: Int] = [:]
    private var lost: [Alternative: Int] = [:]

    package init(space: SearchSpace, size: Int) {
        self.space = space
        self.size = size
        sampler = SpreadSampler(space)
        required = space.commonAlternatives
    }

    package mutating func observe(_ observation: Observation) {
        switch observation {
        case .started(let trial, let genotype, _):
            startedCount += 1
            let taken = space.alternatives(of: genotype)
            users[trial] = taken
            for alternative in taken { used[alternative, default: 0] += 1 }
        case .transferred(_, let genotype, _, _):
            startedCount += 1
            for alternative in space.alternatives(of: genotype) { used[alternative, default: 0] += 1 }
        case .failed(let trial), .stopped(let trial):
            for alternative in users.removeValue(forKey: trial) ?? [] {
                used[alternative, default: 0] -= 1
                lost[alternative, default: 0] += 1
            }
        case .continued, .result: break
        }
    }

    package var isComplete: Bool {
        if startedCount < size { return false }
        if startedCount >= 2 * size { return true }
        return startedCount >= size + required.count { used[$0, default: 0] == 0 }
    }

    package func propose(redraw: Int, using stream: inout RandomStream) -> Genotype {
        let uses = used.merging(lost.mapValues { $0 - 1 }) { $0 + $1 }
        let omission: SpreadSampler.Omission = redraw < Self.innerPatience ? .none : redraw < Self.patience ? .inner : .all
        return sampler.sample(uses: uses, omission: omission, using: &stream)
    }
}
