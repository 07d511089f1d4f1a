/// What a running search tells in one line of the terminal.
package struct SearchProgressLine: Sendable, Equatable {
    package struct Running: Sendable, Equatable {
        package var trial: Int
        /// How much of the current attempt is done, 0...1; nil where that is unknown.
        package var fraction: Double?
        /// What it does, such as `training` or `waiting`.
        package var phase: String

        package init(trial: Int, fraction: Double?, phase: String) {
            self.trial = trial
            self.fraction = fraction
            self.phase = phase
        }
    }

    package var done = 0
    package var failed = 0
    package var total: Int?
    package var running: [Running] = []
    /// Best values of the front: metric name and stored value.
    package var best: [(metric: String, value: Double)] = []
    package var frontSize = 0
    package var hypervolume: Double?
    package var elapsed = Duration.zero
    package var remaining: Duration?

    package init() {}

    package static func == (a: Self, b: Self) -> Bool { a.text(width: .max) == b.text(width: .max) }

    /// One line of at most `width` characters: parts that matter less leave first, and it is cut only as a last resort.
    package func text(width: Int) -> String {
        var bar: String?
        if let total, total > 0 {
            let filled = min(12, max(0, done * 12 / total))
            bar = "[" + String(repeating: "=", count: filled) + String(repeating: " ", count: 12 - filled) + "]"
        }
        let workers = running.map { worker in
            let share = worker.fraction.flatMap { $0.isFinite ? "\(Int(min(max($0, 0), 1) * 100)) %" : nil }
            return "#\(worker.trial) \(worker.phase == "training" ? share ?? worker.phase : worker.phase)"
        }
        let values = best.map { metric, value in
            let shown = Metric.named(metric)
            return "\(shown.text(value)) \(shown.unit.isEmpty ? metric : shown.unit)"
        }
        // Text, and how much it matters.
        let parts: [(text: String?, weight: Int)] = [
            (bar, 2),
            (total.map { "\(done)/\($0) trials" } ?? "\(done) trials", 9),
            (failed > 0 ? "\(failed) failed" : nil, 5),
            (running.isEmpty ? nil : "\(running.count) running", 7),
            (workers.isEmpty ? nil : "(\(workers.joined(separator: ", ")))", 1),
            (values.first.map { "best \($0)" }, 8),
            (values.count > 1 ? values.dropFirst().joined(separator: ", ") : nil, 3),
            (frontSize > 0 ? "front \(frontSize)" : nil, 4),
            (hypervolume.map { "hypervolume \(significant($0))" }, 0),
            (elapsed.words, 5),
            (remaining.map { "\($0.words) left" }, 6),
        ]
        for threshold in 0...9 {
            let line = parts.filter { $0.weight >= threshold }.compactMap(\.text).joined(separator: "  ")
            if line.count <= width { return line }
        }
        return String("\(done) trials".prefix(max(0, width)))
    }
}
