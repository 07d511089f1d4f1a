import Documents
import Engine
import Foundation
import Imaging
import Networks
import Training
import Trials

/// What a worker does with one candidate: builds it, trains it to the rung, saves it, measures quality and, once, latency.
///
/// Writes `checkpoint.h5`, `model.h5`, `architecture.json` and `profile.json` into the trial's folder.
package final class DenoisingEvaluator: TrialEvaluator {
    /// The validation noise: the same for every candidate and rung.
    package static let validationNoise = EvaluationNoise.philox(seed: 25)
    private static let units = ["noisy_psnr_db": "dB", "latency_ms": "ms", "latency_mad_ms": "ms", "latency_p95_ms": "ms", "peak_bytes": "B"]

    private let cache: ExperimentCache
    private let checkpointSeconds: Double
    private let checkpointSteps: Int
    private let threads: Int
    private let lockFolder: String
    private let now: @Sendable () -> Double

    /// - Parameters:
    ///   - environment: the values of `${NAME}` in an experiment's paths.
    ///   - checkpointSeconds: how often a checkpoint is saved between rungs. It changes no result.
    ///   - checkpointSteps: after how many steps at the latest.
    ///   - threads: of the training.
    ///   - lockFolder: where the quiet machine's lock files are.
    ///   - now: seconds of a steady clock, for latency, profiles and the pace of heartbeats.
    package init(
        environment: [String: String] = ProcessInfo.processInfo.environment, checkpointSeconds: Double = 5, checkpointSteps: Int = .max,
        threads: Int = 1, lockFolder: String = NSTemporaryDirectory(), now: @escaping @Sendable () -> Double = steadySeconds
    ) {
        cache = ExperimentCache(environment: environment)
        self.checkpointSeconds = checkpointSeconds
        self.checkpointSteps = checkpointSteps
        self.threads = threads
        self.lockFolder = lockFolder
        self.now = now
    }

    package func evaluate(
        _ request: TrialRequest, report: (WorkerEvent) throws -> Void, shouldStop: () -> Bool
    ) throws {
        try withoutActuallyEscaping(report) { report in
            try withoutActuallyEscaping(shouldStop) { shouldStop in
                let attempt = AttemptReporter(request, now: now, send: report, shouldStop: shouldStop)
                do {
                    try evaluate(request, attempt, shouldStop)
                } catch is StopRequested {
                    try writeProfile(attempt, request)
                } catch let diverged as TrainingDiverged {
                    throw FatalTrialError(diverged.description)
                }
            }
        }
    }

    private func evaluate(_ request: TrialRequest, _ attempt: AttemptReporter, _ shouldStop: () -> Bool) throws {
        let machine = QuietMachine(folder: lockFolder)
        let checkpointPath = request.folder + "/checkpoint.h5"
        try? FileManager.default.createDirectory(atPath: request.folder, withIntermediateDirectories: true)
        try attempt.heartbeat(.training)

        let worker = try cache.experiment(at: request.experiment)
        let (experiment, resource) = (worker.training, worker.resource)
        let target = try resource.steps(at: request.resource)
        let architecture = try Architecture(request.candidate)
        let channels = architecture.network.inputChannels
        func images(_ description: DatasetDescription, _ name: String) throws -> ImageSet {
            try cache.images(description, name, of: request.experiment, channels: channels, seed: experiment.seed)
        }
        let (training, validation, second) = try attempt.timed("data") {
            try attempt.shared(machine, .training) {
                (
                    try images(experiment.train, "train"), try images(experiment.validation, "validation"),
                    try experiment.secondStage.map { stage in
                        TrainingStage(stage, images: try images(stage.train, "second-stage"))
                    }
                )
            }
        }
        let crop = experiment.crop
        let whole = try resource.images(training, seed: experiment.seed)
        if request.from == nil { try tellScores(of: architecture, experiment, whole, request, attempt, machine) }
        let trainer = try attempt.timed("compile") {
            try attempt.shared(machine, .training) {
                try Trainer(
                    architecture, recipe: experiment.recipe.overridden(by: architecture.training), images: whole,
                    noise: experiment.noise, crop: crop, seed: UInt64(request.seed), second: second,
                    early: resource.early(training, crop: crop, seed: experiment.seed),
                    scheduleSeconds: target == nil ? resource.fidelity.rungs.last.map(Double.init) : nil,
                    options: CompileOptions(threads: threads))
            }
        }
        try attempt.timed("checkpoint") {
            if let from = request.from {
                try Self.restore(trainer, from: from, to: target)
            } else {
                Self.goOn(trainer, from: checkpointPath, to: target)
            }
        }
        func reached(_ step: Int) -> Int { resource.resource(step: step, seconds: trainer.seconds, target: request.resource) }
        func note() { (attempt.step, attempt.total) = (target == nil ? reached(trainer.step) : trainer.step, target ?? request.resource) }
        note()

        func save() throws {
            try attempt.timed("checkpoint") { try Self.writing(in: request.folder) { try trainer.checkpoint().write(to: checkpointPath) } }
            try attempt.report(
                .checkpoint(trial: request.trial, attempt: request.attempt, resource: reached(trainer.step), path: checkpointPath))
        }
        var (lastSave, lastSaved) = (now(), trainer.step)
        var isReached = false
        try attempt.timed("train") {
            do {
                isReached = try trainer.run(
                    to: target ?? .max, isDone: { target == nil && trainer.seconds >= Double(request.resource) },
                    around: { work in
                        try attempt.shared(machine, .training) {
                            let begin = self.now()
                            try work()
                            if target == nil { trainer.seconds += self.now() - begin }
                        }
                    },
                    onStep: { step in
                        note()
                        failpoint(.stepDone, "\(request.trial) \(request.attempt) \(step.step)")
                        try attempt.heartbeat(.training)
                        if let entry = step.curveEntry {
                            // Nothing of the training stands at resource 0.
                            try attempt.measurement("loss", entry.loss, unit: "", at: max(1, reached(entry.step)))
                        }
                        let isDue = self.now() - lastSave >= self.checkpointSeconds || step.step - lastSaved >= self.checkpointSteps
                        if step.step < target ?? .max, isDue {
                            try save()
                            (lastSave, lastSaved) = (self.now(), step.step)
                        }
                    }, shouldStop: shouldStop)
            } catch is StopRequested {
                // It waited for a quiet machine, between two steps.
            }
        }
        try save()
        guard isReached else { throw StopRequested() }

        let measuring = PointMeasuring(
            architecture: architecture, parameters: trainer.network, experiment: experiment, validation: validation,
            machine: machine, attempt: attempt, now: now)
        let measured = try architecture.isDynamic ? measuring.dynamicPoints() : [measuring.staticPoint(known: request.latency)]
        let units = Self.units.merging(experiment.metrics.map { ($0.name, $0.unit) }) { own, _ in own }
        for point in measured {
            for (name, value) in point.metrics.sorted(by: { $0.key < $1.key }) where !value.isFinite {
                throw FatalTrialError("the training diverged: \(name) is \(value) on the validation pictures at step \(trainer.step)")
            }
            let told = experiment.metrics.map(\.name) + ["latency_ms", "latency_mad_ms", "latency_p95_ms", "router_share", "noisy_psnr_db"]
            for name in told + point.metrics.keys.filter({ $0.contains("@") }).sorted() {
                guard let value = point.metrics[name], !(name.hasPrefix("latency") && !request.measuresLatency && !architecture.isDynamic)
                else { continue }
                try attempt.measurement(name, value, unit: units[String(name.prefix { $0 != "@" })] ?? "", at: request.resource, point: point.point)
            }
        }
        let points = measured.map { point in
            Point(point: point.point, threshold: point.threshold, metrics: point.metrics.filter { !$0.key.hasPrefix("noisy_psnr_db") })
        }

        let model = ModelFile(
            architecture: architecture.canonicalDocument, tensors: trainer.network.namedTensors,
            provenance: [
                "candidate_hash": .string(architecture.candidateHash), "seed": .int(request.seed), "steps": .int(trainer.step),
                "psnr_db": .float(points[0].metrics["psnr_db"] ?? 0),
            ])
        try Self.writing(in: request.folder) {
            try model.write(to: request.folder + "/model.h5")
            try replaceFile(
                request.folder + "/architecture.json", with: Array((architecture.canonicalDocument.json + "\n").utf8))
        }
        try writeProfile(attempt, request)
        try attempt.report(
            .result(trial: request.trial, attempt: request.attempt, resource: request.resource, points: points))
    }

    /// What cannot be written into a trial's folder is its disk's fault, whatever the system says: the controller made that folder.
    private static func writing(in folder: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as InputError {
            throw StorageFailure(file: folder, error.message)
        }
    }

    /// Tells the zero-cost scores that the experiment asks for, at resource 0: they are known before any training.
    private func tellScores(
        of architecture: Architecture, _ experiment: TrainingExperiment, _ images: ImageSet, _ request: TrialRequest,
        _ attempt: AttemptReporter, _ machine: QuietMachine
    ) throws {
        if experiment.scores.isEmpty { return }
        try attempt.timed("scores") {
            let network = try UntrainedNetwork(architecture, experiment, images: images, seed: request.seed)
            for score in experiment.scores {
                guard let value = try attempt.shared(machine, .training, { try score.value(network) }) else { continue }
                try attempt.measurement(score.name, value, unit: "", at: 0)
            }
        }
    }

    /// A checkpoint that is gone or damaged costs time, not the trial: training from the start gives the same bits.
    /// - Parameter target: the steps asked for; nil where seconds count.
    private static func restore(_ trainer: Trainer, from path: String, to target: Int?) throws {
        let checkpoint: Checkpoint
        do {
            checkpoint = try Checkpoint.read(path)
        } catch let error as InputError {
            try? FileHandle.standardError.write(contentsOf: Data("training from the start: \(error)\n".utf8))
            return
        }
        try trainer.restore(checkpoint, path: path)
        if let target, trainer.step > target {
            throw InputError(file: path, "stands at step \(trainer.step), beyond the \(target) steps asked for", hint: "raise the recipe's steps, or choose another folder")
        }
    }

    /// Goes on from the trial's own checkpoint when it stands there untold: its message was lost with the controller. One that is
    /// damaged or of another training is passed over.
    private static func goOn(_ trainer: Trainer, from path: String, to target: Int?) {
        guard FileManager.default.fileExists(atPath: path), let checkpoint = try? Checkpoint.read(path),
            checkpoint.step <= target ?? .max
        else { return }
        try? trainer.restore(checkpoint, path: path)
    }

    /// One entry an attempt; where the time of the whole trial went.
    private func writeProfile(_ attempt: AttemptReporter, _ request: TrialRequest) throws {
        let path = request.folder + "/profile.json"
        var attempts: [Document] = []
        if let earlier = try? Document.load(path), let list = try? earlier.required("attempts").array() { attempts = list }
        let document: Document = ["trial": .int(request.trial), "attempts": .array(attempts + [attempt.profile])]
        try Self.writing(in: request.folder) { try replaceFile(path, with: Array((document.json + "\n").utf8)) }
    }
}
