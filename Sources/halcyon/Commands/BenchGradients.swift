import ArgumentParser
import Documents
import Engine
import Networks
import Training

extension BenchCommand {
    struct Gradients: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A training step with its inputs and all gradients as a safetensors file, for comparisons with others.",
            discussion: """
                Parameters, input and target follow from the seed; the loss is the mean squared error (of a dynamic network: \
                as in training, at full budget). The file holds input, noise-map, target, output, exit1..., router, loss, losses, \
                parameters/NAME (buffers too) before and buffers/NAME after the first step, and its gradients/NAME; images are \
                [N, C, H, W]. f64 computes everything in Float64 by the operations' definitions, slowly.

                EXAMPLES
                  halcyon bench gradients --architecture net.yaml --out step.safetensors
                  halcyon bench gradients --architecture net.yaml --precision f64 --out x.st
                """)

        enum Precision: String, CaseIterable, ExpressibleByArgument { case f32, bf16, f64 }

        /// Multiply-accumulates of a step that the interpreter takes on.
        static let exactLimit = 2_000_000_000

        @Option(help: ArgumentHelp("The network.", valueName: "FILE")) var architecture: String
        @Option(help: ArgumentHelp("The safetensors file to write.", valueName: "FILE")) var out: String
        @Option(help: "Seed of parameters, input and target.") var seed = 0
        @Option(help: "Images in the batch.") var batch = 2
        @Option(help: ArgumentHelp("Height and width of the images.", valueName: "HxW"))
        var size = ImageSize(height: 16, width: 16)
        @Option(help: "Adam steps on the batch; the losses of all are written.") var steps = 1
        @Option(name: .customLong("learning-rate"), help: "Adam's.") var learningRate = AdamSettings().learningRate
        @Option(help: "f32, bf16, f64.") var precision = Precision.f32
        @Option(help: "Threads of f32.") var threads = 1
        @Flag(name: .customLong("no-fusion"), help: "Compiles the graph as it is.") var noFusion = false
        @Flag(help: "One JSON object.") var json = false

        func validate() throws {
            guard seed >= 0 else { throw ValidationError("--seed: expected at least 0, found \(seed)") }
            guard (1...10_000).contains(steps) else { throw ValidationError("--steps: expected 1 to 10000, found \(steps)") }
            guard learningRate > 0, learningRate <= 1 else {
                throw ValidationError("--learning-rate: expected more than 0 and at most 1, found \(learningRate)")
            }
            guard (1...1024).contains(threads) else { throw ValidationError("--threads: expected 1 to 1024, found \(threads)") }
        }

        func run() throws {
            let network = try Architecture.load(architecture)
            try checkWritable(out)
            let result = try namingFile(architecture) {
                let check = try BenchCase(network, seed: seed, size: size, batch: batch)
                switch precision {
                case .f32, .bf16: 
                    let options = CompileOptions(fusion: !noFusion, threads: threads, precision: precision == .bf16 ? .bf16 : .f32)
                    return try record(check, try check.compiledTraining(options, settings).advance)
                case .f64: return try record(check, try interpreted(check))
                }
            }
            try SafetensorsFile.write(result.tensors, metadata: result.metadata, to: out)
            let name = network.name ?? architecture
            let count = result.tensors.count
            if json {
                let row: Document = [
                    "architecture": .string(name), "seed": .int(seed), "precision": .string(precision.rawValue),
                    "loss": .float(result.losses[0]), "losses": .array(result.losses.map(Document.float)), "tensors": .int(count),
                    "file": .string(out),
                ]
                print(row.json)
            } else {
                let last = steps > 1 ? ", \(result.losses[steps - 1]) at step \(steps)" : ""
                print("\(name): loss \(result.losses[0])\(last) in \(precision.rawValue), \(count) tensors in \(out)")
            }
        }

        private struct Record {
            var losses: [Double]
            var tensors: [StoredTensor]
            var metadata: [(key: String, value: String)]
        }

        /// Runs the steps and collects what the file holds.
        private func record<Scalar: CheckScalar>(
            _ check: BenchCase, _ advance: () -> TrainingStepValues<Scalar>
        ) throws -> Record {
            var tensors = check.inputTensors(Scalar.self, target: true)
            let before = check.parameters.tensors.mapValues { Tensor<Scalar>($0.shape, $0.elements.map(Scalar.init)) }
            var progress = WorkProgress("steps")
            let first = advance()
            var losses = [first.loss]
            for step in 1..<steps {
                progress.tell(step, of: steps)
                losses.append(advance().loss)
            }
            Terminal.clearLine()
            for (name, written) in check.imageOutputs {
                if let output = first.outputs[name] { tensors.append(StoredTensor(images: written, output, as: Scalar.self)) }
            }
            tensors.append(StoredTensor(name: "loss", sizes: [1], values: [first.loss]))
            tensors.append(StoredTensor(name: "losses", sizes: [steps], values: losses))
            for (group, values) in [("parameters", before), ("gradients", first.gradients), ("buffers", first.buffers)] {
                for name in check.parameters.names {
                    if let tensor = values[name] { tensors.append(StoredTensor("\(group)/\(name)", tensor)) }
                }
            }
            var settings: [(key: String, value: String)] = [("steps", "\(steps)"), ("learning-rate", "\(learningRate)")]
            if check.architecture.isDynamic { settings.append(("budget", "\(BenchCase.budget)")) }
            return Record(
                losses: losses.map(Double.init), tensors: tensors,
                metadata: try check.metadata(precision: precision.rawValue, settings))
        }

        private var settings: AdamSettings { AdamSettings(learningRate: learningRate) }

        /// The definitions in Float64, from the same numbers.
        private func interpreted(_ check: BenchCase) throws -> () -> TrainingStepValues<Double> {
            let cost = 3 * (try check.graph.cost(inputs: check.inputs.mapValues(\.shape)).macs)
            guard cost <= Self.exactLimit else {
                throw InputError(
                    "a step needs \(grouped(cost)) multiply-accumulates, more than the \(grouped(Self.exactLimit)) of f64",
                    hint: "use a smaller --size or --batch, or --precision f32")
            }
            // About two seconds.
            if cost * steps > 400_000_000 { Terminal.live("\(grouped(cost)) multiply-accumulates a step, interpreted") }
            return try check.interpretedTraining(settings)
        }
    }
}
