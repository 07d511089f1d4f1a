import Documents
import TrialStore
import Trials

/// Studies of the same objectives side by side: the hypervolume of their fronts over the time that their controllers ran, where
/// studies of the same strategy and scheduler are repeats of one search.
package struct StudyRace: Sendable {
    /// One study.
    package struct Run: Sendable, Equatable {
        /// Strategy and scheduler.
        package var label: String
        /// Hypervolumes from the controller's second in which they stood, ascending.
        package var steps: [LinePlot.Place]
        /// Seconds that the controller ran.
        package var end: Double

        package init(label: String, steps: [LinePlot.Place], end: Double) {
            self.label = label
            self.steps = steps
            self.end = end
        }
    }

    /// The repeats of one search.
    package struct Group: Sendable {
        package let label: String
        package let runs: [Run]
        /// The mean of the runs wherever one of them changes, ascending; before the first it is 0.
        package let means: [LinePlot.Place]
        /// When its shortest run ended.
        package let end: Double

        init(label: String, runs: [Run]) {
            self.label = label
            self.runs = runs
            end = runs.map(\.end).min() ?? 0
            var latest = Array(repeating: 0.0, count: runs.count)
            let steps = runs.enumerated().flatMap { run in run.element.steps.map { (run: run.offset, place: $0) } }
            means = steps.sorted { $0.place.x < $1.place.x }.map { step in
                latest[step.run] = step.place.y
                return LinePlot.Place(step.place.x, latest.reduce(0, +) / Double(runs.count))
            }
        }

        package func mean(at seconds: Double) -> Double { means.last { $0.x <= seconds }?.y ?? 0 }

        /// Of each run its last value up to then.
        package func values(at seconds: Double) -> [Double] { runs.map { $0.steps.last { $0.x <= seconds }?.y ?? 0 } }

        /// The second from which the mean has `level`; nil: not before the end.
        package func time(reaching level: Double) -> Double? {
            means.first { $0.x <= end && $0.y >= level }?.x
        }
    }

    /// In the order in which they were named first.
    package let groups: [Group]
    /// When the shortest run of all ended: hypervolumes are compared there.
    package let end: Double

    package init(_ runs: [Run]) {
        precondition(!runs.isEmpty)
        var labels: [String] = []
        for run in runs where !labels.contains(run.label) { labels.append(run.label) }
        groups = labels.map { label in Group(label: label, runs: runs.filter { $0.label == label }) }
        end = groups.map(\.end).min() ?? 0
    }

    /// The mean of each group, over time. It begins after a tenth: the first results would take all of the height.
    package var plot: LinePlot {
        let begin = end / 10
        let series = groups.map { group in
            LinePlot.Series(
                name: group.label + (group.runs.count > 1 ? ", mean of \(group.runs.count)" : ""),
                points: [.init(begin, group.mean(at: begin))] + group.means.filter { $0.x > begin && $0.x <= group.end }
                    + [.init(group.end, group.mean(at: group.end))])
        }
        var plot = LinePlot(
            title: "Hypervolume over time", subtitle: "of the fronts of complete trials", horizontalTitle: "seconds of the controller",
            verticalTitle: "hypervolume", series: series)
        plot.isStepwise = true
        return plot
    }
}

extension StudyRace.Run {
    /// Reads a study, also while it runs; pauses between its sessions do not count.
    package init(reader: StudyReader, label: String) throws {
        let sessions = try reader.sessions()
        func controllerSeconds(_ at: Double) -> Double {
            sessions.reduce(0) { $0 + max(0, min(at, $1.end) - $1.begin) }
        }
        self.init(
            label: label, steps: try reader.hypervolumes().map { .init(controllerSeconds($0.at), $0.value) },
            end: sessions.reduce(0) { $0 + $1.end - $1.begin })
    }
}
