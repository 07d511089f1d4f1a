import ArgumentParser
import Documents
import Foundation
import Reporting
import TrialStore

struct StudyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "study", abstract: "Checks, copies, judges or compares the folders of studies, or exports their curves, also while searches run there.",
        discussion: """
            EXAMPLES
              halcyon study check runs/quickstart
              halcyon study scores runs/quickstart --compute
              halcyon study backup runs/quickstart backups/monday && halcyon resume backups/monday
              halcyon study compare runs/random-* runs/auto-* --picture race.svg
              halcyon study tensorboard runs/quickstart && tensorboard --logdir runs/quickstart/tensorboard
            """,
        subcommands: [Check.self, Backup.self, Scores.self, Compare.self, Curves.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Looks at all of a study: its file, its log, the tables that follow from it, checkpoints and networks.",
            discussion: """
                Exit code 0: sound; 1: damaged. What is left over (files of nothing in the study) is told and is no damage.
                Nothing is written.
                """)

        @Argument(help: ArgumentHelp("The study's folder.", valueName: "DIR")) var directory: String
        @Flag(help: "One JSON object a line: each finding, then the verdict.") var json = false

        func run() throws {
            let check = try StudyCheck(directory: URL(fileURLWithPath: directory).standardizedFileURL.path)
            for finding in check.findings {
                print(
                    json
                        ? Document.object([
                            ("kind", .string(finding.kind.rawValue)), ("place", .string(finding.place)), ("what", .string(finding.what)),
                        ]).json : "\(finding.kind.rawValue): \(finding.place): \(finding.what)")
            }
            print(
                json
                    ? Document.object([("sound", .bool(check.isSound)), ("trials", .int(check.trials))]).json
                    : "\(directory): \(check.isSound ? "sound, \(check.trials) trials" : "damaged")")
            if !check.isSound { throw ExitCode(1) }
        }
    }

    struct Backup: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copies a study as it is at this moment into a new folder, which `halcyon resume` takes.",
            discussion: "The copy is checked as `halcyon study check` does before it stands there.")

        @Argument(help: ArgumentHelp("The study's folder.", valueName: "DIR")) var directory: String
        @Argument(help: ArgumentHelp("The folder of the copy; it must not exist.", valueName: "OUT")) var out: String

        func run() throws {
            try StudyBackup(directory: existingStudy(directory), destination: URL(fileURLWithPath: out).standardizedFileURL.path).make()
            print("\(out): a sound copy; go on there with: halcyon resume \(out)")
        }
    }

    struct Curves: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "tensorboard", abstract: "Writes a study's curves as files that TensorBoard reads, one run a trial.",
            discussion: "All metrics over steps, of operating points other than the first as METRIC/pointN. Written anew, the same files.")

        @Argument(help: ArgumentHelp("The study's folder.", valueName: "DIR")) var directory: String
        @Option(help: ArgumentHelp("The folder of the runs (default: DIR/tensorboard).", valueName: "FOLDER")) var out: String?

        func run() throws {
            let directory = URL(fileURLWithPath: directory).standardizedFileURL.path
            let folder = out ?? directory + "/tensorboard"
            let reader = try StudyReader(directory: directory)
            try makeFolder(folder)
            var runs = TensorBoardRuns(folder: folder)
            let count = try runs.update(from: reader)
            print("\(folder): \(count) \(count == 1 ? "run" : "runs"); look at them with: tensorboard --logdir \(folder)")
        }
    }
}
