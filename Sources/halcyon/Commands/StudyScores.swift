import ArgumentParser
import Documents
import Evaluation
import Foundation
import Reporting
import Training
import TrialStore
import Trials

extension StudyCommand {
    struct Scores: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What parameters, MACs and the zero-cost scores of a study's networks foretold of what they reached.",
            discussion: """
                Of the COMPLETE trials: rank correlations of each with the metric, and what a score tells beyond multiply-accumulates: \
                its correlation among networks of equal MACs (Spearman's partial one), and the gain in Kendall's tau of foretelling by \
                MACs and the score over MACs alone, each trial foretold from the others. Scores are recorded where the experiment has \
                `zero-cost: [\(zeroCostScores.map(\.name).joined(separator: ", "))]`; --compute works them out now, from each trial's seed.

                EXAMPLES
                  halcyon study scores runs/quickstart --compute
                  halcyon study scores runs/quickstart --json
                """)

        @Argument(help: ArgumentHelp("The study's folder.", valueName: "DIR")) var directory: String
        @Option(help: "What the networks reached.") var metric = "psnr_db"
        @Flag(help: "Works out the scores that the study did not record.") var compute = false
        @Flag(help: "One JSON object a line.") var json = false

        func run() throws {
            let folder = URL(fileURLWithPath: directory).standardizedFileURL.path
            let reader = try StudyReader(directory: folder)
            let rows = try reader.trials().filter { $0.state == .complete }
            let points = try reader.points()
            var metrics = Dictionary(uniqueKeysWithValues: rows.map { row in
                (row.number, row.metrics.merging(points[row.number]?.first?.metrics ?? [:]) { own, _ in own })
            })
            var names = zeroCostScores.map(\.name)
            for name in names {
                for row in try reader.measurements(metric: name, trials: Set(metrics.keys)) where row.measurement.resource == 0 {
                    metrics[row.measurement.trial]?[name] = row.measurement.value
                }
            }
            if compute { try complete(&metrics, rows, folder) }
            names = names.filter { name in metrics.values.contains { $0[name] != nil } }
            let report = ScoreReport(rows.compactMap { metrics[$0.number] }, metric: metric, scores: names)
            if json {
                for document in report.documents { print(document.json) }
                return
            }
            print(report.text)
            print("\(rows.count) complete trials, \(metric)" + (names.isEmpty ? "; no scores are recorded: add --compute" : ""))
        }

        private func complete(_ metrics: inout [Int: [String: Double]], _ rows: [TrialRow], _ folder: String) throws {
            let experiment = try ResolvedExperiment(study: folder)
            guard try experiment.trainsNetworks() else {
                throw InputError(file: folder, "its workers train no networks of ours, so there is nothing to score", hint: "leave --compute out")
            }
            let scoring = NetworkScoring(try experiment.training(), resource: try experiment.settings().fidelity)
            var progress = WorkProgress("scored networks")
            for (done, row) in rows.enumerated() {
                progress.tell(done, of: rows.count)
                let missing = zeroCostScores.filter { metrics[row.number]?[$0.name] == nil }
                if missing.isEmpty { continue }
                for (name, value) in try scoring.scores(row.candidate, seed: row.seed, missing) { metrics[row.number]?[name] = value }
            }
            Terminal.clearLine()
        }
    }
}
