import Documents
import Evaluation
import Foundation
import Imaging
import Networks
import Synchronization
import Testing
import Training
import Trials

/// Trainings whose rungs are sizes of patches, numbers of pictures or seconds.
@Suite struct FidelityResourceTests {
    private static let byImages = "{kind: asha, resource: images, rungs: [1, 2, 4], steps: [2, 5, 8]}"
    private static let byCrop = "{kind: hyperband, resource: crop, rungs: [8, 12, 16]}"
    private static let bySeconds = "{kind: asha, resource: seconds, rungs: [1, 2]}"

    /// Evaluates with a clock that goes on by a quarter of a second with every look.
    private func evaluate(
        _ folder: String, fidelity: String, to resource: Int, from: Bool = false, previous: Int = 0, stopAfter: Int = .max,
        scores: String = ""
    ) throws -> [WorkerEvent] {
        let request = TrialRequest(
            trial: 3, seed: 11, candidate: Samples.candidate(blocks: 2), from: from ? folder + "/checkpoint.h5" : nil, resource: resource,
            previousResource: previous, folder: folder, experiment: folder + "/e.yaml", latency: [Point(metrics: ["latency_ms": 1, "latency_mad_ms": 0])])
        try (EvaluationTests.experiment + "\nfidelity: \(fidelity)\n\(scores)").write(
            toFile: request.experiment, atomically: true, encoding: .utf8)
        let time = Mutex(0.0)
        let evaluator = DenoisingEvaluator(
            environment: [:], checkpointSeconds: 0, lockFolder: folder, now: { time.withLock { $0 += 0.25; return $0 } })
        var events: [WorkerEvent] = []
        var polls = 0
        try evaluator.evaluate(request, report: { events.append($0) }, shouldStop: { polls += 1; return polls > stopAfter })
        return events
    }

    private func result(_ events: [WorkerEvent]) throws -> [Point] {
        guard case .result(_, _, _, let points)? = events.last else { return [] }
        return points
    }

    private func checkpoints(_ events: [WorkerEvent]) -> [Int] {
        events.compactMap { if case .checkpoint(_, _, let resource, _) = $0 { resource } else { nil } }
    }

    /// From the start to the last rung, rung by rung, and stopped in the middle of each: the same network.
    @Test(arguments: [(byImages, [1, 2, 4]), (byCrop, [8, 12, 16])])
    func rungsAndStopsChangeNoBit(_ fidelity: String, _ rungs: [Int]) throws {
        try Samples.withFolder { folder in
            let whole = try result(evaluate(folder, fidelity: fidelity, to: rungs[2]))
            let wholeModel = try ModelFile.read(folder + "/model.h5")
            try FileManager.default.removeItem(atPath: folder + "/checkpoint.h5")
            for (place, rung) in rungs.enumerated() {
                let before = place > 0 ? rungs[place - 1] : 0
                let stopped = try evaluate(folder, fidelity: fidelity, to: rung, from: place > 0, previous: before, stopAfter: 1)
                #expect(try result(stopped).isEmpty)
                let saved = checkpoints(stopped)
                #expect(!saved.isEmpty && saved.allSatisfy { (before..<rung).contains($0) })
                let events = try evaluate(folder, fidelity: fidelity, to: rung, from: true, previous: saved.last ?? 0)
                #expect(checkpoints(events).last == rung)
                if place == 2 { #expect(try result(events) == whole) } else { #expect(try !result(events).isEmpty) }
            }
            #expect(try ModelFile.read(folder + "/model.h5") == wholeModel)
        }
    }

    /// What a rung has fewer of is really not there: other pictures, or other patches, are other trainings.
    @Test func everyRungTrainsWithItsOwn() throws {
        try Samples.withFolder { folder in
            var models: [ModelFile] = []
            for fidelity in [Self.byImages, Self.byCrop, "{kind: full}", "{kind: full, resource: images, rungs: [3]}"] {
                _ = try evaluate(folder, fidelity: fidelity, to: fidelity == Self.byImages ? 4 : fidelity == Self.byCrop ? 16 : fidelity.contains("[3]") ? 3 : 8)
                models.append(try ModelFile.read(folder + "/model.h5"))
                try FileManager.default.removeItem(atPath: folder + "/checkpoint.h5")
            }
            for (place, model) in models.enumerated() { for other in models[..<place] { #expect(model.tensors != other.tensors) } }
        }
    }

    /// Each step takes a quarter of a second by this clock: four to the first rung, and the second goes on from there.
    @Test func secondsEndARungAndAreCarriedOn() throws {
        try Samples.withFolder { folder in
            let first = try evaluate(folder, fidelity: Self.bySeconds, to: 1)
            let saved = try Checkpoint.read(folder + "/checkpoint.h5")
            #expect(saved.step == 4 && saved.seconds == 1)
            #expect(checkpoints(first) == [0, 0, 0, 1, 1])
            #expect(try !result(first).isEmpty)
            let stopped = try evaluate(folder, fidelity: Self.bySeconds, to: 2, from: true, previous: 1, stopAfter: 1)
            #expect(try result(stopped).isEmpty)
            #expect(try Checkpoint.read(folder + "/checkpoint.h5").step == 5)
            let last = try evaluate(folder, fidelity: Self.bySeconds, to: 2, from: true, previous: 1)
            #expect(try !result(last).isEmpty)
            #expect(try Checkpoint.read(folder + "/checkpoint.h5").step == 8)
        }
    }

    /// The schedule goes by the seconds: at the end of them the rate is the lowest.
    @Test func theScheduleFollowsTheSeconds() throws {
        var recipe = Recipe(steps: 1000)
        recipe.batch = 2
        func parameters(after seconds: Double, steps: Int = 1) throws -> [NamedTensor] {
            let trainer = try Trainer(
                Samples.architecture(), recipe: recipe, images: Samples.pictures(), noise: GaussianNoise(sigma: 25), crop: 16, seed: 5,
                scheduleSeconds: 10)
            trainer.seconds = seconds
            try trainer.run(to: steps)
            return trainer.parameters.namedTensors
        }
        let start = try parameters(after: 0, steps: 0), early = try parameters(after: 0), late = try parameters(after: 10)
        func distance(_ a: [NamedTensor]) -> Float {
            zip(a, start).filter { $0.0.name == "conv1.weight" }.flatMap { zip($0.0.values, $0.1.values).map { abs($0 - $1) } }.max() ?? 0
        }
        #expect(distance(early) > 50 * distance(late) && distance(late) > 0)
    }

    /// Scores stand at resource 0, before the training, and once.
    @Test func scoresAreToldBeforeTheTraining() throws {
        try Samples.withFolder { folder in
            let scores = "zero-cost: [synflow, grad_norm]"
            let first = try evaluate(folder, fidelity: Self.byImages, to: 1, scores: scores)
            let told = first.compactMap { event -> WorkerEvent.Measurement? in
                if case .measurement(let it) = event, it.resource == 0 { it } else { nil }
            }
            #expect(told.map(\.metric) == ["synflow", "grad_norm"] && told.allSatisfy { $0.point == 0 && $0.value.isFinite })
            let next = try evaluate(folder, fidelity: Self.byImages, to: 2, from: true, previous: 1, scores: scores)
            #expect(!next.contains { if case .measurement(let it) = $0 { it.resource == 0 } else { false } })
            let experiment = try TrainingExperiment(Document.load(folder + "/e.yaml"), environment: [:], baseFolder: folder)
            let scoring = NetworkScoring(experiment, resource: try Fidelity(.parse(Self.byImages, file: "f.yaml"), steps: 8))
            let again = try scoring.scores(Samples.candidate(blocks: 2), seed: 11, experiment.scores)
            #expect(again.map(\.value) == told.map(\.value))
        }
    }

    @Test func impossibleFidelitiesAreLocated() throws {
        func message(_ fidelity: String, more: String = "") throws -> String {
            let text = EvaluationTests.experiment + "\nfidelity: \(fidelity)\n\(more)"
            return try inputError {
                let document = try Document.parse(text, file: "e.yaml")
                let training = try TrainingExperiment(document, environment: [:], baseFolder: "")
                try checkFidelity(Fidelity(document.optional("fidelity"), steps: training.recipe.steps), of: document, training)
            }?.description ?? ""
        }
        for fine in [Self.byImages, Self.byCrop, Self.bySeconds, "{kind: full}", "{kind: median, resource: seconds, rungs: [5]}"] {
            #expect(try message(fine) == "")
        }
        let tooMany = try message("{kind: asha, resource: images, rungs: [2, 5]}")
        #expect(tooMany.hasPrefix("e.yaml:8:") && tooMany.contains("rungs: the last rung is 5 images, but there are 4"), "\(tooMany)")
        #expect(try message("{kind: asha, resource: crop, rungs: [8, 12]}").contains("the training patches have 16"))
        #expect(try message("{kind: asha, resource: epochs, rungs: [8, 12]}").contains("write resource: steps"))
        #expect(try message("{kind: asha, resource: images, rungs: [1, 4], steps: [9, 8]}").contains("steps: expected ascending totals"))
        #expect(try message("{kind: asha, resource: images, rungs: [1, 4], steps: [2, 7]}").contains("the last of them the recipe's 8"))
        #expect(try message("{kind: asha, resource: seconds, rungs: [1, 4], steps: [2, 8]}").contains("steps"))
        #expect(try message("{kind: full, resource: seconds}").contains("\"rungs\" is missing"))
        let second = "second-stage: {from-step: 4, train: {kind: dead-leaves, images: 4, size: 32, crop: 16}, noise: {kind: gaussian, sigma: 5}}"
        #expect(try message(Self.byImages, more: second).contains("second-stage: begins at a step"))
    }
}
