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
        let hypervolume = try reader.hypervolumes().last?.value
        let points = try reader.points()
        let rows = try reader.summaries()
        let wholeNetwork = ["parameters", "peak_bytes"]
        var metrics: [Int: [String: Double]] = [:]
        for row in rows { metrics[row.number] = row.metrics }
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
            hypervolume: hypervolume, references: references)
    }

    /// Reads the study in a folder: `study.sqlite`, and the name and objectives of `experiment.yaml`. Errors name the file.
    package init(directory: String, references: [Reference] = []) throws {
        let settings = try StudySettings(experiment: Document.load(directory + "/experiment.yaml"))
        try self.init(
            reader: StudyReader(directory: directory), title: settings.name, objectives: settings.objectives,
            references: references)
    }
}
