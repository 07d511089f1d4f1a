import Documents
import Evaluation
import Foundation
import Testing
import Trials

/// What happens while another process measures.
@Suite struct QuietMachineWaitTests {
    @Test func oneWaitHasAnEnd() throws {
        try Samples.withFolder { folder in
            let other = QuietMachine(folder: folder)
            try other.exclusive(waiting: {}) {
                let error = #expect(throws: InputError.self) {
                    try QuietMachine(folder: folder, patience: 0.05).shared(waiting: {}) {}
                }
                #expect(error?.description.contains("quiet.lock") == true)
            }
        }
    }

    @Test func aStopEndsTheWait() throws {
        try Samples.withFolder { folder in
            let request = TrialRequest(
                trial: 3, seed: 11, candidate: Samples.candidate(), resource: 8, folder: folder, experiment: folder + "/e.yaml")
            try EvaluationTests.experiment.write(toFile: request.experiment, atomically: true, encoding: .utf8)
            let evaluator = DenoisingEvaluator(environment: [:], lockFolder: folder)
            var phases: [WorkerEvent.Phase] = []
            try QuietMachine(folder: folder).exclusive(waiting: {}) {
                try evaluator.evaluate(
                    request,
                    report: { event in
                        guard case .heartbeat(_, _, _, _, let phase) = event else {
                            Issue.record("nothing is done beside a measurement: \(event)")
                            return
                        }
                        phases.append(phase)
                    }, shouldStop: { phases.last == .waiting })
            }
            #expect(phases == [.training, .waiting])
        }
    }
}
