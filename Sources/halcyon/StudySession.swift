import ArgumentParser
import Documents
import Evaluation
import Execution
import Foundation
import Networks
import Reporting
import Search
import Training
import TrialStore
import Trials

/// One run of a study's controller: what `search` and `resume` share.
struct StudySession {
    enum ExecutorKind: String, CaseIterable {
        case local
        case inProcess = "in-process"
        case simulated
    }

    let directory: String
    let experiment: ResolvedExperiment
    let executor: ExecutorKind
    let json: Bool
    /// Whether the folder must not hold a study yet.
    var isNew = false
    /// A folder for the curves of trials, for TensorBoard.
    var curves: String?

    /// Runs until the study ends or pauses, then shows the front.
    func run() throws {
        let settings = try experiment.settings()
        // What a worker in another language makes of a candidate, and of data, noise and recipe, is its own business.
        let table = try experiment.table()
        let training = try experiment.trainsNetworks() ? experiment.training() : nil
        let study = try experiment.study(in: directory, inspector: experiment.inspector(table))
        if let training {
            try checkFidelity(settings.fidelity, of: experiment.document, training)
            try checkMetrics(training)
            try training.train.check()
            try training.validation.check()
        } else if table == nil, executor != .local {
            throw try experiment.document.required("command").fail(
                "command: a worker in another language cannot run \(executor.rawValue)", hint: "leave --executor out")
        }
        let lock = try StudyLock(directory: directory)
        defer { withExtendedLifetime(lock) {} }
        let path = directory + "/experiment.yaml"
        if isNew {
            guard !FileManager.default.fileExists(atPath: directory + "/study.sqlite") else { throw Self.occupied(directory) }
            // Before the database, which makes the folder a study.
            try experiment.write(to: path)
        }
        let store = try StudyStore(directory: directory)
        var restored = try StudyRestoration(study, log: store)
        if restored.last == nil, let other = try experiment.document.optional("warm-start")?.optional("study") {
            let transfer = try StudyTransfer(experiment, from: other)
            Terminal.note(transfer.note)
            restored.learn(transfer.results)
        }
        if !isNew { try experiment.write(to: path) }

        let stderrIsTerminal = Terminal.isInteractive
        let interrupts = InterruptCounter {
            Terminal.note("stopping: running trials save their checkpoints (Ctrl-C again: at once)")
        }
        let workers = settings.workers ?? ProcessInfo.processInfo.activeProcessorCount
        let (slots, clock) = try makeExecutor(
            settings, workers: min(workers, settings.lag ?? workers), training: training, table: table, begin: restored.last ?? 0)
        let begin = clock.now
        Terminal.note(
            "\(settings.name): \(directory), \(slots.slots) worker\(slots.slots == 1 ? "" : "s"), "
                + "\(settings.fidelity.kind.rawValue) to \(settings.fidelity.rungs.last ?? 0) \(settings.fidelity.resource)")
        let report = StudyReport(directory: directory)
        let pictures = BackgroundPictures(report, curves: curves)
        defer { pictures.wait() }
        var (drawnDone, lastDrawing) = (-1, -Double.infinity)
        var lastNote = -Double.infinity
        let controller = Controller(
            consume restored, log: store, executor: slots, clock: clock, folder: StudyFolder(path: directory), stopSwitch: interrupts.stopSwitch,
            progress: { state in
                if state.done != drawnDone, steadyNow() - lastDrawing >= Self.drawingSeconds {
                    (drawnDone, lastDrawing) = (state.done, steadyNow())
                    pictures.drawBeside()
                }
                if stderrIsTerminal {
                    Terminal.live(SearchProgressLine(state).text(width: Terminal.width))
                } else if steadyNow() - lastNote >= 15 {
                    lastNote = steadyNow()
                    Terminal.note(SearchProgressLine(state).text(width: 160))
                }
            })
        let outcome = try controller.run()
        pictures.wait()
        Terminal.clearLine()
        if executor == .simulated { Terminal.note(String(format: "%.3f s of virtual time", clock.now - begin)) }
        if let failure = outcome.storageFailure {
            // What is in the log is whole; nothing more is read or written here.
            try? store.close()
            Terminal.complain("the study was paused, since its disk refuses: \(failure)")
            Terminal.note("nothing is lost: make space there, then go on with: halcyon resume \(directory)")
            throw ExitCode(1)
        }
        let nothing = try controller.study.trials.isEmpty && controller.study.isExhausted ? nothingToTry(store) : nil
        try store.close()
        if let nothing { throw nothing }
        do {
            try pictures.draw()
        } catch {
            Terminal.complain("the pictures were not drawn: \(error)")
        }
        try show(outcome, report, settings)
        if outcome.hopeless {
            Terminal.complain("the study was paused, since its trials fail: \(outcome.reason)")
            Terminal.note("each trial's words are in \(directory)/trials/NUMBER/log")
        }
        let trials = controller.study.trials
        let allFailed = !trials.isEmpty && trials.allSatisfy { $0.state == .fail }
        if allFailed, !outcome.hopeless {
            Terminal.complain("every trial failed; the last one: \(trials.last?.failure ?? "no reason is known")")
            Terminal.note("each trial's words are in \(directory)/trials/NUMBER/log")
        }
        if outcome.paused && interrupts.count > 0 || outcome.hopeless || allFailed { throw ExitCode(1) }
    }

    /// The front is drawn no more often than this while trials finish.
    private static let drawingSeconds = 10.0

    static func occupied(_ directory: String) -> InputError {
        InputError(
            file: directory, "holds a study already", hint: "go on with `halcyon resume \(directory)`, or choose another folder")
    }

    /// A study that found no candidate to start: the experiment is at fault, and the last rejection tells why.
    private func nothingToTry(_ log: StudyStore) throws -> InputError {
        var last: String?
        try log.restore { if case .rejected(_, _, _, let reason, _) = $0.fact { last = reason } }
        let section = try experiment.document.optional("constraints") ?? experiment.document
        return section.fail(
            "no network of the space can be tried; the last proposal: \(last ?? "none")",
            hint: "loosen the constraints or widen the space, then search into another folder")
    }

    /// Objectives and constraints on metrics that nothing measures would never be met: said at the door.
    private func checkMetrics(_ training: TrainingExperiment) throws {
        let quality = training.metrics.map(\.name), labels = training.validation.conditions.map(\.label)
        let known = quality + ["latency_ms", "latency_mad_ms", "parameters", "macs", "peak_bytes"] + training.scores.map(\.name)
            + (labels.count > 1 ? quality.flatMap { name in labels.map { "\(name)@\($0)" } } : [])
        for (key, section) in [("objectives", "objective"), ("constraints", "constraint")] {
            for item in try experiment.document.optional(key)?.array(key) ?? [] {
                _ = try item.required("metric").word("the metric of the \(section)", of: known)
            }
        }
    }

    private func makeExecutor(
        _ settings: StudySettings, workers: Int, training: TrainingExperiment?, table: Table?, begin: Double
    ) throws -> (any Executor, any Clock) {
        let lookUp = table.map { TableEvaluator($0, sleeps: $0.description.sleeps) }
        switch executor {
        case .local:
            let command = settings.command ?? [Bundle.main.executablePath ?? CommandLine.arguments[0], "worker"]
            return (LocalExecutor(slots: workers, command: command, launcher: settings.launcher, limits: settings.limits), WallClock())
        case .inProcess:
            let environment = MeasurementEnvironment().document
            return (InProcessExecutor(slots: workers, evaluator: lookUp ?? DenoisingEvaluator(), environment: environment), WallClock())
        case .simulated:
            let charge = try SimulatedExecutor.Charge(experiment.document.optional("simulation"))
            let clock = VirtualClock(begin)
            if let table {
                let evaluator = TableEvaluator(table)
                return (
                    SimulatedExecutor(slots: workers, evaluator: evaluator, clock: clock, charge: charge, duration: evaluator.duration), clock
                )
            }
            // Really trained, one at a time; the clock is virtual: three forward passes a step at 100 GFLOP/s.
            let simulated = SimulatedExecutor(
                slots: workers, evaluator: DenoisingEvaluator(), clock: clock, charge: charge,
                duration: { request in
                    let fidelity = settings.fidelity
                    func seconds(_ macs: Int) -> Double {
                        let units = Double(request.resource - request.previousResource)
                        if fidelity.resource == "seconds" { return units }
                        let steps = fidelity.steps?.last.map { Double($0) / Double(fidelity.rungs.last ?? 1) } ?? 1
                        return units * steps * Double(macs) * 6 / 1e11
                    }
                    let macs = (try? Architecture(request.candidate)).flatMap { architecture -> Int? in
                        guard let training else { return nil }
                        return try? NetworkCost(
                            of: architecture, height: training.train.crop ?? 48, width: training.train.crop ?? 48,
                            batch: training.recipe.batch
                        ).macs
                    }
                    return seconds(macs ?? 0)
                })
            return (simulated, clock)
        }
    }

    private func show(_ outcome: StudyOutcome, _ report: StudyReport, _ settings: StudySettings) throws {
        print(try report.text(json ? .json : .table))
        let counts = try report.stateCounts()
        Terminal.note("\(outcome.reason): \(counts); \(directory)/front.svg")
        if outcome.paused { Terminal.note("go on with: halcyon resume \(directory)") }
    }
}
