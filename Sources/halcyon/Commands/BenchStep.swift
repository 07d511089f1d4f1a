import ArgumentParser
import Documents
import Engine
import Networks
import RandomStreams
import Reporting

extension BenchCommand {
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
}
