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

        func printProfile(_ executable: Executable) {
            var seconds: [String: Double] = [:]
            for node in executable.profile(clock: steadyNow) { seconds[node.operation, default: 0] += node.seconds }
            let rows = seconds.sorted { $0.value > $1.value }.map { [$0.key, decimal($0.value * 1000, 3)] }
            print(TextTable(["operation", "ms"], rows, leftAligned: [0]).text)
        }
    }

    struct Step: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "A training step: forward, mean squared error, backward, Adam.")

        @OptionGroup var options: Options
        @Option(help: "Patches a step.") var batch = 16
        @Option(help: ArgumentHelp("Side of a patch.", valueName: "HxW")) var size = ImageSize(height: 48, width: 48)

        func validate() throws {
            guard (1...65536).contains(batch) else { throw ValidationError("--batch: expected 1 to 65536, found \(batch)") }
        }

        func run() throws {
            let architecture = try Architecture.load(options.architecture)
            let graph = try buildGraph(architecture)
            var shapes = architecture.inputShapes(height: size.height, width: size.width, batch: batch)
            shapes["target"] = shapes["image"]
            do {
                let program = try Compiler.compileTraining(graph, loss: PixelLoss(.l2), inputs: shapes, options: options.compileOptions)
                let device = CPUDevice(threads: options.threads)
                let store = ParameterStore(graph.parameters, stream: RandomStream(seed: 0))
                let gradients = GradientStore(for: store)
                let executable = try device.load(program, parameters: store, gradients: gradients)
                let state = AdamState(for: store)
                var stream = RandomStream(seed: 1)
                for name in program.inputs.keys.sorted() {
                    let buffer = executable.input(name)
                    for index in buffer.indices { buffer[index] = Float(stream.uniform()) }
                }
                var step = 0
                func advance() {
                    step += 1
                    executable.run()
                    device.adam(store, gradients, state: state, settings: AdamSettings(), step: step)
                }
                advance()
                let first = secondsSinceProcessStart()
                advance()
                let timing = measure(seconds: options.seconds, advance)
                let cost = try graph.cost(inputs: shapes)
                let (macs, parameters) = (cost.macs, cost.parameters)
                let fields: [(String, Document)] = [
                    ("architecture", .string(architecture.name ?? options.architecture)),
                    ("precision", .string(options.precision.rawValue)), ("threads", .int(options.threads)), ("batch", .int(batch)),
                    ("size", .string("\(size)")), ("parameters", .int(parameters)), ("macs", .int(macs)),
                    ("first_step_seconds", .float(first)), ("step_seconds", .float(timing.median)),
                    ("patches_per_second", .float(Double(batch) / timing.median)),
                    ("gflops_per_second", .float(6 * Double(macs) / timing.median / 1e9)),
                    ("peak_bytes", .int(program.peakBytes + 3 * parameters * 4)),
                ]
                if options.json {
                    print(Document.object(fields).json)
                } else {
                    print(
                        "\(architecture.name ?? options.architecture): \(decimal(Double(batch) / timing.median, 1)) patches/s, "
                            + "\(decimal(timing.median * 1000, 2)) ms a step, \(decimal(6 * Double(macs) / timing.median / 1e9, 1)) GFLOP/s, "
                            + "first step after \(decimal(first, 3)) s (\(timing.runs) steps, \(options.threads) thread\(options.threads == 1 ? "" : "s"))")
                }
                if options.profile { options.printProfile(executable) }
            } catch let error as ShapeError {
                throw InputError(file: options.architecture, error.description)
            }
        }
    }

    struct Infer: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One inference, batch norm folded.")

        @OptionGroup var options: Options
        @Option(help: "Images at once.") var batch = 1
        @Option(help: ArgumentHelp("Height and width of the image.", valueName: "HxW")) var size = ImageSize(height: 256, width: 256)

        func validate() throws {
            guard (1...65536).contains(batch) else { throw ValidationError("--batch: expected 1 to 65536, found \(batch)") }
        }

        func run() throws {
            let architecture = try Architecture.load(options.architecture)
            let graph = try buildGraph(architecture).forInference()
            let shapes = architecture.inputShapes(height: size.height, width: size.width, batch: batch)
            do {
                let program = try Compiler.compile(graph, inputs: shapes, options: options.compileOptions)
                let store = ParameterStore(graph.parameters, stream: RandomStream(seed: 0))
                let executable = try CPUDevice(threads: options.threads).load(program, parameters: store)
                var stream = RandomStream(seed: 1)
                for name in program.inputs.keys.sorted() {
                    let buffer = executable.input(name)
                    for index in buffer.indices { buffer[index] = Float(stream.uniform()) }
                }
                executable.run()
                executable.run()
                let timing = measure(seconds: options.seconds) { executable.run() }
                let fields: [(String, Document)] = [
                    ("architecture", .string(architecture.name ?? options.architecture)),
                    ("precision", .string(options.precision.rawValue)), ("threads", .int(options.threads)), ("batch", .int(batch)),
                    ("size", .string("\(size)")), ("macs", .int(program.macs)), ("latency_ms", .float(timing.median * 1000)),
                    ("latency_mad_ms", .float(timing.deviation * 1000)), ("runs", .int(timing.runs)),
                    ("peak_bytes", .int(program.peakBytes)),
                ]
                if options.json {
                    print(Document.object(fields).json)
                } else {
                    print(
                        "\(architecture.name ?? options.architecture): \(decimal(timing.median * 1000, 2)) ± "
                            + "\(decimal(timing.deviation * 1000, 2)) ms for \(batch) x \(size), "
                            + "\(decimal(2 * Double(program.macs) / timing.median / 1e9, 1)) GFLOP/s (\(timing.runs) runs)")
                }
                if options.profile { options.printProfile(executable) }
            } catch let error as ShapeError {
                throw InputError(file: options.architecture, error.description)
            }
        }
    }
}

extension Recipe.Precision: ExpressibleByArgument {}

/// The median and the median absolute deviation of the seconds of a call.
private func measure(seconds: Double, _ body: () -> Void) -> (median: Double, deviation: Double, runs: Int) {
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
