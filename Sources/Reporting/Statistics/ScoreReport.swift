import Documents

/// What numbers that networks have before any training foretell of what they reach, each beside multiply-accumulates alone.
package struct ScoreReport: Sendable, Equatable {
    package struct Row: Sendable, Equatable {
        package var score: String
        /// Trials that have it.
        package var count: Int
        /// With the quality.
        package var kendall: Double?
        package var spearman: Double?
        /// Spearman's with the quality among networks of equal multiply-accumulates: their part in both taken away.
        package var partial: Double?
        /// By how much Kendall's tau with the quality is larger for the quality foretold from multiply-accumulates and the score
        /// together than for the one foretold from multiply-accumulates alone. Both are linear in ranks, fitted for each trial to the others.
        package var gain: Double?
    }

    package let metric: String
    package let rows: [Row]

    /// - Parameter trials: the metrics of each trial, the quality and `macs` among them; trials without are passed over.
    package init(_ trials: [[String: Double]], metric: String, scores: [String]) {
        self.metric = metric
        rows = (["parameters", "macs"] + scores.filter { $0 != "parameters" && $0 != "macs" }).map { score in
            let told = trials.compactMap { trial -> (score: Double, macs: Double, quality: Double)? in
                guard let value = trial[score], let macs = trial["macs"], let quality = trial[metric] else { return nil }
                return (value, macs, quality)
            }
            let (values, macs, quality) = (told.map(\.score), told.map(\.macs), told.map(\.quality))
            var row = Row(score: score, count: told.count)
            row.kendall = kendallTau(values, quality)
            row.spearman = spearmanCorrelation(values, quality)
            guard score != "macs" else { return row }
            row.partial = partialSpearmanCorrelation(values, quality, given: macs)
            if let both = Self.foretold(quality, from: [macs, values]), let alone = Self.foretold(quality, from: [macs]),
                let more = kendallTau(both, quality), let less = kendallTau(alone, quality)
            {
                row.gain = more - less
            }
            return row
        }
    }

    /// The quality's rank that a least-squares fit in ranks to all other trials foretells of each; nil of fewer than five.
    private static func foretold(_ quality: [Double], from features: [[Double]]) -> [Double]? {
        let count = quality.count
        guard count >= 5 else { return nil }
        let target = meanRanks(quality).map { $0 / Double(count) }
        let columns = [Array(repeating: 1.0, count: count)] + features.map { meanRanks($0).map { $0 / Double(count) } }
        let size = columns.count
        return (0..<count).map { left in
            // Normal equations, with so much of a ridge that equal columns do no harm.
            func product(_ a: [Double], _ b: [Double]) -> Double {
                var sum = 0.0
                for trial in 0..<count where trial != left { sum += a[trial] * b[trial] }
                return sum
            }
            var system: [[Double]] = columns.map { column in columns.map { product(column, $0) } + [product(column, target)] }
            for row in 0..<size { system[row][row] += 1e-6 }
            for pivot in 0..<size {
                for row in 0..<size where row > pivot {
                    let factor = system[row][pivot] / system[pivot][pivot]
                    for k in pivot...size { system[row][k] -= factor * system[pivot][k] }
                }
            }
            var weights = Array(repeating: 0.0, count: size)
            for row in (0..<size).reversed() {
                var rest = system[row][size]
                for known in 0..<size where known > row { rest -= system[row][known] * weights[known] }
                weights[row] = rest / system[row][row]
            }
            return (0..<size).reduce(0.0) { $0 + weights[$1] * columns[$1][left] }
        }
    }

    /// One object a score: `score, metric, trials, kendall, spearman, partial_given_macs, gain_over_macs`; null where it is not defined.
    package var documents: [Document] {
        func number(_ value: Double?) -> Document { value.map(Document.float) ?? .null }
        return rows.map { row in
            [
                "score": .string(row.score), "metric": .string(metric), "trials": .int(row.count), "kendall": number(row.kendall),
                "spearman": number(row.spearman), "partial_given_macs": number(row.partial), "gain_over_macs": number(row.gain),
            ]
        }
    }

    package var text: String {
        func cell(_ value: Double?) -> String { value.map { decimal($0, digits: 3) } ?? "-" }
        return TextTable(
            ["score", "trials", "Kendall", "Spearman", "given MACs", "gain over MACs"],
            rows.map { [$0.score, "\($0.count)", cell($0.kendall), cell($0.spearman), cell($0.partial), cell($0.gain)] }, leftAligned: [0]
        ).text
    }
}
