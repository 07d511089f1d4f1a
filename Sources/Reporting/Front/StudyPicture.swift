import Search
import Trials

/// What pictures and tables of a front are made from: a study's results, independent of where they are kept.
package struct StudyPicture: Sendable, Equatable {
    package struct Trial: Sendable, Equatable {
        package var number: Int
        package var family: String?
        package var state: TrialState
        /// Its operating points so far, with the network's own metrics (parameters, ...) in each.
        package var points: [Point]

        package init(number: Int, family: String?, state: TrialState, points: [Point]) {
            self.number = number
            self.family = family
            self.state = state
            self.points = points
        }
    }

    /// A network that was measured beside the study, such as a published one.
    package struct Reference: Sendable, Equatable {
        package var name: String
        package var metrics: [String: Double]

        package init(name: String, metrics: [String: Double]) {
            self.name = name
            self.metrics = metrics
        }
    }

    package var title: String
    package var objectives: [Objective]
    /// All of them; of a large study a part, evenly spread.
    package var trials: [Trial]
    /// How many trials of the study are in each state.
    package var counts: [TrialState: Int]
    /// The front's members, with all metrics of their networks.
    package var front: [FrontEntry]
    package var hypervolume: Double?
    package var references: [Reference]

    package init(
        title: String, objectives: [Objective], trials: [Trial], front: [FrontEntry], hypervolume: Double? = nil,
        counts: [TrialState: Int]? = nil, references: [Reference] = []
    ) {
        self.title = title
        self.objectives = objectives
        self.trials = trials
        self.counts = counts ?? Dictionary(grouping: trials, by: \.state).mapValues(\.count)
        self.front = front
        self.hypervolume = hypervolume
        self.references = references
    }

    /// The objective's direction, or the metric's usual one.
    package func direction(_ metric: String) -> Direction {
        objectives.first { $0.metric == metric }?.direction ?? Metric.named(metric).direction
    }

    /// Counts in a reader's words: `64 trials (40 complete, 20 pruned, 4 failed), front of 9 points, hypervolume 1234`.
    package var summary: String {
        let words: [(TrialState, String)] = [
            (.complete, "complete"), (.pruned, "pruned"), (.fail, "failed"), (.running, "running"), (.waiting, "waiting"),
        ]
        let states = words.compactMap { state, word in
            let count = counts[state] ?? 0
            return count == 0 ? nil : "\(count) \(word)"
        }
        let total = counts.values.reduce(0, +)
        var parts = ["\(total) trial\(total == 1 ? "" : "s")"]
        if !states.isEmpty { parts[0] += " (\(states.joined(separator: ", ")))" }
        if trials.count < total { parts.append("\(trials.count) of them drawn") }
        parts.append("front of \(front.count) point\(front.count == 1 ? "" : "s")")
        if let hypervolume { parts.append("hypervolume \(significant(hypervolume))") }
        return parts.joined(separator: ", ")
    }
}
