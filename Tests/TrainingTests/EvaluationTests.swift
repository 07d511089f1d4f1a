import Documents
import Evaluation
import Foundation
import Networks
import Synchronization
import Testing
import Training
import Trials

@Suite struct EvaluationTests {
    static let experiment = """
        halcyon: 1
        data:
          train: {kind: dead-leaves, images: 4, size: 32, crop: 16}
          validation: {kind: dead-leaves, images: 2, size: 32, sigmas: [25]}
        noise: {kind: gaussian, sigma: 25}
        recipe: {loss: l1, batch: 2, steps: 8}
        latency: {size: 24x40}
        """

    /// Seconds that go on by a quarter with every look.
    private static func clock() -> @Sendable () -> Double {
        let time = Mutex(0.0)
        return { time.withLock { $0 += 0.25; return $0 } }
    }

    private func evaluate(
        _ request: TrialRequest, stopAfter: Int = .max, checkpointSeconds: Double = 1e9
    ) throws -> [WorkerEvent] {
        try Self.experiment.write(toFile: request.experiment, atomically: true, encoding: .utf8)
        let evaluator = DenoisingEvaluator(
            environment: [:], checkpointSeconds: checkpointSeconds, lockFolder: request.folder, now: Self.clock())
        var events: [WorkerEvent] = []
        var polls = 0
        try evaluator.evaluate(request, report: { events.append($0) }, shouldStop: { polls += 1; return polls > stopAfter })
        return events
    }

    private func request(_ folder: String, candidate: Document = Samples.candidate(), to resource: Int) -> TrialRequest {
        TrialRequest(trial: 3, seed: 11, candidate: candidate, resource: resource, folder: folder, experiment: folder + "/e.yaml")
    }

    private func points(_ events: [WorkerEvent]) -> [Point] {
        guard case .result(_, _, _, let points) = events.last else { return [] }
        return points
    }

    @Test func anAttemptReportsEverythingOnce() throws {
        try Samples.withFolder { folder in
            let events = try evaluate(request(folder, to: 8))
            let metrics = try #require(points(events).first?.metrics)
            #expect(
                Set(metrics.keys) == ["psnr_db", "ssim", "latency_ms", "latency_mad_ms", "parameters", "macs", "peak_bytes"])
            #expect(metrics["latency_ms"] == 250 && metrics["latency_mad_ms"] == 0)
            var measured: [String] = []
            var losses = 0
            for case .measurement(let it) in events {
                if it.metric == "loss" { losses += 1 } else { measured.append(it.metric) }
            }
            #expect(measured.sorted() == ["latency_mad_ms", "latency_ms", "noisy_psnr_db", "psnr_db", "ssim"])
            #expect(losses == 8)
            let phases = events.compactMap { if case .heartbeat(_, _, _, _, let phase) = $0 { phase } else { nil } }
            #expect(Set(phases) == [.training, .validating, .measuring])
            let files = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(Set(files).isSuperset(of: ["model.h5", "checkpoint.h5", "architecture.json", "profile.json"]))
            #expect(try Denoiser.load(folder + "/model.h5").architecture.candidateHash == Architecture(Samples.candidate()).candidateHash)
            #expect(try Document.load(folder + "/profile.json").required("attempts").array().count == 1)
        }
    }

    /// Metrics that an experiment asks for stand beside the standard ones, with their units.
    @Test func moreMetricsAreMeasuredWhereAsked() throws {
        try Samples.withFolder { folder in
            var request = request(folder, to: 8)
            request.experiment = folder + "/more.yaml"
            let text = Self.experiment + "\nmetrics: [psnr, psnr-y, ssim-y]\n"
            try text.write(toFile: request.experiment, atomically: true, encoding: .utf8)
            var events: [WorkerEvent] = []
            try DenoisingEvaluator(environment: [:], lockFolder: folder, now: Self.clock()).evaluate(request, report: { events.append($0) }, shouldStop: { false })
            let metrics = try #require(points(events).first?.metrics)
            #expect(metrics["psnr_y_db"] == metrics["psnr_db"] && metrics["ssim_y"] == metrics["ssim"] && metrics["ssim"] != nil)
            let measured = events.compactMap { if case .measurement(let it) = $0 { it } else { nil } }
            #expect(measured.first { $0.metric == "psnr_y_db" }?.unit == "dB" && measured.first { $0.metric == "ssim_y" }?.unit == "")
            #expect(measured.filter { $0.metric == "psnr_db" }.count == 1)
        }
    }

    @Test func rungsAndStopsChangeNoBit() throws {
        try Samples.withFolder { folder in
            let whole = try points(evaluate(request(folder, to: 8)))
            let wholeModel = try ModelFile.read(folder + "/model.h5")
            var next = request(folder, to: 3)
            let rung = try evaluate(next)
            var latency = try #require(points(rung).first)
            latency.metrics = latency.metrics.filter { $0.key.hasPrefix("latency") }
            next.from = folder + "/checkpoint.h5"
            (next.previousResource, next.resource, next.latency) = (3, 8, [latency])
            let stopped = try evaluate(next, stopAfter: 2, checkpointSeconds: 0)
            #expect(points(stopped).isEmpty)
            let saved = stopped.compactMap { if case .checkpoint(_, _, let step, _) = $0 { step } else { nil } }
            #expect(saved == [4, 5, 5])
            next.previousResource = 5
            let last = try evaluate(next)
            #expect(!last.contains { if case .measurement(let it) = $0 { it.metric == "latency_ms" } else { false } })
            #expect(points(last) == whole)
            #expect(try ModelFile.read(folder + "/model.h5") == wholeModel)
        }
    }

    @Test func aDivergedNetworkIsFatal() throws {
        try Samples.withFolder { folder in
            let training: Document = ["learning-rate": 1000.0, "loss": "mse", "schedule": "constant"]
            let candidate = Samples.candidate(blocks: 40, normalization: "none", training: training)
            #expect(throws: FatalTrialError.self) { _ = try evaluate(request(folder, candidate: candidate, to: 8)) }
        }
    }

    /// Training from the start has the same bits, so a damaged checkpoint costs time only.
    @Test func aDamagedCheckpointIsTrainedAnew() throws {
        try Samples.withFolder { folder in
            var next = request(folder, to: 2)
            let whole = points(try evaluate(next))
            next.from = folder + "/broken.h5"
            try "broken".write(toFile: folder + "/broken.h5", atomically: true, encoding: .utf8)
            #expect(points(try evaluate(next)) == whole)
        }
    }

    @Test func theInspectorTellsIdentityAndCosts() throws {
        let experiment = try TrainingExperiment(
            Document.parse(Self.experiment, file: "e.yaml"), environment: [:], baseFolder: "")
        let inspector = NetworkInspector(experiment: experiment)
        let plain = try inspector.inspect(Samples.candidate())
        let faster = try inspector.inspect(Samples.candidate(training: ["learning-rate": 0.01]))
        #expect(plain.family == "chain" && plain.architectureHash == faster.architectureHash)
        #expect(plain.candidateHash != faster.candidateHash)
        // Weights 4*9 + 4*4*9 + 4*9 a pixel; parameters: those, the two biases and batch norm's scale and shift.
        #expect(plain.metrics["macs"] == Double(216 * 24 * 40) && plain.metrics["parameters"] == 216 + 4 + 1 + 8)
        #expect(plain.metrics["peak_bytes"] ?? 0 > 0)
        #expect(inspector.estimateCost(Samples.candidate()) == plain.metrics["macs"] && inspector.estimateCost(["network": "none"]) == nil)
        #expect(try inputError { _ = try inspector.inspect(Samples.candidate(training: ["steps": 5])) } != nil)
    }

    /// What fits the latency size may not fit the training patches: such a candidate is rejected before any attempt.
    @Test func theInspectorRefusesWhatCannotBeTrained() throws {
        let small = Self.experiment.replacing("crop: 16", with: "crop: 3").replacing("size: 24x40", with: "size: 64x64")
        let inspector = NetworkInspector(
            experiment: try TrainingExperiment(Document.parse(small, file: "e.yaml"), environment: [:], baseFolder: ""))
        let deep: Document = [
            "network": ["skeleton": ["kind": "unetpp", "levels": 4, "width": 2, "nodes": ["block": "plain"]]]
        ]
        #expect(try inputError { _ = try inspector.inspect(deep) }?.message.contains("3x3") == true)
        _ = try inspector.inspect(Samples.candidate())
    }
}

@Suite struct MeasurementTests {
    /// Runs of the given seconds by a clock that only runs move.
    private func measure(_ seconds: [Double]) -> (LatencyMeasurement, total: Int) {
        var time = 0.0
        var runs = 0
        let result = measureLatency(
            run: { () -> Void in
                time += seconds[min(runs, seconds.count - 1)]
                runs += 1
            }, now: { time }, progress: {})
        return (result, runs)
    }

    @Test func fastNetworksRunUntilHalfASecond() {
        let (result, total) = measure([0.001])
        #expect(total == 3 + result.runs && (500...501).contains(result.runs))
        #expect(abs(result.median - 1) < 1e-9)
    }

    @Test func slowNetworksRunAtLeastFiveTimesButNotBeyondThreeSeconds() {
        #expect(measure([0.25]).0.runs == 5)
        #expect(measure([1]).0.runs == 3)
        #expect(measure([4]).0.runs == 1)
        #expect(measure([4]).total == 2)
    }

    @Test func medianAndDeviation() {
        let result = LatencyMeasurement(milliseconds: [1, 2, 3, 4, 100])
        #expect(result.median == 3 && result.medianAbsoluteDeviation == 1)
        #expect(LatencyMeasurement(milliseconds: [1, 2]).median == 1.5)
    }

    @Test func theEnvironmentNamesTheMachine() throws {
        let document = MeasurementEnvironment(threads: 2).document
        for key in ["host", "cpu", "isa", "device", "blas_core", "version"] {
            #expect(try !document.required(key).string().isEmpty, "\(key)")
        }
        #expect(try document.required("threads").int() == 2)
    }
}

@Suite struct QuietMachineTests {
    private struct GaveUp: Error {}
    private static func giveUp() throws { throw GaveUp() }

    private func canWork(_ machine: QuietMachine) -> Bool {
        (try? machine.shared(waiting: Self.giveUp) { true }) ?? false
    }

    private func canMeasure(_ machine: QuietMachine) -> Bool {
        (try? machine.exclusive(waiting: Self.giveUp) { true }) ?? false
    }

    @Test func workGoesBesideWorkButNotBesideAMeasurement() throws {
        try Samples.withFolder { folder in
            let a = QuietMachine(folder: folder), b = QuietMachine(folder: folder)
            let besideWork = try a.shared(waiting: Self.giveUp) { (work: canWork(b), measurement: canMeasure(b)) }
            #expect(besideWork.work && !besideWork.measurement)
            let besideMeasurement = try a.exclusive(waiting: Self.giveUp) { (work: canWork(b), measurement: canMeasure(b)) }
            #expect(!besideMeasurement.work && !besideMeasurement.measurement)
            #expect(canWork(b) && canMeasure(b))
        }
    }

    @Test func aWaitingMeasurementGoesBeforeNewWork() throws {
        try Samples.withFolder { folder in
            let a = QuietMachine(folder: folder), b = QuietMachine(folder: folder), c = QuietMachine(folder: folder)
            let newWork = Mutex<Bool?>(nil)
            try a.shared(waiting: Self.giveUp) {
                _ = try? b.exclusive(
                    waiting: {
                        let began = canWork(c)
                        newWork.withLock { $0 = began }
                        throw GaveUp()
                    }, {})
            }
            #expect(newWork.withLock { $0 } == false)
            #expect(canWork(c))
        }
    }

    @Test func aMeasurementIsNotStarvedByWork() throws {
        try Samples.withFolder { folder in
            let measured = Mutex(false)
            let worker = Thread {
                let machine = QuietMachine(folder: folder)
                while !measured.withLock({ $0 }) { _ = try? machine.shared(waiting: {}) { usleep(500) } }
            }
            worker.start()
            let machine = QuietMachine(folder: folder)
            for _ in 0..<5 { try machine.exclusive(waiting: {}) {} }
            measured.withLock { $0 = true }
        }
    }
}
