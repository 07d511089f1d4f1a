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
    /// Where networks may be run again: of each environment the feasible points of all networks, on the front or behind it.
    private var all: [String: [Int: [(point: Int, losses: [Double])]]] = [:]

    package init(objectives: [Objective], constraints: [Constraint]) {
        self.objectives = objectives
        self.constraints = constraints
        comparesTimes = objectives.contains { isMeasuredTime($0.metric) }
    }

    /// Adds a trial's points when it is COMPLETE. Returns the trials that they drove off the front, nil when it did not change.
    ///
    /// A repeat changes the mean of the network that it repeats, which alone stands on the front: the old points go, and those that they
    /// alone kept off it come back. O(trials) comparisons then.
    package mutating func insert(_ number: Int, of study: Study) -> Set<Int>? {
        guard study.trials[number].state == .complete else { return nil }
        let isNoisy = study.settings.runsAtMost > 1
        guard let first = study.trials[number].repeatOf else { return insert(study.trials[number], isNoisy: isNoisy) }
        let before = (trials, entries)
        let environment = environment(of: study.trials[first])
        let removed = fronts[environment]?.remove(trial: first) ?? []
        candidates[first] = nil
        all[environment]?[first] = nil
        if !removed.isEmpty {
            for (trial, points) in all[environment] ?? [:] {
                let hidden = points.filter { point in removed.contains { dominates($0.losses, point.losses) } }
                if !hidden.isEmpty { add(study.trials[trial], hidden, environment) }
            }
        }
        _ = insert(study.trials[first], isNoisy: true)
        trials = trialsOnFronts
        for trial in before.0.subtracting(trials) { candidates[trial] = nil }
        return entries == before.1 ? nil : before.0.subtracting(trials)
    }

    private var trialsOnFronts: Set<Int> { Set(fronts.values.flatMap { $0.members().map(\.trial) }) }

    private func environment(of trial: StudyTrial) -> String { comparesTimes ? trial.environment ?? "" : "" }

    /// Adds a network's points; each of its own trial, seen for the first time or anew.
    private mutating func insert(_ trial: StudyTrial, isNoisy: Bool) -> Set<Int>? {
        guard candidates[trial.number] == nil else { return nil }
        let environment = environment(of: trial)
        let points = trial.points.compactMap { point -> (point: Int, losses: [Double])? in
            constraints.allow(point.metrics) ? losses(of: point, objectives: objectives).map { (point.point, $0) } : nil
        }
        if isNoisy { all[environment, default: [:]][trial.number] = points }
        guard add(trial, points, environment) else { return nil }
        let before = trials
        trials = trialsOnFronts
        let left = before.subtracting(trials)
        for trial in left { candidates[trial] = nil }
        return left
    }

    @discardableResult
    private mutating func add(_ trial: StudyTrial, _ points: [(point: Int, losses: [Double])], _ environment: String) -> Bool {
        var changed = false
        for (number, losses) in points
        where fronts[environment, default: ParetoFront()].insert(trial: trial.number, point: number, losses: losses) {
            changed = true
            let point = trial.points.first { $0.point == number }
            candidates[trial.number, default: (trial.family, [:], trial.environment)].points[number] = point
        }
        return changed
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
