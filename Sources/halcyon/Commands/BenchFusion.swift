import ArgumentParser
import Documents
import Engine
import Evaluation
import Networks
import RandomStreams
import Reporting
import SearchSpaces
import Foundation

extension BenchCommand {
    /// The graph rewrites judged on random networks of a space: what they change, that results stay, and what they gain.
    struct Fusion: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compares fused and unfused training steps of random networks of a space: results, rewrites, time.",
            discussion: """
                Every output, gradient and buffer of a step must agree within 1e-4 of its largest value, or be as near to the \
                Float64 interpreter as the unfused one is (at most twice as far). Where an activation has its kink within \
                Float32's rounding of what it is given, its slope is a matter of chance: a tensor is "at a kink" where Float64 \
                itself moves as far when parameters and inputs change by two parts in a million. Exit code 1 where a tensor \
                fails all three.

                EXAMPLES
                  halcyon bench fusion SearchSpaces/mixed.yaml --count 200 --seed 1
                  halcyon bench fusion SearchSpaces/mixed.yaml --from 148 --count 1 --seed 77
                """)

        @Argument(help: ArgumentHelp("A space.", valueName: "SPACE.yaml")) var space: String
        @Option(help: "How many networks.") var count = 200
        @Option(help: "Index of the first one.") var from = 0
        @Option(help: "Seed of the samples, the parameters and the inputs.") var seed: UInt64 = 1
        @Option(help: "Images a step.") var batch = 2
        @Option(help: ArgumentHelp("Size of an image.", valueName: "HxW")) var size = ImageSize(height: 48, width: 48)
        @Option(help: "Threads.") var threads = 1
        @Flag(help: "One JSON object a network.") var json = false

        func validate() throws {
            guard (1...100_000).contains(count) else { throw ValidationError("--count: expected 1 to 100000, found \(count)") }
            guard (0...1_000_000).contains(from) else { throw ValidationError("--from: expected 0 to 1000000, found \(from)") }
            guard (1...1024).contains(threads) else { throw ValidationError("--threads: expected 1 to 1024, found \(threads)") }
        }

        /// What was found for one network.
        private struct Row {
            var family: String
            var rewrites: Int
            var seconds: (fused: Double, unfused: Double)
            /// The largest difference of a tensor, relative to its largest value.
            var difference: Double
            var index: Int
            /// Tensors that differ by more than the tolerance; of these, the ones that are farther from Float64 too but at a kink, and
            /// the rest.
            var judged = 0
            var kinked = 0
            var failed: [String] = []
        }

        func run() throws {
            let space = try SearchSpace.load(space)
            var rows: [Row] = []
            var progress = WorkProgress("networks")
            for index in from..<from + count {
                progress.tell(index - from, of: count)
                var stream = RandomStream(seed: seed).split("sample").split(index)
                let architecture = try Architecture(space.resolve(space.sample(using: &stream)))
                let row = try namingFile(self.space) { try compare(architecture, index) }
                rows.append(row)
                if json { printRow(row, architecture) }
            }
            Terminal.clearLine()
            if !json { printTable(rows) }
            guard rows.allSatisfy(\.failed.isEmpty) else { throw ExitCode(1) }
        }

        private func compare(_ architecture: Architecture, _ index: Int) throws -> Row {
            func run(fusion: Bool) throws -> (program: Program, run: () -> Void, values: TrainingStepValues<Float>) {
                // A case each: a step changes its parameters and buffers.
                let check = try BenchCase(architecture, seed: Int(seed) &+ index, size: size, batch: batch)
                let options = CompileOptions(fusion: fusion, threads: threads)
                let training = try check.compiledTraining(options, AdamSettings(learningRate: 0))
                return (training.program, training.run, training.advance())
            }
            let (fused, unfused) = (try run(fusion: true), try run(fusion: false))
            var (times, unfusedTimes): ([Double], [Double]) = ([], [])
            for _ in 0..<5 {
                times.append(seconds(fused.run))
                unfusedTimes.append(seconds(unfused.run))
            }
            var row = Row(
                family: architecture.family, rewrites: fused.program.rewrites.reduce(0) { $0 + $1.count },
                seconds: (times.min()!, unfusedTimes.min()!), difference: 0, index: index)
            /// The definitions in Float64, from the same numbers or ones disturbed for the nth time.
            func interpreted(disturbed n: Int? = nil) throws -> [String: Tensor<Double>] {
                let check = try BenchCase(architecture, seed: Int(seed) &+ index, size: size, batch: batch)
                let disturbance = n.map { RandomStream(seed: seed).split("disturbance").split($0) }
                return named(try check.interpretedTraining(AdamSettings(), disturbance: disturbance)())
            }
            var exact: [String: Tensor<Double>]?
            let (results, others) = (named(fused.values), named(unfused.values))
            for (name, tensor) in results.sorted(by: { $0.key < $1.key }) {
                guard let other = others[name] else { continue }
                let difference = distance(tensor, other)
                row.difference = max(row.difference, difference)
                guard !(difference <= 1e-4) else { continue }
                row.judged += 1
                if exact == nil { exact = try interpreted() }
                guard let truth = exact?[name] else { continue }
                if !(distance(tensor, truth) <= 2 * distance(other, truth)) { row.failed.append(name) }
            }
            let suspects = row.failed.count
            for n in 0..<16 where !row.failed.isEmpty {
                let disturbed = try interpreted(disturbed: n)
                row.failed.removeAll { distance(results[$0]!, exact![$0]!) <= 2 * distance(disturbed[$0]!, exact![$0]!) }
            }
            row.kinked = suspects - row.failed.count
            return row
        }

        private func seconds(_ body: () -> Void) -> Double {
            let began = steadyNow()
            body()
            return steadyNow() - began
        }

        private func named<Scalar>(_ values: TrainingStepValues<Scalar>) -> [String: Tensor<Scalar>] {
            var all: [String: Tensor<Scalar>] = [:]
            for (group, tensors) in [("outputs", values.outputs), ("gradients", values.gradients), ("buffers", values.buffers)] {
                for (name, tensor) in tensors { all["\(group)/\(name)"] = tensor }
            }
            return all
        }

        /// The largest difference, relative to the largest value of `b`.
        private func distance<A: ReferenceScalar, B: ReferenceScalar>(_ a: Tensor<A>, _ b: Tensor<B>) -> Double {
            var (difference, largest) = (0.0, 0.0)
            for (x, y) in zip(a.elements, b.elements) {
                guard x.isFinite, y.isFinite else { return .infinity }
                difference = max(difference, abs(Double(x) - Double(y)))
                largest = max(largest, abs(Double(y)))
            }
            return difference == 0 ? 0 : difference / largest
        }

        private func printRow(_ row: Row, _ architecture: Architecture) {
            let document: Document = [
                "index": .int(row.index), "family": .string(row.family), "architecture_hash": .string(architecture.architectureHash),
                "rewrites": .int(row.rewrites), "step_seconds": .float(row.seconds.fused),
                "unfused_step_seconds": .float(row.seconds.unfused), "difference": .float(row.difference),
                "judged_by_f64": .int(row.judged), "at_a_kink": .int(row.kinked), "failed": .array(row.failed.map(Document.string)),
            ]
            print(document.json)
        }

        private func printTable(_ rows: [Row]) {
            func median(_ values: [Double]) -> Double { LatencyMeasurement(milliseconds: values).median }
            func cells(_ name: String, _ rows: [Row]) -> [String] {
                [
                    name, "\(rows.count)", decimal(median(rows.map { Double($0.rewrites) }), 0),
                    decimal(median(rows.map { $0.seconds.fused / $0.seconds.unfused }), 3),
                    String(format: "%.1e", rows.map(\.difference).max() ?? 0), "\(rows.reduce(0) { $0 + $1.judged })",
                    "\(rows.reduce(0) { $0 + $1.kinked })", "\(rows.reduce(0) { $0 + $1.failed.count })",
                ]
            }
            let families = Dictionary(grouping: rows, by: \.family).sorted { $0.key < $1.key }.map { cells($0.key, $0.value) }
            let header = ["family", "networks", "rewrites", "time fused/unfused", "difference", "judged by f64", "at a kink", "failed"]
            print(TextTable(header, families + [cells("all", rows)], leftAligned: [0]).text)
            for row in rows where !row.failed.isEmpty {
                print("network \(row.index) (\(row.family)): \(row.failed.joined(separator: ", "))")
            }
        }
    }
}
