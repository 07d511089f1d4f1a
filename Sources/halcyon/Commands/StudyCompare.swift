import ArgumentParser
import Documents
import Foundation
import Reporting
import Search
import TrialStore
import Trials

extension StudyCommand {
    struct Compare: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compares studies by the hypervolume of their fronts over the time that their controllers ran.",
            discussion: """
                Studies with the same strategy and scheduler are repeats of one search: their mean counts, with its 95 % interval. Each \
                search is held against the first one: when its mean reaches the mean that the first one ends with, as seconds and as a \
                part of the first one's time. Hypervolumes and p (Mann-Whitney) are those after the time of the shortest study.

                EXAMPLES
                  halcyon study compare runs/random-1 runs/random-2 runs/auto-1 runs/auto-2 --picture race.svg
                """)

        @Argument(help: ArgumentHelp("Folders of studies with equal objectives.", valueName: "DIR")) var directories: [String]
        @Option(help: ArgumentHelp("Draws the means over time.", valueName: "FILE.svg")) var picture: String?
        @Flag(help: "One JSON object a search.") var json = false

        func validate() throws {
            guard !directories.isEmpty else { throw ValidationError("expected the folder of at least one study") }
        }

        func run() throws {
            if let picture { try checkWritable(picture) }
            let race = StudyRace(try runs())
            let lines = lines(race)
            print(json ? lines.map(\.json).joined(separator: "\n") : table(lines, race))
            if let picture { try replaceFile(picture, with: Array(race.plot.svg.utf8)) }
        }

        private func runs() throws -> [StudyRace.Run] {
            var objectives: [Objective]?
            return try directories.map { path in
                let directory = try existingStudy(path)
                let experiment = try Document.load(directory + "/experiment.yaml")
                let settings = try StudySettings(experiment: experiment)
                guard settings.objectives == objectives ?? settings.objectives else {
                    throw try experiment.required("objectives").fail(
                        "objectives: they differ from those of \(directories[0])", hint: "compare studies with equal objectives and references")
                }
                objectives = settings.objectives
                let strategy = try settings.strategy.required("kind").string("kind")
                return try StudyRace.Run(
                    reader: StudyReader(directory: directory), label: "\(strategy), \(settings.fidelity.kind.rawValue)")
            }
        }

        private func lines(_ race: StudyRace) -> [Document] {
            let first = race.groups[0]
            return race.groups.map { group in
                let values = group.values(at: race.end)
                let interval = MeanInterval(values)
                let time = group.time(reaching: first.mean(at: first.end))
                var fields: [(String, Document)] = [
                    ("search", .string(group.label)), ("runs", .int(group.runs.count)), ("seconds", .float(race.end)),
                    ("hypervolume", .float(interval.mean)), ("half_width", .float(interval.halfWidth)),
                    ("reaches_first", time.map(Document.float) ?? .null),
                    ("share_of_time", time.map { .float($0 / first.end) } ?? .null),
                ]
                if group.label != first.label { fields.append(("p", .float(MannWhitney(values, first.values(at: race.end)).p))) }
                return .object(fields)
            }
        }

        private func table(_ lines: [Document], _ race: StudyRace) -> String {
            func text(_ line: Document, _ key: String, _ format: (Double) -> String = { decimal($0, 2) }) -> String {
                (try? line[key]?.double()).map(format) ?? "-"
            }
            let rows = lines.map { line in
                [
                    (try? line["search"]?.string()) ?? "", text(line, "runs") { decimal($0, 0) },
                    "\(text(line, "hypervolume", significant)) ± \(text(line, "half_width", significant))",
                    text(line, "p") { decimal($0, 4) }, text(line, "reaches_first") { decimal($0, 0) }, text(line, "share_of_time"),
                ]
            }
            return TextTable(
                ["search", "runs", "hypervolume after \(decimal(race.end, 0)) s", "p", "reaches the first's, s", "part"], rows,
                leftAligned: [0]
            ).text
        }
    }
}
