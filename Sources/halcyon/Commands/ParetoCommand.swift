import ArgumentParser
import Documents
import Foundation
import Training

struct ParetoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pareto", abstract: "Shows the front of a study, also while it runs.",
        discussion: """
            The front is every non-dominated operating point of COMPLETE trials under the study's objectives. The table also
            refreshes DIR/curves.svg and DIR/front.svg, where networks measured into DIR/references/NAME
            (`halcyon train ... --out`) are named marks.

            EXAMPLES
              halcyon pareto runs/quickstart
              halcyon pareto runs/quickstart --format csv --out front.csv
            """)

    @Argument(help: ArgumentHelp("The study's folder.", valueName: "DIR")) var directory: String
    @Option(help: "\(StudyReport.Format.allCases.map(\.rawValue).joined(separator: ", ")).") var format = StudyReport.Format.table
    @Option(help: ArgumentHelp("A file instead of standard output.", valueName: "FILE")) var out: String?
    @Flag(help: "As --format json.") var json = false

    func run() throws {
        let report = StudyReport(directory: try existingStudy(directory))
        let text = try report.text(json ? .json : format)
        let pictures = format == .table && !json ? try report.pictures() : []
        if let out {
            try replaceFile(out, with: Array(text.utf8))
        } else {
            print(text, terminator: text.hasSuffix("\n") ? "" : "\n")
        }
        try report.write(pictures)
    }
}
