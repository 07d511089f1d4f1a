import Engine
import Imaging

/// A dynamic network's quality at every exit on a set of pictures, from which that at any threshold is read.
package struct DepthEvaluation: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var name: String
        /// The condition's label.
        package var condition: String
        package var sigma: Double
        /// What the router foretells for the earlier exits, in dB.
        package var gaps: [Double]
        /// Metric name to value at each exit.
        package var metrics: [[String: Double]]
        package var noisyPSNR: Double

        package init(name: String, condition: String, sigma: Double, gaps: [Double], metrics: [[String: Double]], noisyPSNR: Double) {
            self.name = name
            self.condition = condition
            self.sigma = sigma
            self.gaps = gaps
            self.metrics = metrics
            self.noisyPSNR = noisyPSNR
        }

        /// Where the picture leaves, counted from 0.
        package func exit(threshold: Double) -> Int { DepthRouting.exit(gaps, threshold: threshold) }
    }

    package var entries: [Entry]
    /// What each exit costs as a part of full depth; the last is 1.
    package var costs: [Double]

    package init(entries: [Entry], costs: [Double]) {
        self.entries = entries
        self.costs = costs
    }

    /// The quality with each picture at the exit where it leaves.
    package func evaluation(threshold: Double) -> ModelEvaluation {
        ModelEvaluation(
            images: entries.map { entry in
                ModelEvaluation.Entry(
                    name: entry.name, condition: entry.condition, sigma: entry.sigma, metrics: entry.metrics[entry.exit(threshold: threshold)],
                    noisyPSNR: entry.noisyPSNR)
            })
    }

    /// The mean cost of the decisions, as a part of full depth.
    package func meanCost(threshold: Double) -> Double {
        entries.reduce(0) { $0 + costs[$1.exit(threshold: threshold)] } / Double(entries.count)
    }

    /// How many pictures leave at each exit.
    package func exits(threshold: Double) -> [Int] {
        entries.reduce(into: [Int](repeating: 0, count: costs.count)) { $0[$1.exit(threshold: threshold)] += 1 }
    }

    /// The thresholds of the operating points, growing: 0, which is full depth, and for mean costs spaced evenly from there to the
    /// first exit's the nearest that the pictures allow. As many as exits, at least three.
    package var operatingThresholds: [Double] {
        // The mean cost changes only where a picture's foretold gap is passed; between two of them, rounding flips nothing.
        let gaps = Set(entries.flatMap(\.gaps).filter(\.isFinite).map { max($0, 0) }).sorted()
        let candidates = gaps.indices.map { $0 + 1 < gaps.count ? (gaps[$0] + gaps[$0 + 1]) / 2 : gaps[$0] + 1e-3 }
        let priced = candidates.map { (threshold: $0, cost: meanCost(threshold: $0)) }
        let count = max(3, costs.count)
        var thresholds = [0.0]
        for number in 1..<count {
            let target = 1 + (costs[0] - 1) * Double(number) / Double(count - 1)
            let nearest = priced.min { abs($0.cost - target) < abs($1.cost - target) }?.threshold ?? 0
            // Where the pictures allow no step towards the target, the threshold goes on alone.
            let last = thresholds[number - 1]
            thresholds.append(nearest > last ? nearest : (candidates.first { $0 > last } ?? last + 1e-3))
        }
        return thresholds
    }
}

/// As `evaluateModel`, at every exit of a dynamic network.
package func evaluateDepths(
    _ denoiser: Denoiser, images: ImageSet, conditions: [EvaluationCondition], noise: EvaluationNoise,
    metrics: [ImageMetric] = standardMetrics, around: (() throws -> Void) throws -> Void = { try $0() },
    progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
) throws -> DepthEvaluation {
    var entries: [DepthEvaluation.Entry] = []
    for condition in conditions {
        for index in 0..<images.count {
            try around {
                let clean = try images.image(index)
                let (noisy, sigma) = try noise.noisy(images, index: index, condition)
                let values = try (0..<denoiser.architecture.exitCount).map { exit in
                    let output = try denoiser.denoise(noisy, sigma: sigma, exit: exit)
                    return try metrics.reduce(into: [String: Double]()) { $0[$1.name] = try $1.measure(output, clean) }
                }
                entries.append(
                    DepthEvaluation.Entry(
                        name: images.name(index), condition: condition.label, sigma: sigma, gaps: try denoiser.foretoldGaps(noisy, sigma: sigma), metrics: values,
                        noisyPSNR: peakSignalToNoise(noisy, clean)))
            }
            try progress(entries.count, conditions.count * images.count)
        }
    }
    return DepthEvaluation(entries: entries, costs: try denoiser.architecture.exitCosts())
}
