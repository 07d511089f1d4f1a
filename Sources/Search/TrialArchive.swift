import SearchSpaces
import Trials

/// What evolution and its kin remember of trials: their genotypes, and the losses of those that have a result, at the highest resource
/// that each reached. Measured constraints count by Deb's rule ("An efficient constraint handling method for genetic algorithms", 2000):
/// what is feasible is better than what is not, and of two that are not the one that exceeds its bounds less.
///
/// Another study's results are there from the start, the first parents, and are let go of when this study has `ownEnough` results: they
/// may come from another recipe, under which all look better or worse.
struct TrialArchive: Sendable {
    struct Judgement: Sendable {
        var trial: Int
        /// The losses of the points that meet the constraints.
        var points: [[Double]]
        /// That of the best point when none meets them.
        var violation: Double
    }

    private let objectives: [Objective]
    private let constraints: [Constraint]
    private static let ownEnough = 20
    /// So many are kept at most; half of them, the best, when there are more.
    private let capacity: Int
    private var genotypes: [Int: (genotype: Genotype, resource: Int)] = [:]
    /// By the trial's number.
    var judged: [Judgement] { transferred.isEmpty ? own : transferred + own }
    private var own: [Judgement] = []
    private var ownCount = 0
    /// Another study's.
    private var transferred: [Judgement] = []
    /// What was started or refused.
    private(set) var known: Set<Genotype> = []
    private(set) var startedCount = 0

    init(objectives: [Objective], constraints: [Constraint], capacity: Int = .max) {
        self.objectives = objectives
        self.constraints = constraints
        self.capacity = capacity
    }

    func genotype(_ trial: Int) -> Genotype {
        guard let known = genotypes[trial] else { preconditionFailure("trial \(trial) is unknown") }
        return known.genotype
    }

    mutating func observe(rejected genotype: Genotype) { known.insert(genotype) }

    mutating func observe(_ observation: Observation) {
        switch observation {
        case .started(let trial, let genotype, _):
            genotypes[trial] = (genotype, 0)
            known.insert(genotype)
            startedCount += 1
        case .result(let trial, let resource, let points):
            guard let reached = genotypes[trial]?.resource, resource >= reached else { return }
            genotypes[trial]?.resource = resource
            if reached == 0 { ownCount += 1 }
            if ownCount >= Self.ownEnough { transferred = [] }
            replace(trial, judgement(of: trial, points))
        case .transferred(let number, let genotype, _, let points):
            guard let judgement = judgement(of: number, points) else { return }
            genotypes[number] = (genotype, 0)
            transferred.append(judgement)
        case .failed(let trial):
            replace(trial, nil)
            genotypes[trial] = nil
        case .continued, .stopped: break
        }
    }

    private func judgement(of trial: Int, _ points: [Point]) -> Judgement? {
        let told = points.compactMap { point in losses(of: point, objectives: objectives).map { (point, $0) } }
        let violations = told.map { constraintViolation(of: $0.0, constraints: constraints) }
        let feasible = zip(told, violations).filter { $0.1 == 0 }.map(\.0.1)
        return told.isEmpty ? nil : Judgement(trial: trial, points: feasible, violation: violations.min() ?? 0)
    }

    private mutating func replace(_ trial: Int, _ judgement: Judgement?) {
        var (low, high) = (0, own.count)
        while low < high {
            let middle = (low + high) / 2
            if own[middle].trial < trial { low = middle + 1 } else { high = middle }
        }
        if low < own.count, own[low].trial == trial { own.remove(at: low) }
        guard let judgement else { return }
        own.insert(judgement, at: low)
        guard own.count > capacity else { return }
        let kept = Set(ranked(own).prefix(capacity / 2).map(\.trial))
        own.removeAll { !kept.contains($0.trial) }
    }

    /// Best first: the feasible ones by rank and crowding, then the others by violation, their ranks beyond all.
    func ranked(_ judgements: [Judgement]) -> [RankedTrial] {
        let feasible = judgements.filter { !$0.points.isEmpty }.map { (trial: $0.trial, points: $0.points) }
        let others = judgements.filter(\.points.isEmpty).sorted { ($0.violation, $0.trial) < ($1.violation, $1.trial) }
        return rankTrials(feasible) + others.map { RankedTrial(trial: $0.trial, rank: .max, crowding: 0) }
    }

    /// The trials on the front; without feasible ones the one that exceeds its bounds least.
    func front() -> [Int] {
        let ranked = ranked(judged)
        return ranked.prefix { $0.rank == 0 }.map(\.trial) + (ranked.first?.rank == .max ? [ranked[0].trial] : [])
    }
}
