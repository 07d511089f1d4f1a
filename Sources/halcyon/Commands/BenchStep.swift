import ArgumentParser
import Documents
import Engine
import Networks

extension BenchCommand {
    struct Step: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "A training step: forward, mean squared error, backward, Adam.")

        @OptionGroup var options: Options
        @Option(help: "Patches a step.") var batch = 16
        @Option(help: ArgumentHelp("Side of a patch.", valueName: "HxW")) var size = ImageSize(height: 48, width: 48)

        func run() throws {
            try options.bench(size, batch: batch) { architecture in
                var training = try BenchTraining(architecture, size: size, batch: batch, options: options.compileOptions)
                let (executable, cost) = (training.executable, training.cost)
                return Subject(executable: executable, run: { training.advance() }) { timing, first in
                    // Forward and both backward passes, a multiplication and an addition each.
                    let (patches, gflops) = (Double(batch) / timing.median, 6 * Double(cost.macs) / timing.median / 1e9)
                    let fields: [(String, Document)] = [
                        ("parameters", .int(cost.parameters)), ("macs", .int(cost.macs)), ("first_step_seconds", .float(first)),
                        ("step_seconds", .float(timing.median)), ("patches_per_second", .float(patches)),
                        ("gflops_per_second", .float(gflops)), ("peak_bytes", .int(executable.peakBytes)),
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
