import ArgumentParser
import Documents
import Evaluation
import Foundation
import Networks
import Reporting
import Training
import Trials

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Trains one architecture by an experiment's recipe and measures it.",
        discussion: """
            Writes model.h5, checkpoint.h5, profile.json, result.json and, for `halcyon curves`, curve.jsonl into the folder. Ctrl-C saves a checkpoint; --resume goes
            on from it, to the same bits. A network trained into DIR/references/NAME of a study appears as a named mark in its front.

            EXAMPLES
              halcyon train SearchSpaces/references/dncnn8x32.yaml --experiment Experiments/quickstart/experiment.yaml --out runs/dncnn8x32
              halcyon train runs/quickstart#7 --experiment longer.yaml --out runs/best
            """)

    @Argument(help: ArgumentHelp("An architecture file, or DIR#NUMBER for a trial's.", valueName: "ARCHITECTURE.yaml|DIR#N"))
    var architecture: String

    @Option(help: ArgumentHelp("Data, noise, recipe and latency size.", valueName: "EXPERIMENT.yaml")) var experiment: String
    @Option(help: ArgumentHelp("A recipe instead of the experiment's.", valueName: "FILE")) var recipe: String?
    @Option(help: "Seed of weights and batches (default: the experiment's).") var seed: Int?
    @Option(help: "f32, bf16.") var precision: Recipe.Precision?
    @Option(help: "Threads of the training. The weights are the same to the bit only for the same number.") var threads = 1
    @Option(help: ArgumentHelp("How many times the quality is measured on the way, evenly spaced, the end included.", valueName: "N"))
    var measurements = 1
    @Flag(help: "Goes on from the folder's checkpoint.") var resume = false
    @Option(help: ArgumentHelp("The folder for the results.", valueName: "DIR")) var out: String
    @Option(help: ArgumentHelp("A folder for the curves as a file that TensorBoard reads.", valueName: "DIR")) var tensorboard: String?
    @Flag(help: "The result as one JSON object.") var json = false

    func validate() throws {
        if let seed, seed < 0 { throw ValidationError("--seed: expected at least 0, found \(seed)") }
        guard (1...1024).contains(threads) else { throw ValidationError("--threads: expected 1 to 1024, found \(threads)") }
        guard (1...1000).contains(measurements) else {
            throw ValidationError("--measurements: expected 1 to 1000, found \(measurements)")
        }
    }

    func run() throws {
        let candidate = try TrialReference(architecture)?.candidate() ?? Document.load(architecture)
        var resolved = try ResolvedExperiment(path: experiment)
        if let recipe { try resolved.replaceRecipe(by: recipe) }
        resolved.override("precision", in: "recipe", with: precision.map { .string($0.rawValue) })
        // A training of its own goes by the recipe's steps, without rungs.
        resolved.document["fidelity"] = nil
        let training = try resolved.training()
        let parsed = try Architecture(candidate)
        _ = try training.recipe.overridden(by: parsed.training)
        let steps = training.recipe.steps

        let folder = URL(fileURLWithPath: out).standardizedFileURL.path
        let checkpoint = folder + "/checkpoint.h5"
        let hasCheckpoint = FileManager.default.fileExists(atPath: checkpoint)
        if resume, !hasCheckpoint { throw InputError(file: folder, "there is no checkpoint.h5 to resume from", hint: "leave --resume out") }
        if !resume, hasCheckpoint {
            throw InputError(file: folder, "holds the checkpoint of an earlier training", hint: "add --resume, or choose another folder")
        }
        if resume, let before = try? Document.load(folder + "/experiment.yaml") {
            // The folder's own account of the training must not change before the checkpoint can refuse it.
            for key in ["data", "noise", "recipe", "second-stage"] where before[key] != resolved.document[key] {
                throw InputError(
                    file: folder, "the training was started with another `\(key)` than \(experiment) has",
                    hint: "resume it with \(folder)/experiment.yaml, or choose another folder")
            }
        }
        try makeFolder(folder)
        if let tensorboard { try makeFolder(tensorboard) }
        try resolved.write(to: folder + "/experiment.yaml")

        let curve = TrainingCurve(folder: folder)
        if !resume { curve.clear() }
        let done = resume ? try Checkpoint.read(checkpoint).step : 0
        var request = TrialRequest(
            trial: 0, seed: seed ?? Int(training.seed), candidate: candidate, from: resume ? checkpoint : nil, resource: steps,
            folder: folder, experiment: folder + "/experiment.yaml")
        let interrupts = InterruptCounter()
        var progress = WorkProgress("steps")
        var loss = ""
        var points: [Point] = []
        var curves = TensorBoardFile(time: Date().timeIntervalSince1970)
        let curvesName = TensorBoardFile.name(time: Date().timeIntervalSince1970)
        func report(_ event: WorkerEvent) throws {
            if case .measurement(let measurement) = event, measurement.point == 0 {
                try curve.add(TrainingCurve.Entry(metric: measurement.metric, step: measurement.resource, value: measurement.value))
            }
            if let tensorboard, case .measurement(let measurement) = event, measurement.point == 0 {
                curves.add(measurement.metric, measurement.value, step: measurement.resource, time: Date().timeIntervalSince1970)
                try replaceFile("\(tensorboard)/\(curvesName)", with: curves.bytes)
            }
            switch event {
            case .heartbeat(_, _, let step, let total, let phase):
                progress.tell(step, of: total, phase == .training ? loss : phase.rawValue)
            case .measurement(let measurement) where measurement.metric == "loss":
                loss = "loss \(String(format: "%.5g", measurement.value))"
            case .result(_, _, let resource, let found):
                points = resource == steps ? found : []
                request.latency = found
            default: break
            }
        }
        let evaluator = DenoisingEvaluator(threads: threads)
        for part in 1...measurements where interrupts.count == 0 {
            request.resource = steps * part / measurements
            guard request.resource > steps * (part - 1) / measurements, request.resource >= done else { continue }
            try evaluator.evaluate(request, report: report, shouldStop: { interrupts.count > 0 })
            request.from = checkpoint
        }
        Terminal.clearLine()
        guard let point = points.first else {
            Terminal.note("stopped; the checkpoint is saved. Go on with the same command and --resume")
            throw ExitCode(1)
        }
        let name = parsed.name ?? URL(fileURLWithPath: architecture).deletingPathExtension().lastPathComponent
        let metrics = point.metrics.sorted { $0.key < $1.key }.map { ($0.key, Document.float($0.value)) }
        let result = Document.object([
            ("name", .string(name)), ("family", .string(parsed.family)), ("metrics", .object(metrics)),
            ("points", .array(points.map(\.document))),
        ])
        try replaceFile(folder + "/result.json", with: Array((result.json + "\n").utf8))
        if json {
            print(result.json)
        } else {
            let psnr = point.metrics["psnr_db"].map { decimal($0, 3) } ?? "-"
            let latency = point.metrics["latency_ms"].map { decimal($0, 2) } ?? "-"
            for point in points.dropFirst() {
                let values = ["psnr_db", "latency_ms"].map { "\($0) \(point.metrics[$0].map { decimal($0, 3) } ?? "-")" }
                print("\(name) at threshold \(decimal(point.threshold ?? 0, 4)) dB: \(values.joined(separator: ", "))")
            }
            print("\(name): psnr_db \(psnr), latency_ms \(latency) after \(steps) steps; \(folder)/model.h5")
        }
    }
}
