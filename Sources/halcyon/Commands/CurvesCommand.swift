import ArgumentParser
import Documents
import Foundation
import Reporting

struct CurvesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "curves", abstract: "Draws the learning curves of trainings into one picture.",
        discussion: """
            Reads curve.jsonl in the folders of `halcyon train`. The loss is measured at about twenty places of each training,
            quality as often as --measurements of `halcyon train` says. A series is named by its folder.

            EXAMPLES
              halcyon curves runs/a runs/b --out curves.svg
              halcyon curves runs/a runs/b --metric psnr_db --title "Set12 at sigma 25" --out curves.svg
            """)

    @Argument(help: ArgumentHelp("Folders of trainings.", valueName: "RUN")) var runs: [String]
    @Option(help: "loss, psnr_db, ssim or another metric that was measured.") var metric = "loss"
    @Option(help: "The picture's title.") var title = "Learning curves"
    @Option(help: ArgumentHelp("The picture.", valueName: "FILE.svg")) var out: String

    func run() throws {
        let series = try runs.map { run in
            let folder = URL(fileURLWithPath: run).standardizedFileURL
            let entries = try TrainingCurve(folder: folder.path).entries(of: metric)
            return LinePlot.Series(name: folder.lastPathComponent, points: entries.map { LinePlot.Place(Double($0.step), $0.value) })
        }
        let plot = LinePlot(
            title: title, horizontalTitle: "training steps", verticalTitle: Metric.named(metric).axisTitle, series: series)
        try replaceFile(out, with: Array(plot.svg.utf8))
        for line in series {
            let last = line.points.last.map { "\(decimal($0.y, metric == "loss" ? 5 : 3)) after \(Int($0.x)) steps" } ?? "-"
            print("\(line.name): \(metric) \(last)")
        }
    }
}
