import Documents
import Execution
import RandomStreams
import Search
import SearchSpaces
import Trials

/// A study whose training is a formula, so that laws can be checked over thousands of trials.
enum Synthetic {
    static func space() throws -> SearchSpace {
        try SearchSpace(
            .parse(
                """
                halcyon: 1
                template: {kind: chain, width: {int: [1, 64]}, gain: {float: [0.0, 1.0]}, block: {choice: [plain, dense, residual]}}
                """, file: "space.yaml"))
    }

    static func settings(
        seed: Int = 1, strategy: String = "{kind: random}", fidelity: String = "{kind: full}", trials: Int = 24,
        lag: Int? = nil, more: String = ""
    ) throws -> StudySettings {
        try StudySettings(
            experiment: .parse(
                """
                halcyon: 1
                seed: \(seed)
                objectives: [{metric: psnr_db, direction: maximize, reference: 20}, {metric: macs, direction: minimize, reference: 100000}]
                strategy: \(strategy)
                fidelity: \(fidelity)
                recipe: {steps: 400}
                budget: {trials: \(trials)}
                lag: \(lag.map(String.init) ?? "null")
                \(more)
                """, file: "experiment.yaml"))
    }

    static let asha = "{kind: asha, rungs: [25, 100, 400]}"

    static func study(_ settings: StudySettings, folder: String = "", facts: [StudyFact] = []) throws -> Study {
        let space = try space()
        return try Study(
            settings: settings, space: space,
            strategy: makeStrategy(settings.strategy, space: space, objectives: settings.objectives),
            scheduler: makeScheduler(settings.fidelity, objectives: settings.objectives), inspector: Inspector(),
            folder: folder, facts: facts)
    }

    /// Runs a study to its end in virtual time.
    @discardableResult
    static func run(
        _ settings: StudySettings, workers: Int, log: any TrialLog = MemoryLog(), tempo: Int = 0,
        evaluator: any TrialEvaluator = Evaluator(), stopSwitch: StopSwitch = StopSwitch(),
        death: @escaping (TrialRequest) -> SimulatedExecutor.Death? = { _ in nil }
    ) throws -> (study: Study, front: StudyFront, outcome: StudyOutcome) {
        let history = try log.records()
        let executor = SimulatedExecutor(
            slots: workers, evaluator: evaluator, clock: VirtualClock(history.last?.at ?? 0),
            duration: { request in
                var stream = RandomStream(seed: UInt64(tempo)).split(request.trial).split(request.resource).split(request.attempt)
                return 0.1 + Double(request.resource - request.previousResource) * stream.uniform(0.001, 0.1)
            }, death: death)
        let controller = Controller(
            study: try study(settings, facts: history.map(\.fact)), log: log, executor: executor, clock: executor.clock,
            history: history, stopSwitch: stopSwitch)
        let outcome = try controller.run()
        return (controller.study, controller.front, outcome)
    }

    struct Inspector: CandidateInspector {
        func inspect(_ candidate: Document) throws -> CandidateInspection {
            let width = Double(try candidate.required("width").int())
            return CandidateInspection(
                candidateHash: candidate.digest, architectureHash: candidate.digest, family: "chain",
                architecture: candidate, metrics: ["parameters": 10 * width, "macs": 1000 * width, "peak_bytes": 64 * width])
        }
    }

    struct Evaluator: TrialEvaluator {
        func evaluate(
            _ request: TrialRequest, report: (WorkerEvent) throws -> Void, shouldStop: () -> Bool
        ) throws {
            let (trial, attempt) = (request.trial, request.attempt)
            let width = Double(try request.candidate.required("width").int())
            let gain = try request.candidate.required("gain").double()
            func quality(_ step: Int) -> Double {
                22 + 3 * gain + 0.1 * width * Double(step) / Double(step + 100) + Double(request.seed % 97) * 1e-3
            }
            let half = (request.previousResource + request.resource) / 2
            for step in [half, request.resource] where step > request.previousResource {
                try report(.heartbeat(trial: trial, attempt: attempt, step: step, totalSteps: request.resource, phase: .training))
                if shouldStop() { return }
                try report(
                    .measurement(
                        .init(trial: trial, attempt: attempt, metric: "psnr_db", resource: step, value: quality(step), unit: "dB")))
                try report(.checkpoint(trial: trial, attempt: attempt, resource: step, path: "trials/\(trial)/checkpoint.h5"))
            }
            var metrics = ["psnr_db": quality(request.resource)]
            if request.measuresLatency { metrics["latency_ms"] = width + Double(attempt) }
            try report(
                .result(trial: trial, attempt: attempt, resource: request.resource, points: [Point(metrics: metrics)]))
        }
    }
}

extension [StudyFact] {
    var decisions: [StudyFact] {
        filter { fact in
            if case .rejected = fact { return true }
            if case .exhausted = fact { return true }
            return fact.isDecision
        }
    }

    /// "trial/resource" to the quality reached there.
    var results: [String: Double] {
        var results: [String: Double] = [:]
        for case .reached(let trial, _, let resource, let points, _, _) in self {
            precondition(results["\(trial)/\(resource)"] == nil, "a rung was reached twice")
            results["\(trial)/\(resource)"] = points[0].metrics["psnr_db"]
        }
        return results
    }

    var measurementKeys: [String] {
        compactMap {
            guard case .measured(let it, _) = $0 else { return nil }
            return "\(it.trial)/\(it.point)/\(it.metric)/\(it.resource)"
        }
    }
}
