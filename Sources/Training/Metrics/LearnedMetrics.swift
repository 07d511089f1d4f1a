import Documents
import Imaging

/// A distance whose weights were learned, by the name that its weights have a right to. One line in `learnedMetrics` each.
package struct LearnedMetricKind: Sendable {
    /// The word in experiments and on the command line, and the name in results.
    package let word: String
    let trunks: [FeatureTrunk]

    static let plain = LearnedMetricKind(word: "lpips", trunks: [.alexNet, .vgg16])
    static let shiftTolerant = LearnedMetricKind(word: "stlpips", trunks: [.shiftTolerantAlexNet])
}

package let learnedMetrics: [LearnedMetricKind] = [.shiftTolerant, .plain]

/// Reads `[psnr, ssim-y, {stlpips: stlpips_alex.safetensors}, {lpips: [heads.safetensors, trunk.safetensors]}]`: metrics by their
/// words, those with weights with their files, which are read at once.
/// - Throws: `InputError` at its place, for an unknown word, or weights that are missing or another metric's.
package func readMetrics(_ document: Document, in place: DatasetPlace) throws -> [ImageMetric] {
    let known = imageMetrics.map(\.word) + learnedMetrics.map(\.word)
    let metrics = try document.array("metrics").map { item -> ImageMetric in
        if case .object = item.value {
            let fields = try item.fields("metrics")
            guard fields.count == 1 else { throw item.fail("metrics: expected one metric with its weights, found \(fields.count)", hint: "for example {stlpips: FILE}") }
            try item.allowOnly(learnedMetrics.map(\.word))
            return try learnedMetric(fields[0].key, fields[0].value, in: place)
        }
        let text = try item.string("metrics")
        if let metric = imageMetrics.first(where: { $0.word == text || $0.name == text }) { return metric }
        let word = try item.word("metrics", of: known)
        throw item.fail("metrics: the file of \(word)'s weights is missing", hint: "write {\(word): FILE.safetensors}")
    }
    guard !metrics.isEmpty, Set(metrics.map(\.name)).count == metrics.count else {
        throw document.fail("metrics: expected different metrics, at least one", hint: "for example [psnr, ssim]")
    }
    return metrics
}

private func learnedMetric(_ word: String, _ files: Document, in place: DatasetPlace) throws -> ImageMetric {
    do {
        var paths: [Document] = [files]
        if case .array(let list) = files.value { paths = list }
        guard !paths.isEmpty else { throw files.fail("\(word): expected a file of weights, found none", hint: "write {\(word): FILE.safetensors}") }
        let weights = try DistanceWeights(paths.map(place.path))
        guard weights.kind.word == word else {
            throw files.fail("\(word): these are the weights of \(weights.kind.word)", hint: "write {\(weights.kind.word): ...}")
        }
        let distance = LearnedDistance(weights)
        return ImageMetric(word: word, name: word, direction: .minimize) { try distance.measure($0, $1) }
    } catch var error as InputError {
        error.location = error.location ?? files.location
        throw error
    }
}
