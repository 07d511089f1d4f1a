import Imaging

/// A network's quality on a set of pictures.
package struct ModelEvaluation: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var name: String
        package var sigma: Double
        /// Metric name to value; a metric that is not defined for so small a picture is left out.
        package var metrics: [String: Double]
        /// PSNR of the noisy picture, clamped and rounded like the output.
        package var noisyPSNR: Double
    }

    package var images: [Entry]

    /// The means over pictures (and noise levels) of each metric, and `noisy_psnr_db`.
    package var means: [String: Double] {
        var means: [String: Double] = [:]
        for name in Set(images.flatMap(\.metrics.keys)) {
            let values = images.compactMap { $0.metrics[name] }
            means[name] = values.reduce(0, +) / Double(values.count)
        }
        if !images.isEmpty { means["noisy_psnr_db"] = images.map(\.noisyPSNR).reduce(0, +) / Double(images.count) }
        return means
    }
}

/// Adds noise to each picture, denoises it, and compares with the original, by the protocol of the published tables: the
/// noisy picture is not clipped, the output is clamped and rounded to 8 bit.
///
/// - Parameters:
///   - sigmas: the noise levels, each over all pictures.
///   - metrics: of `imageMetrics`.
///   - around: called with each picture's work, which it must run once: the place of a lock.
///   - progress: called after each picture with the number done and their total.
package func evaluateModel(
    _ denoiser: Denoiser, images: ImageSet, sigmas: [Double], noise: EvaluationNoise,
    metrics: [ImageMetric] = imageMetrics, around: (() throws -> Void) throws -> Void = { try $0() },
    progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
) throws -> ModelEvaluation {
    var entries: [ModelEvaluation.Entry] = []
    for sigma in sigmas {
        for index in 0..<images.count {
            try around {
                let clean = images.image(index)
                let noisy = noise.noisy(clean, sigma: sigma, index: index)
                let output = try denoiser.denoise(noisy, sigma: sigma)
                var values: [String: Double] = [:]
                for metric in metrics { values[metric.name] = metric.measure(output, clean) }
                entries.append(
                    ModelEvaluation.Entry(
                        name: images.name(index), sigma: sigma, metrics: values, noisyPSNR: peakSignalToNoise(noisy, clean)))
            }
            try progress(entries.count, sigmas.count * images.count)
        }
    }
    return ModelEvaluation(images: entries)
}
