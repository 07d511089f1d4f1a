import Imaging

/// A network's quality on a set of pictures.
package struct ModelEvaluation: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var name: String
        /// The condition's label.
        package var condition: String
        package var sigma: Double
        /// Metric name to value; a metric that is not defined for so small a picture is left out.
        package var metrics: [String: Double]
        /// PSNR of the noisy picture, clamped and rounded like the output.
        package var noisyPSNR: Double
    }

    package var images: [Entry]

    /// The means over pictures and conditions of each metric, and `noisy_psnr_db`; under several conditions also each one's, such as
    /// `psnr_db@50`.
    package var means: [String: Double] {
        var means = Self.means(images)
        let labels = Set(images.map(\.condition))
        guard labels.count > 1 else { return means }
        for label in labels {
            for (name, value) in Self.means(images.filter { $0.condition == label }) { means["\(name)@\(label)"] = value }
        }
        return means
    }

    private static func means(_ images: [Entry]) -> [String: Double] {
        var means: [String: Double] = [:]
        for name in Set(images.flatMap(\.metrics.keys)) {
            let values = images.compactMap { $0.metrics[name] }
            means[name] = values.reduce(0, +) / Double(values.count)
        }
        if !images.isEmpty { means["noisy_psnr_db"] = images.map(\.noisyPSNR).reduce(0, +) / Double(images.count) }
        return means
    }
}

/// Makes each picture noisy, denoises it, and compares with the original, by the protocol of the published tables: the
/// noisy picture is not clipped, the output is clamped and rounded to 8 bit.
///
/// - Parameters:
///   - conditions: the kinds of noise, each over all pictures.
///   - metrics: of `imageMetrics`, or of those with weights (`readMetrics`).
///   - around: called with each picture's work, which it must run once: the place of a lock.
///   - progress: called after each picture with the number done and their total.
package func evaluateModel(
    _ denoiser: Denoiser, images: ImageSet, conditions: [EvaluationCondition], noise: EvaluationNoise,
    metrics: [ImageMetric] = standardMetrics, around: (() throws -> Void) throws -> Void = { try $0() },
    progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
) throws -> ModelEvaluation {
    var entries: [ModelEvaluation.Entry] = []
    for condition in conditions {
        for index in 0..<images.count {
            try around {
                let clean = try images.image(index)
                let (noisy, sigma) = try noise.noisy(images, index: index, condition)
                let output = try denoiser.denoise(noisy, sigma: sigma)
                var values: [String: Double] = [:]
                for metric in metrics { values[metric.name] = try metric.measure(output, clean) }
                entries.append(
                    ModelEvaluation.Entry(
                        name: images.name(index), condition: condition.label, sigma: sigma, metrics: values, noisyPSNR: peakSignalToNoise(noisy, clean)))
            }
            try progress(entries.count, conditions.count * images.count)
        }
    }
    return ModelEvaluation(images: entries)
}
