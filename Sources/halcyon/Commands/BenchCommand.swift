import ArgumentParser
import Documents
import Engine
import Evaluation
import Foundation
import Networks
import RandomStreams
import Training

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Times, profiles, compares or writes out a training step or an inference of an architecture; times a study.",
        discussion: """
            EXAMPLES
              halcyon bench step --architecture SearchSpaces/references/dncnn8x32.yaml
              halcyon bench infer --architecture SearchSpaces/references/unetpp3x16.yaml --size 256 --json
              halcyon bench profile --architecture SearchSpaces/references/unetpp3x16.yaml
              halcyon bench versus --peers Experiments/step-speed --networks dncnn8x32
              halcyon bench gradients --architecture net.yaml --seed 3 --out step.safetensors
              halcyon bench gradients --architecture net.yaml --steps 10 --precision f64 --out exact.safetensors
              halcyon bench infer --architecture net.yaml --seed 3 --size 33x47 --out inference.safetensors
              halcyon bench study --trials 10000
              halcyon bench search Experiments/search-quality/macro.yaml
            """,
        subcommands: [Step.self, Infer.self, Profile.self, Versus.self, Fusion.self, Gradients.self, StudyOverhead.self, Strategies.self])

    struct Options: ParsableArguments {
        @Option(help: ArgumentHelp("The network.", valueName: "FILE")) var architecture: String
        @Option(help: "f32, bf16.") var precision = Recipe.Precision.f32
        @Option(help: "Threads.") var threads = 1
        @Option(help: "At least so many seconds, and at least 5 runs.") var seconds = 4.0
        @Flag(name: .customLong("no-fusion"), help: "Compiles the graph as it is.") var noFusion = false
        @Flag(help: "A training step makes normalized maps again instead of keeping them: less memory.") var recompute = false
        @Flag(help: "One JSON object.") var json = false

        func validate() throws {
            guard (1...1024).contains(threads) else { throw ValidationError("--threads: expected 1 to 1024, found \(threads)") }
            guard seconds >= 0, seconds <= 3600 else { throw ValidationError("--seconds: expected 0 to 3600, found \(seconds)") }
        }

        var compileOptions: CompileOptions {
            CompileOptions(fusion: !noFusion, threads: threads, precision: precision, recompute: recompute)
        }

        /// Loads the network, compiles and times what `prepare` makes of it, and prints its report.
        /// - Throws: `InputError` that names the architecture's file where the network cannot take the size.
        func bench(_ size: ImageSize, batch: Int, _ prepare: (Architecture) throws -> Subject) throws {
            let architecture = try Architecture.load(self.architecture)
            try namingFile(self.architecture) {
                try checkSizes(height: size.height, width: size.width, batch: batch)
                let subject = try prepare(architecture)
                fillInputs(of: subject.executable)
                subject.run()
                let first = secondsSinceProcessStart()
                subject.run()
                let timing = measure(seconds: seconds, subject.run)
                let name = architecture.name ?? self.architecture
                let report = subject.report(timing, first)
                let setting: [(String, Document)] = [
                    ("architecture", .string(name)), ("precision", .string(precision.rawValue)), ("threads", .int(threads)),
                    ("batch", .int(batch)), ("size", .string("\(size)")),
                ]
                print(json ? Document.object(setting + report.fields).json : "\(name): \(report.text)")
            }
        }

        /// An inference at full depth, ready to run.
        func inference(_ architecture: Architecture, size: ImageSize, batch: Int) throws -> Executable {
            let graph = try architecture.inferenceGraph(exit: architecture.exitCount - 1)
            let shapes = architecture.inputShapes(height: size.height, width: size.width, batch: batch)
            let program = try Compiler.compile(graph, inputs: shapes, options: compileOptions)
            let store = ParameterStore(graph.parameters, stream: RandomStream(seed: 0))
            return try CPUDevice(threads: threads).load(program, parameters: store)
        }

        func fillInputs(of executable: Executable) {
            var stream = RandomStream(seed: 1)
            for name in executable.program.inputs.keys.sorted() {
                let buffer = executable.input(name)
                for index in buffer.indices { buffer[index] = Float(stream.uniform()) }
            }
        }
    }
}

extension Recipe.Precision: ExpressibleByArgument {}

/// Runs `body`; a fault in it that names no place is that of the architecture's file.
func namingFile<Result>(_ file: String, _ body: () throws -> Result) throws -> Result {
    do {
        return try body()
    } catch let error as ShapeError {
        throw InputError(file: file, error.description, hint: "use another --size")
    } catch let error as InputError where error.location == nil {
        throw InputError(file: file, error.message, hint: error.hint)
    }
}
