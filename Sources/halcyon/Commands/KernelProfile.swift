import Documents
import Engine
import Evaluation
import Reporting

/// Where the time of a program goes, beside what the machine could do.
struct KernelProfile {
    /// An instruction, or the sum of several.
    struct Row {
        var path: String
        var operation: String
        /// Of the inputs and of the outputs.
        var shapes: (inputs: [Shape], outputs: [Shape])
        var macs: Int
        var bytes: Int
        /// Median of the runs.
        var seconds: Double
        /// The least seconds that the machine's nearer limit allows.
        var bound: Double
        /// Whether arithmetic is the nearer limit.
        var isArithmetic: Bool
        var count = 1

        var gflops: Double { seconds > 0 ? 2 * Double(macs) / seconds / 1e9 : 0 }
        var gigabytes: Double { seconds > 0 ? Double(bytes) / seconds / 1e9 : 0 }
        /// Of the nearer limit; above 1 where the bytes come from a cache.
        var fraction: Double { seconds > 0 ? bound / seconds : 0 }
    }

    /// Instructions, longest first.
    let rows: [Row]
    /// The sums by operation, longest first.
    let operations: [Row]
    let limits: MachineLimits
    /// A whole run: the median of what the clock says around it.
    let seconds: Double
    let runs: Int

    var total: Double { rows.reduce(0) { $0 + $1.seconds } }

    /// - Parameters:
    ///   - optimizerBytes: the traffic of the optimizer's pass; nil where there is none.
    ///   - optimize: that pass.
    init(
        _ executable: Executable, limits: MachineLimits, seconds: Double, optimizerBytes: Int?, optimize: () -> Void
    ) {
        self.limits = limits
        // Warm: the first run is of another kind.
        executable.run()
        optimize()
        var optimizer: [Double] = [], whole: [Double] = []
        var times: [[Double]] = []
        var instructions: [Program.Instruction?] = []
        let began = steadyNow()
        while steadyNow() - began < seconds || whole.count < 5 {
            let start = steadyNow()
            let found = executable.profile(runs: 1, clock: steadyNow) {
                let start = steadyNow()
                optimize()
                optimizer.append(steadyNow() - start)
            }
            whole.append(steadyNow() - start)
            instructions = found.map(\.instruction)
            if times.isEmpty { times = found.map { _ in [] } }
            for (index, row) in found.enumerated() { times[index] += row.seconds }
        }
        func median(_ values: [Double]) -> Double { LatencyMeasurement(milliseconds: values).median }
        func row(
            _ path: String, _ operation: String, _ shapes: (inputs: [Shape], outputs: [Shape]), macs: Int, bytes: Int, _ seconds: [Double]
        ) -> Row {
            Row(
                path: path, operation: operation, shapes: shapes, macs: macs, bytes: bytes, seconds: median(seconds),
                bound: limits.seconds(macs: macs, bytes: bytes),
                isArithmetic: limits.arithmeticSeconds(macs: macs) >= limits.memorySeconds(bytes: bytes))
        }
        let parts = executable.program.parts
        var rows = zip(instructions, times).map { instruction, seconds in
            guard let instruction else {
                let updates = executable.program.updates
                let bytes = 2 * updates.reduce(0) { $0 + $1.from.shape.count } * MemoryLayout<Float>.stride
                return row("updates", "copy", (updates.map(\.from.shape), updates.map(\.to.shape)), macs: 0, bytes: bytes, seconds)
            }
            return row(
                instruction.path, type(of: instruction.operation).name,
                (instruction.inputs.map(\.shape), instruction.outputs.map(\.shape)), macs: parts * instruction.macs,
                bytes: parts * instruction.bytes, seconds)
        }
        if executable.program.updates.isEmpty { rows.removeLast() }
        if let optimizerBytes { rows.append(row("optimizer", "adam", ([], []), macs: 0, bytes: optimizerBytes, optimizer)) }
        self.rows = rows.enumerated().sorted { ($1.element.seconds, $0.offset) < ($0.element.seconds, $1.offset) }.map(\.element)
        self.seconds = median(whole)
        runs = whole.count
        operations = Dictionary(grouping: self.rows, by: \.operation).map { name, rows in
            var sum = rows[0]
            for row in rows.dropFirst() {
                sum.macs += row.macs
                sum.bytes += row.bytes
                sum.seconds += row.seconds
                sum.bound += row.bound
            }
            sum.path = ""
            sum.shapes = ([], [])
            sum.count = rows.count
            sum.isArithmetic = limits.arithmeticSeconds(macs: sum.macs) >= limits.memorySeconds(bytes: sum.bytes)
            return sum
        }.sorted { ($1.seconds, $0.operation) < ($0.seconds, $1.operation) }
    }
}

extension KernelProfile.Row {
    /// The sizes of the largest input and output, `[16, 48, 48, 32] -> [16, 48, 48, 1]`.
    var shapeText: String {
        func largest(_ shapes: [Shape]) -> String { shapes.max { $0.count < $1.count }?.description ?? "" }
        return shapes.inputs.isEmpty ? "" : "\(largest(shapes.inputs)) -> \(largest(shapes.outputs))"
    }

    func document(kind: String, total: Double, limits: MachineLimits) -> Document {
        func sizes(_ shapes: [Shape]) -> Document { .array(shapes.map { .array($0.sizes.map(Document.int)) }) }
        var fields: [(String, Document)] = [("kind", .string(kind))]
        if kind == "instruction" { fields.append(("path", .string(path))) }
        fields.append(("operation", .string(operation)))
        if kind == "instruction" {
            fields += [("inputs", sizes(shapes.inputs)), ("outputs", sizes(shapes.outputs))]
        } else {
            fields.append(("count", .int(count)))
        }
        return .object(
            fields + [
                ("ms", .float(seconds * 1000)), ("share", .float(total > 0 ? seconds / total : 0)), ("macs", .int(macs)),
                ("bytes", .int(bytes)), ("gflops_per_second", .float(gflops)), ("gigabytes_per_second", .float(gigabytes)),
                ("of_peak_gflops", .float(gflops / limits.gflopsPerSecond)),
                ("of_bandwidth", .float(gigabytes / limits.gigabytesPerSecond)), ("limit", .string(isArithmetic ? "arithmetic" : "memory")),
                ("of_limit", .float(fraction)),
            ])
    }
}

extension KernelProfile {
    func picture(title: String, subtitle: String) -> RooflinePlot {
        RooflinePlot(
            title: title, subtitle: subtitle,
            kernels: rows.map {
                RooflinePlot.Kernel(
                    path: $0.path, operation: $0.operation, flops: 2 * Double($0.macs), bytes: Double($0.bytes), seconds: $0.seconds)
            },
            peakGflops: limits.gflopsPerSecond, gigabytesPerSecond: limits.gigabytesPerSecond)
    }
}
