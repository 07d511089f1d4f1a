import ArgumentParser
import Documents
import Evaluation
import Execution
import Foundation
import Synchronization
import Trials

struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Trains and measures candidates: JSON lines on standard input and output.",
        discussion: """
            Started by the controller of a study, directly or through the experiment's `launcher:`.
            It ends when its standard input ends.
            """)

    func run() throws {
        // More checkpoints than one in some seconds, for tests of what a crash costs.
        let steps = ProcessInfo.processInfo.environment["HALCYON_CHECKPOINT_STEPS"].flatMap(Int.init) ?? .max
        WorkerLoop.serveStandardStreams(
            evaluator: ExperimentEvaluator(DenoisingEvaluator(checkpointSteps: max(1, steps))), environment: MeasurementEnvironment().document,
            capabilities: ["train", "latency"])
    }
}

/// Does what the request's experiment asks for: trains networks, or looks results up in a table.
private final class ExperimentEvaluator: TrialEvaluator {
    private let networks: DenoisingEvaluator
    /// By the experiment's path; nil for one without a table.
    private let tables = Mutex<[String: TableEvaluator?]>([:])

    init(_ networks: DenoisingEvaluator) { self.networks = networks }

    func evaluate(_ request: TrialRequest, report: (WorkerEvent) throws -> Void, shouldStop: () -> Bool) throws {
        let table = try tables.withLock { tables in
            if let known = tables[request.experiment] { return known }
            let document = try Document.load(request.experiment)
            let found = try TableDescription.isOne(document)
                ? Table(TableDescription(document.required("data"))) : nil
            let evaluator = found.map { TableEvaluator($0, sleeps: $0.description.sleeps) }
            tables[request.experiment] = .some(evaluator)
            return evaluator
        }
        let evaluator: any TrialEvaluator = table ?? networks
        try evaluator.evaluate(request, report: report, shouldStop: shouldStop)
    }
}
