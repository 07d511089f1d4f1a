import Documents
import TrialStore
import Trials

extension StudyPicture {
    /// Reads a study, also while it runs. What points say nothing about (parameters, ...) comes from their trial.
    package init(
        reader: StudyReader, title: String, objectives: [Objective], references: [Reference] = []
    ) throws {
        // A controller may be writing: the front is read first, so that all of its trials are in what is read later.
        let front = try reader.front()
        let hypervolume = try reader.hypervolume()
        let counts = try reader.stateCounts()
        let step = try reader.trialCount() / Self.mostTrials + 1
        let points = try reader.points(step: step)
        let rows = try reader.summaries(step: step)
        let wholeNetwork = ["parameters", "peak_bytes"]
        var metrics: [Int: [String: Double]] = [:]
        for row in try reader.summaries(of: Set(front.map(\.trial))) + rows { metrics[row.number] = row.metrics }
        func completed(_ point: Point, _ trial: Int) -> Point {
            var point = point
            for (name, value) in metrics[trial] ?? [:] where point.point == 0 || wholeNetwork.contains(name) {
                point.metrics[name] = point.metrics[name] ?? value
            }
            return point
        }
        self.init(
            title: title, objectives: objectives,
            trials: rows.map { row in
                Trial(
                    number: row.number, family: row.family, state: row.state,
                    points: (points[row.number] ?? []).map { completed($0, row.number) })
            },
            front: front.map {
                FrontEntry(trial: $0.trial, family: $0.family, point: completed($0.point, $0.trial), environment: $0.environment)
            },
            hypervolume: hypervolume, counts: counts, references: references)
    }

    /// More are not told apart in a picture: of a larger study every so many-th trial is shown.
    static let mostTrials = 5_000

    /// Reads the study in a folder: `study.sqlite`, and the name and objectives of `experiment.yaml`. Errors name the file.
    package init(directory: String, references: [Reference] = []) throws {
        let settings = try StudySettings(experiment: Document.load(directory + "/experiment.yaml"))
        try self.init(
            reader: StudyReader(directory: directory), title: settings.name, objectives: settings.objectives,
            references: references)
    }
}
