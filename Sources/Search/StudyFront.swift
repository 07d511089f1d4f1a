import Trials

/// A study's front: the non-dominated feasible points of its COMPLETE trials, kept point by point.
///
/// When an objective is a measured time, points of different environments never meet: each environment has a front.
package struct StudyFront: Sendable {
    private let objectives: [Objective]
    private let constraints: [Constraint]
    private let comparesTimes: Bool
    private var fronts: [String: ParetoFront] = [:]
    /// The trials with points on it.
    package private(set) var trials: Set<Int> = []
    private var candidates: [Int: (family: String?, points: [Int: Point], environment: String?)] = [:]

    package init(objectives: [Objective], constraints: [Constraint]) {
        self.objectives = objectives
        self.constraints = constraints
        comparesTimes = objectives.contains { isMeasuredTime($0.metric) }
    }

    /// Adds a trial's points when it is COMPLETE. Returns the trials that they drove off the front, nil when it did not change.
    ///
    /// A repeat changes the mean of the network that it repeats: the front is made anew from the means of all, which alone
    /// stand on it.
    package mutating func insert(_ number: Int, of study: Study) -> Set<Int>? {
        guard study.trials[number].repeatOf != nil else { return insert(study.trials[number]) }
        guard study.trials[number].state == .complete else { return nil }
        let before = (trials, entries)
        (fronts, candidates, trials) = ([:], [:], [])
        for trial in study.trials where trial.repeatOf == nil { _ = insert(trial) }
        return entries == before.1 ? nil : before.0.subtracting(trials)
    }

    private mutating func insert(_ trial: StudyTrial) -> Set<Int>? {
        guard trial.state == .complete, candidates[trial.number] == nil else { return nil }
        let environment = comparesTimes ? trial.environment ?? "" : ""
        var changed = false
        for point in trial.points {
            let feasible = constraints.allSatisfy { constraint in
                point.metrics[constraint.metric].map(constraint.allows) ?? true
            }
            guard feasible, let losses = losses(of: point, objectives: objectives) else { continue }
            if fronts[environment, default: ParetoFront()].insert(trial: trial.number, point: point.point, losses: losses) {
                changed = true
                candidates[trial.number, default: (trial.family, [:], trial.environment)].points[point.point] = point
            }
        }
        guard changed else { return nil }
        let before = trials
        trials = Set(entries.map(\.trial))
        let left = before.subtracting(trials)
        for trial in left { candidates[trial] = nil }
        return left
    }

    /// All non-dominated points, by the first objective within each environment.
    package var entries: [FrontEntry] {
        fronts.sorted { $0.key < $1.key }.flatMap { _, front in
            front.members().compactMap { member in
                guard let candidate = candidates[member.trial], let point = candidate.points[member.point] else { return nil }
                return FrontEntry(trial: member.trial, family: candidate.family, point: point, environment: candidate.environment)
            }
        }
    }

    /// The largest volume that an environment's front dominates, bounded by the objectives' references.
    package var hypervolume: Double {
        let reference = objectives.map { $0.loss($0.reference) }
        return fronts.values.map { $0.hypervolume(reference: reference) }.max() ?? 0
    }
}
