import ArgumentParser
import Evaluation
import Execution

struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Trains and measures candidates: JSON lines on standard input and output.",
        discussion: """
            Started by the controller of a study, directly or through the experiment's `launcher:`.
            It ends when its standard input ends.
            """)

    func run() throws {
        WorkerLoop.serveStandardStreams(
            evaluator: DenoisingEvaluator(), environment: MeasurementEnvironment().document,
            capabilities: ["train", "latency"])
    }
}
