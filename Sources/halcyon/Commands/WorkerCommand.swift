import ArgumentParser
import Evaluation
import Execution
import Foundation

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
            evaluator: DenoisingEvaluator(checkpointSteps: max(1, steps)), environment: MeasurementEnvironment().document,
            capabilities: ["train", "latency"])
    }
}
