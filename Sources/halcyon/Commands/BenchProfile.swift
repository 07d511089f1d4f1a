import ArgumentParser
import Documents
import Engine
import Foundation
import Networks
import Reporting
import Training

extension BenchCommand {
    struct Profile: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Where the time of a training step or an inference goes, kernel by kernel, beside the machine's limits.",
            discussion: """
                Measures the machine first: its multiply-adds and its bytes from memory in a second, with as many threads. Each \
                kernel is timed in every run (median) and set beside both: GFLOP/s of 2 operations a multiply-accumulate, GB/s of \
                the bytes of its inputs and outputs. `limit` is the nearer of the two, and `of limit` how much of it is reached: \
                more than 100 % where the bytes come from a cache, or where an algorithm saves multiplications (Winograd). Then \
                come the sums by kind of operation and how often each graph rewrite changed the graph.

                With --json, one object a line: a `machine`, every `instruction`, the sum of each `operation`, every `rewrite`.

                EXAMPLES
                  halcyon bench profile --architecture SearchSpaces/references/unetpp3x16.yaml
                  halcyon bench profile --architecture net.yaml --infer --size 256 --no-fusion --all
                  halcyon bench profile --architecture net.yaml --json | jq 'select(.kind == "operation")'
                  halcyon bench profile --architecture net.yaml --out roofline.svg
                """)

        static let rowLimit = 25

        @OptionGroup var options: Options
        @Flag(help: "An inference (batch 1 of 256x256) instead of a training step (batch 16 of 48x48).") var infer = false
        @Option(help: "Images at once (default: 16, with --infer 1).") var batch: Int?
        @Option(help: ArgumentHelp("Height and width of the images (default: 48, with --infer 256).", valueName: "HxW"))
        var size: ImageSize?
        @Flag(help: "Every kernel, not only the \(rowLimit) longest.") var all = false
        @Option(help: ArgumentHelp("Draws the roofline: each kernel under both limits.", valueName: "FILE.svg")) var out: String?

        func run() throws {
            if let out { try checkWritable(out) }
            let network = try Architecture.load(options.architecture)
            let batch = batch ?? (infer ? 1 : 16)
            let size = size ?? (infer ? ImageSize(height: 256, width: 256) : ImageSize(height: 48, width: 48))
            let name = network.name ?? options.architecture
            let (profile, program) = try namingFile(options.architecture) {
                try checkSizes(height: size.height, width: size.width, batch: batch)
                return try measure(network, size: size, batch: batch)
            }
            if let out {
                let setting = "\(infer ? "inference" : "training step") of \(batch) x \(size), \(threadsText)"
                try replaceFile(out, with: Array(profile.picture(title: "\(name): kernels under the roofline", subtitle: setting).svg.utf8))
            }
            if options.json {
                printDocuments(profile, program, name: name, size: size, batch: batch)
            } else {
                printTables(profile, program, name: name, size: size, batch: batch)
            }
        }

        private var threadsText: String { "\(options.threads) thread\(options.threads == 1 ? "" : "s")" }

        private func measure(_ network: Architecture, size: ImageSize, batch: Int) throws -> (KernelProfile, Program) {
            if infer {
                let executable = try options.inference(network, size: size, batch: batch)
                options.fillInputs(of: executable)
                let profile = KernelProfile(
                    executable, limits: limits(), seconds: options.seconds, optimizerBytes: nil, optimize: {})
                return (profile, executable.program)
            }
            var training = try BenchTraining(network, size: size, batch: batch, options: options.compileOptions)
            options.fillInputs(of: training.executable)
            let profile = KernelProfile(
                training.executable, limits: limits(), seconds: options.seconds, optimizerBytes: training.optimizerBytes
            ) { training.optimize() }
            return (profile, training.executable.program)
        }

        private func limits() -> MachineLimits {
            MachineLimits.measure(threads: options.threads, bf16: options.precision.rawValue == "bf16")
        }

        private func printDocuments(_ profile: KernelProfile, _ program: Program, name: String, size: ImageSize, batch: Int) {
            let machine: Document = [
                "kind": "machine", "architecture": .string(name), "mode": .string(infer ? "inference" : "step"),
                "precision": .string(options.precision.rawValue), "threads": .int(options.threads), "batch": .int(batch),
                "size": .string("\(size)"), "instruction_set": .string(CPUDevice.instructionSet),
                "peak_gflops_per_second": .float(profile.limits.gflopsPerSecond),
                "bandwidth_gigabytes_per_second": .float(profile.limits.gigabytesPerSecond), "ms": .float(profile.seconds * 1000),
                "runs": .int(profile.runs),
            ]
            print(machine.json)
            for (kind, rows) in [("instruction", profile.rows), ("operation", profile.operations)] {
                for row in rows { print(row.document(kind: kind, total: profile.total, limits: profile.limits).json) }
            }
            for rewrite in program.rewrites {
                let row: Document = ["kind": "rewrite", "name": .string(rewrite.name), "count": .int(rewrite.count)]
                print(row.json)
            }
        }

        private func printTables(_ profile: KernelProfile, _ program: Program, name: String, size: ImageSize, batch: Int) {
            let limits = profile.limits
            print(
                """
                \(name): \(infer ? "inference" : "training step") of \(batch) x \(size), \(decimal(profile.seconds * 1000, 2)) ms \
                (median of \(profile.runs)), \(threadsText)
                limits: \(decimal(limits.gflopsPerSecond, 0)) GFLOP/s (\(CPUDevice.instructionSet), \(options.precision.rawValue)), \
                \(decimal(limits.gigabytesPerSecond, 1)) GB/s from memory

                """)
            func cells(_ row: KernelProfile.Row) -> [String] {
                [
                    decimal(row.seconds * 1000, 3), percent(row.seconds / max(profile.total, 1e-12)), row.macs > 0 ? decimal(row.gflops, 1) : "-",
                    row.macs > 0 ? percent(row.gflops / limits.gflopsPerSecond) : "-", decimal(row.gigabytes, 1),
                    percent(row.gigabytes / limits.gigabytesPerSecond), row.isArithmetic ? "arithmetic" : "memory", percent(row.fraction),
                ]
            }
            let measures = ["ms", "share", "GFLOP/s", "of peak", "GB/s", "of memory", "limit", "of limit"]
            let shown = all ? profile.rows : Array(profile.rows.prefix(Self.rowLimit))
            print(
                TextTable(
                    ["kernel", "operation", "largest input -> output"] + measures,
                    shown.map { [$0.path, $0.operation, $0.shapeText] + cells($0) }, leftAligned: [0, 1, 2, 9]).text)
            let rest = profile.rows.dropFirst(shown.count)
            if !rest.isEmpty {
                let seconds = rest.reduce(0) { $0 + $1.seconds }
                print("and \(rest.count) more of \(decimal(seconds * 1000, 3)) ms in all (--all shows them)")
            }
            print(
                "\n"
                    + TextTable(
                        ["operation", "kernels"] + measures, profile.operations.map { [$0.operation, "\($0.count)"] + cells($0) },
                        leftAligned: [0, 8]).text)
            let bound = profile.rows.reduce(0) { $0 + $1.bound }
            print("\nall kernels: \(decimal(profile.total * 1000, 2)) ms; at their limits they would take \(decimal(bound * 1000, 2)) ms")
            let rewrites = program.rewrites.map { "\($0.name) \($0.count)" }
            print("rewrites: \(rewrites.isEmpty ? "none (--no-fusion)" : rewrites.joined(separator: ", "))")
        }
    }
}

func percent(_ share: Double) -> String { "\(decimal(share * 100, 0)) %" }
