import ArgumentParser
import Documents
import Engine
import Evaluation
import Foundation
import Networks
import RandomStreams
import Reporting
import Training

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Times a training step or an inference of an architecture.",
        discussion: """
            EXAMPLES
              halcyon bench step --architecture SearchSpaces/references/dncnn8x32.yaml
              halcyon bench infer --architecture SearchSpaces/references/unetpp3x16.yaml --size 256 --json
            """,
        subcommands: [Step.self, Infer.self])

    struct Options: ParsableArguments {
        @Option(help: ArgumentHelp("The network.", valueName: "FILE")) var architecture: String
        @Option(help: "f32.") var precision = Recipe.Precision.f32
        @Option(help: "Threads.") var threads = 1
        @Option(help: "At least so many seconds, and at least 5 runs.") var seconds = 4.0
        @Flag(name: .customLong("no-fusion"), help: "Compiles the graph as it is.") var noFusion = false
        @Flag(help: "Time of each kind of operation.") var profile = false
        @Flag(help: "One JSON object.") var json = false

        func validate() throws {
            guard (1...1024).contains(threads) else { throw ValidationError("--threads: expected 1 to 1024, found \(threads)") }
            guard seconds >= 0, seconds <= 3600 else { throw ValidationError("--seconds: expected 0 to 3600, found \(seconds)") }
        }

        var compileOptions: CompileOptions { CompileOptions(fusion: !noFusion, threads: threads) }

        /// Loads the network, compiles and times what `prepare` makes of it, and prints its report.
        /// - Throws: `InputError` that names the architecture's file where the network cannot take the size.
        func bench(_ size: ImageSize, batch: Int, _ prepare: (Architecture) throws -> Subject) throws {
            let architecture = try Architecture.load(self.architecture)
            do {
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
                if profile { printProfile(subject.executable) }
            } catch let error as ShapeError {
                throw InputError(file: self.architecture, error.description, hint: "use another --size")
            } catch let error as InputError where error.location == nil {
                throw InputError(file: self.architecture, error.message, hint: error.hint)
            }
        }

        private func fillInputs(of executable: Executable) {
            var stream = RandomStream(seed: 1)
            for name in executable.program.inputs.keys.sorted() {
                let buffer = executable.input(name)
                for index in buffer.indices { buffer[index] = Float(stream.uniform()) }
            }
        }

        private func printProfile(_ executable: Executable) {
            var seconds: [String: Double] = [:]
            for node in executable.profile(clock: steadyNow) { seconds[node.operation, default: 0] += node.seconds }
            let rows = seconds.sorted { $0.value > $1.value }.map { [$0.key, decimal($0.value * 1000, 3)] }
            print(TextTable(["operation", "ms"], rows, leftAligned: [0]).text)
        }
    }

    /// What is timed, and what is told about it.
    struct Subject {
        var executable: Executable
        var run: () -> Void
        /// From the timing and the seconds from the start of the process to the end of the first run.
        var report: (_ timing: Timing, _ first: Double) -> (fields: [(String, Document)], text: String)
    }

    struct Step: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "A training step: forward, mean squared error, backward, Adam.")

        @OptionGroup var options: Options
        @Option(help: "Patches a step.") var batch = 16
        @Option(help: ArgumentHelp("Side of a patch.", valueName: "HxW")) var size = ImageSize(height: 48, width: 48)

        func run() throws {
            try options.bench(size, batch: batch) { architecture in
                let graph = try buildGraph(architecture)
                var shapes = architecture.inputShapes(height: size.height, width: size.width, batch: batch)
                let cost = try graph.cost(inputs: shapes)
                shapes["target"] = shapes["image"]
                let program = try Compiler.compileTraining(
                    graph, architecture.objective(.l2, budget: 1), inputs: shapes, options: options.compileOptions)
                let device = CPUDevice(threads: options.threads)
                let store = ParameterStore(graph.parameters, stream: RandomStream(seed: 0))
                let gradients = GradientStore(for: store)
                let executable = try device.load(program, parameters: store, gradients: gradients)
                let state = AdamState(for: store)
                var step = 0
                func advance() {
                    step += 1
                    executable.run()
                    device.adam(store, gradients, state: state, settings: AdamSettings(), step: step)
                }
                return Subject(executable: executable, run: advance) { timing, first in
                    // Forward and both backward passes, a multiplication and an addition each.
                    let (patches, gflops) = (Double(batch) / timing.median, 6 * Double(cost.macs) / timing.median / 1e9)
                    let fields: [(String, Document)] = [
                        ("parameters", .int(cost.parameters)), ("macs", .int(cost.macs)), ("first_step_seconds", .float(first)),
                        ("step_seconds", .float(timing.median)), ("patches_per_second", .float(patches)),
                        ("gflops_per_second", .float(gflops)), ("peak_bytes", .int(program.trainingPeakBytes)),
                    ]
                    let text =
                        "\(decimal(patches, 1)) patches/s, \(decimal(timing.median * 1000, 2)) ms a step, \(decimal(gflops, 1)) GFLOP/s, "
                        + "first step after \(decimal(first, 3)) s (\(timing.runs) steps, \(options.threads) thread\(options.threads == 1 ? "" : "s"))"
                    return (fields, text)
                }
            }
        }
    }

    struct Infer: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One inference, batch norm folded; a dynamic network runs at full depth.")

        @OptionGroup var options: Options
        @Option(help: "Images at once.") var batch = 1
        @Option(help: ArgumentHelp("Height and width of the image.", valueName: "HxW")) var size = ImageSize(height: 256, width: 256)

        func run() throws {
            try options.bench(size, batch: batch) { architecture in
                let graph = try architecture.inferenceGraph(exit: architecture.exitCount - 1)
                let shapes = architecture.inputShapes(height: size.height, width: size.width, batch: batch)
                let program = try Compiler.compile(graph, inputs: shapes, options: options.compileOptions)
                let store = ParameterStore(graph.parameters, stream: RandomStream(seed: 0))
                let executable = try CPUDevice(threads: options.threads).load(program, parameters: store)
                return Subject(executable: executable, run: executable.run) { timing, _ in
                    let fields: [(String, Document)] = [
                        ("macs", .int(program.macs)), ("latency_ms", .float(timing.median * 1000)),
                        ("latency_mad_ms", .float(timing.deviation * 1000)), ("runs", .int(timing.runs)),
                        ("peak_bytes", .int(program.peakBytes)),
                    ]
                    let text =
                        "\(decimal(timing.median * 1000, 2)) ± \(decimal(timing.deviation * 1000, 2)) ms for \(batch) x \(size), "
                        + "\(decimal(2 * Double(program.macs) / timing.median / 1e9, 1)) GFLOP/s (\(timing.runs) runs)"
                    return (fields, text)
                }
            }
        }
    }
}

extension Recipe.Precision: ExpressibleByArgument {}

/// The median and the median absolute deviation of the seconds of a call.
typealias Timing = (median: Double, deviation: Double, runs: Int)

private func measure(seconds: Double, _ body: () -> Void) -> Timing {
    var times: [Double] = []
    let began = steadyNow()
    while steadyNow() - began < seconds || times.count < 5 {
        let start = steadyNow()
        body()
        times.append(steadyNow() - start)
    }
    let summary = LatencyMeasurement(milliseconds: times.map { $0 * 1000 })
    return (summary.median / 1000, summary.medianAbsoluteDeviation / 1000, times.count)
}

/// From the start of this process (loading of libraries included), by the kernel's account.
private func secondsSinceProcessStart() -> Double {
    guard let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8), let end = stat.lastIndex(of: ")"),
        let uptime = try? String(contentsOfFile: "/proc/uptime", encoding: .utf8),
        let now = uptime.split(separator: " ").first.flatMap({ Double($0) })
    else { return 0 }
    // The 22nd field, counted from 1; the name before it may hold spaces.
    let fields = stat[stat.index(after: end)...].split(separator: " ")
    guard fields.count > 19, let ticks = Double(fields[19]) else { return 0 }
    return max(0, now - ticks / Double(sysconf(Int32(_SC_CLK_TCK))))
}
