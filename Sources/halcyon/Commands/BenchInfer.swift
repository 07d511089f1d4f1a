import ArgumentParser
import Documents
import Engine
import Networks
import RandomStreams
import Reporting
import Training

extension BenchCommand {
    struct Infer: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "One inference, batch norm folded; a dynamic network runs at full depth.",
            discussion: """
                With --out nothing is timed: parameters and inputs follow from the seed, and the safetensors file holds input, \
                noise-map, output (full depth), exit1... and router, images as [N, C, H, W].

                EXAMPLES
                  halcyon bench infer --architecture SearchSpaces/references/unetpp3x16.yaml --size 256 --json
                  halcyon bench infer --architecture net.yaml --seed 3 --size 33x47 --batch 2 --out inference.safetensors
                """)

        @OptionGroup var options: Options
        @Option(help: "Images at once.") var batch = 1
        @Option(help: ArgumentHelp("Height and width of the image.", valueName: "HxW"))
        var size = ImageSize(height: 256, width: 256)
        @Option(help: "With --out: seed of parameters and inputs (default: 0).") var seed: Int?
        @Option(help: ArgumentHelp("Writes inputs and outputs of one run instead of timing it.", valueName: "FILE"))
        var out: String?

        func validate() throws {
            if let seed, seed < 0 { throw ValidationError("--seed: expected at least 0, found \(seed)") }
            guard out != nil || seed == nil else { throw ValidationError("--seed: only with --out FILE") }
        }

        func run() throws {
            if let out { return try write(to: out) }
            try options.bench(size, batch: batch) { architecture in
                let executable = try options.inference(architecture, size: size, batch: batch)
                let program = executable.program
                return Subject(executable: executable, run: executable.run) { timing, _ in
                    let fields: [(String, Document)] = [
                        ("macs", .int(program.macs)), ("latency_ms", .float(timing.median * 1000)),
                        ("latency_mad_ms", .float(timing.deviation * 1000)), ("runs", .int(timing.runs)),
                        ("peak_bytes", .int(executable.peakBytes)),
                    ]
                    let text =
                        "\(decimal(timing.median * 1000, 2)) ± \(decimal(timing.deviation * 1000, 2)) ms for \(batch) x \(size), "
                        + "\(decimal(2 * Double(program.macs) / timing.median / 1e9, 1)) GFLOP/s (\(timing.runs) runs)"
                    return (fields, text)
                }
            }
        }

        private func write(to out: String) throws {
            let network = try Architecture.load(options.architecture)
            try checkWritable(out)
            let (tensors, metadata) = try namingFile(options.architecture) {
                let check = try BenchCase(network, seed: seed ?? 0, size: size, batch: batch)
                return (try outputs(check), try check.metadata(precision: options.precision.rawValue, []))
            }
            try SafetensorsFile.write(tensors, metadata: metadata, to: out)
            let name = network.name ?? options.architecture
            if options.json {
                let row: Document = [
                    "architecture": .string(name), "seed": .int(seed ?? 0), "precision": .string(options.precision.rawValue),
                    "tensors": .int(tensors.count), "file": .string(out),
                ]
                print(row.json)
            } else {
                print("\(name): \(tensors.count) tensors of \(batch) x \(size) in \(out)")
            }
        }

        /// The inputs and every output, each by the program that users run for it.
        private func outputs(_ check: BenchCase) throws -> [StoredTensor] {
            let network = check.architecture
            var tensors = check.inputTensors(Float.self, target: false)
            func add(_ graph: Graph, _ output: String, as name: String) throws {
                let shapes = check.inputs.mapValues(\.shape)
                let program = try Compiler.compile(graph, inputs: shapes, options: options.compileOptions)
                let executable = try CPUDevice(threads: options.threads).load(program, parameters: check.parameters)
                check.fill(executable)
                executable.run()
                let values = Tensor(program.outputShapes[output] ?? [], Array(executable.output(output)))
                tensors.append(StoredTensor(images: name, values, as: Float.self))
            }
            let last = network.exitCount - 1
            try add(try network.inferenceGraph(exit: last), "image", as: "output")
            for exit in 0..<last { try add(try network.inferenceGraph(exit: exit), "image", as: Network.exitName(exit)) }
            if network.isDynamic { try add(try network.routerGraph(), "router", as: "router") }
            return tensors
        }
    }
}
