import ArgumentParser
import Documents
import Foundation

struct StudyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "study", abstract: "Checks, copies or compares the folders of studies, also while searches run there.",
        discussion: """
            EXAMPLES
              halcyon study check runs/quickstart
              halcyon study backup runs/quickstart backups/monday && halcyon resume backups/monday
              halcyon study compare runs/random-* runs/auto-* --picture race.svg
            """,
        subcommands: [Check.self, Backup.self, Compare.self])

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
            let directory = URL(fileURLWithPath: directory).standardizedFileURL.path
            guard FileManager.default.fileExists(atPath: directory + "/study.sqlite") else {
                throw InputError(file: directory, "no study here: there is no study.sqlite", hint: "name the folder of a study")
            }
            try StudyBackup(directory: directory, destination: URL(fileURLWithPath: out).standardizedFileURL.path).make()
            print("\(out): a sound copy; go on there with: halcyon resume \(out)")
        }
    }
}
