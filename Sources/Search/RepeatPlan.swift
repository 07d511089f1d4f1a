import Trials

/// Which networks are run again, with another seed, where results are noisy: `repeats: {at-most: 3}`.
///
/// A network is the mean of its runs. How far a run strays is estimated for each objective from all networks that have several
/// (`deviations`), so that few repeats tell it. A network's membership of the front is undecided while half the width of its 95 % interval
/// could change it: a member that would be dominated that much further back, another that would not be dominated that much further
/// forward. Of the undecided ones that have fewer than `at-most` runs, members go first, then those with fewer runs, then the lower number.
/// Repeats are at most a third of all trials, and begin with `apprentices` networks. The first `lessons` repeat any members, to learn the
/// noise; where there is none, nothing is repeated any more.
struct RepeatPlan: Sendable {
    private struct Network {
        var trial: Int
        var points: [Point]
        var losses: [Double]
        var runs = 1
        var isPending = false
    }

    private static let apprentices = 8
    /// While there are fewer repeats, each member of the front is undecided.
    private static let lessons = 3.0
    private let runsAtMost: Int
    private let objectives: [Objective]
    private let constraints: [Constraint]
    private var networks: [Network] = []
    /// The best means; a member's trial is its network's place.
    private var front = ParetoFront()
    private var places: [Int: Int] = [:]
    /// The networks' places in the order of their trials.
    private var byTrial: [Int] = []
    /// Sums of squared distances from the means, and how many of them are free.
    private var squares: [Double]
    private var freedom = 0.0
    private var repeatCount = 0

    init(_ settings: StudySettings) {
        runsAtMost = settings.runsAtMost
        objectives = settings.objectives
        constraints = settings.constraints
        squares = Array(repeating: 0, count: settings.objectives.count)
    }

    /// A first run's points at the last rung.
    mutating func add(_ trial: Int, _ points: [Point]) {
        guard runsAtMost > 1, let point = points.first, let losses = losses(of: point, objectives: objectives),
            constraints.allow(point.metrics)
        else { return }
        places[trial] = networks.count
        byTrial.insert(networks.count, at: (byTrial.lastIndex { networks[$0].trial < trial } ?? -1) + 1)
        front.insert(trial: networks.count, point: 0, losses: losses)
        networks.append(Network(trial: trial, points: points, losses: losses))
    }

    mutating func begin(_ trial: Int) {
        guard let place = places[trial] else { return }
        networks[place].isPending = true
        repeatCount += 1
    }

    mutating func abandon(_ trial: Int) { if let place = places[trial] { networks[place].isPending = false } }

    /// Another run of a network; returns the means over all of its runs.
    mutating func add(run points: [Point], of trial: Int) -> [Point] {
        guard let place = places[trial] else { return points }
        networks[place].isPending = false
        guard let point = points.first, let run = losses(of: point, objectives: objectives) else { return networks[place].points }
        networks[place].runs += 1
        let before = networks[place].losses
        networks[place].points = mean(of: networks[place].points, and: points, runs: networks[place].runs)
        for axis in run.indices {
            let after = before[axis] + (run[axis] - before[axis]) / Double(networks[place].runs)
            squares[axis] += (run[axis] - before[axis]) * (run[axis] - after)
            networks[place].losses[axis] = after
        }
        freedom += 1
        for old in front.remove(trial: place) {
            for (other, network) in networks.enumerated() where other != place && dominates(old.losses, network.losses) {
                front.insert(trial: other, point: 0, losses: network.losses)
            }
        }
        front.insert(trial: place, point: 0, losses: networks[place].losses)
        return networks[place].points
    }

    /// The trial whose network is to be run again, and which run that is; nil when every membership is decided as far as it may be.
    func next() -> StudyFact.StartedTrial.Repeat? {
        guard runsAtMost > 1, networks.count >= Self.apprentices, 3 * (repeatCount + 1) <= networks.count + repeatCount else {
            return nil
        }
        let members = Set(front.members().map(\.trial))
        func first(_ places: some Collection<Int>, areMembers: Bool) -> Int? {
            for runs in 1..<runsAtMost {
                let found = places.first { place in
                    networks[place].runs == runs && !networks[place].isPending
                        && (freedom < Self.lessons ? areMembers : isUndecided(place, isMember: areMembers))
                }
                if let found { return found }
            }
            return nil
        }
        let place =
            first(byTrial.filter { members.contains($0) }, areMembers: true)
            ?? first(byTrial.lazy.filter { !members.contains($0) }, areMembers: false)
        return place.map { .init(trial: networks[$0].trial, run: networks[$0].runs + 1) }
    }

    private func isUndecided(_ place: Int, isMember: Bool) -> Bool {
        let network = networks[place]
        let width = squares.map { 1.96 * ($0 / freedom / Double(network.runs)).squareRoot() }
        if width.allSatisfy({ $0 == 0 }) { return false }
        let moved = zip(network.losses, width).map { isMember ? $0 + $1 : $0 - $1 }
        if isMember { return networks.indices.contains { $0 != place && dominates(networks[$0].losses, moved) } }
        return !front.dominates(moved)
    }
}

/// The means when another run joins a network's, which are `runs` then; each point's metrics by name, those that one of both lacks as they
/// are. Of the metrics in `intervals` the points get half the width of the mean's 95 % interval, as `NAME_half_width`, and the number of
/// `runs`.
func mean(of points: [Point], and run: [Point], runs: Int, intervals: [String] = []) -> [Point] {
    points.map { point in
        guard let other = run.first(where: { $0.point == point.point }) else { return point }
        var point = point
        let count = Double(runs)
        for metric in intervals {
            guard let before = point.metrics[metric], let value = other.metrics[metric] else { continue }
            // The sum of squared distances so far is in the half width so far (Welford, 1962).
            let known = (point.metrics[metric + "_half_width"] ?? 0) / studentQuantile(freedom: count - 2)
            let squares = known * known * (count - 1) * (count - 2) + (value - before) * (value - before) * (count - 1) / count
            point.metrics[metric + "_half_width"] =
                studentQuantile(freedom: count - 1) * (squares / (count - 1) / count).squareRoot()
            point.metrics["runs"] = count
        }
        point.metrics.merge(other.metrics) { $0 + ($1 - $0) / count }
        return point
    }
}
