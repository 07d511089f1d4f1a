import ArgumentParser
import Documents
import Foundation
import Trials

struct SearchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search", abstract: "Runs an architecture search and shows its accuracy/latency front.",
        discussion: """
            Every result lands in OUT/study.sqlite as it arrives; Ctrl-C leaves a study that `halcyon resume OUT` goes on with.

            EXAMPLES
              halcyon search Experiments/quickstart/experiment.yaml --out runs/quickstart
              HALCYON_DATA=~/denoising halcyon search Experiments/bsd68-sigma25/experiment.yaml --out r --seconds 900 --workers 2
            """)

    @Argument(help: ArgumentHelp("The experiment.", valueName: "EXPERIMENT.yaml")) var experiment: String
    @Option(help: ArgumentHelp("The study's folder; it must not hold a study yet.", valueName: "DIR")) var out: String
    @OptionGroup var budget: BudgetOptions
    @Option(help: "Seed of the search.") var seed: Int?
    @Option(help: "Where trials run: \(StudySession.ExecutorKind.allCases.map(\.rawValue).joined(separator: ", ")).")
    var executor = StudySession.ExecutorKind.local
    @OptionGroup var curves: CurveOptions
    @Flag(help: "The front as JSON, one object a line.") var json = false

    func run() throws {
        var resolved = try ResolvedExperiment(path: experiment)
        try budget.apply(to: &resolved)
        resolved.override("seed", with: seed.map(Document.int))
        // Everything is checked before anything is written.
        _ = try resolved.settings()
        if try resolved.trainsNetworks() { _ = try resolved.training() }
        _ = try resolved.space()
        _ = try resolved.table()
        for note in try resolved.resolveWarmStart() { Terminal.note("warm start: \(note)") }
        if let other = try resolved.document.optional("warm-start")?.optional("study") { _ = try StudyTransfer(resolved, from: other) }

        let directory = URL(fileURLWithPath: out).standardizedFileURL.path
        guard !FileManager.default.fileExists(atPath: directory + "/study.sqlite") else { throw StudySession.occupied(out) }
        try makeFolder(directory)
        try curves.prepare()
        try StudySession(directory: directory, experiment: resolved, executor: executor, json: json, isNew: true, curves: curves.tensorboard).run()
    }
}

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Goes on with a study that was stopped, or gives it a larger budget.",
        discussion: """
            Trials that are done are not run again; running ones go on from their checkpoints.

            EXAMPLES
              halcyon resume runs/quickstart
              halcyon resume runs/quickstart --trials 128
            """)

    @Argument(help: ArgumentHelp("The study's folder.", valueName: "DIR")) var directory: String
    @OptionGroup var budget: BudgetOptions
    @Option(help: "Where trials run: \(StudySession.ExecutorKind.allCases.map(\.rawValue).joined(separator: ", ")).")
    var executor = StudySession.ExecutorKind.local
    @OptionGroup var curves: CurveOptions
    @Flag(help: "The front as JSON, one object a line.") var json = false

    func run() throws {
        let directory = URL(fileURLWithPath: directory).standardizedFileURL.path
        var resolved = try ResolvedExperiment(study: directory)
        try budget.apply(to: &resolved)
        _ = try resolved.settings()
        try curves.prepare()
        try StudySession(directory: directory, experiment: resolved, executor: executor, json: json, curves: curves.tensorboard).run()
    }
}

struct BudgetOptions: ParsableArguments {
    @Option(help: "Worker processes (default: the experiment's, or the number of cores).") var workers: Int?
    @Option(help: "Total number of trials of the study.") var trials: Int?
    @Option(help: "Total seconds of the study.") var seconds: Double?

    func validate() throws {
        if let workers, !(1...4096).contains(workers) { throw ValidationError("--workers: expected 1 to 4096, found \(workers)") }
        if let trials, !StudySettings.Budget.trialsRange.contains(trials) {
            throw ValidationError("--trials: expected 1 to \(StudySettings.Budget.trialsRange.upperBound), found \(trials)")
        }
        if let seconds, !(seconds > 0 && seconds <= StudySettings.Budget.mostSeconds) {
            throw ValidationError(
                "--seconds: expected more than 0, at most \(StudySettings.Budget.mostSeconds), found \(seconds)")
        }
    }

    /// Replaces the experiment's own numbers. More workers than a lag keeps busy are not started: a note says so.
    func apply(to experiment: inout ResolvedExperiment) throws {
        var workers = workers
        if let asked = workers, let lag = try experiment.document.optional("lag")?.int("lag"), lag > 0, asked > lag {
            Terminal.note("--workers \(asked): the experiment's lag of \(lag) keeps at most \(lag) busy, so \(lag) are started")
            workers = lag
        }
        experiment.override("workers", with: workers.map(Document.int))
        experiment.override("trials", in: "budget", with: trials.map(Document.int))
        experiment.override("seconds", in: "budget", with: seconds.map(Document.float))
    }
}

struct CurveOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A folder for the curves as TensorBoard reads them, one run a trial, written as they come.", valueName: "FOLDER"))
    var tensorboard: String?

    func prepare() throws {
        if let tensorboard { try makeFolder(tensorboard) }
    }
}

extension StudySession.ExecutorKind: ExpressibleByArgument {}
