import Foundation

/// A measure of how near an output comes to the original: one line in `imageMetrics` each.
package struct ImageMetric: Sendable {
    package enum Direction: String, Sendable {
        case minimize, maximize
    }

    /// The name in the study's file and on the command line.
    package let name: String
    /// Empty for a bare number.
    package let unit: String
    package let direction: Direction

    /// The measure of an output against the clean original, both `[H, W, C]` in 0...1; both are clamped and rounded to
    /// 8 bit first, as the published tables do. nil where it is not defined for pictures of this size.
    package let measure: @Sendable (_ output: Image, _ original: Image) -> Double?
}

/// Every image metric.
package let imageMetrics: [ImageMetric] = [
    ImageMetric(name: "psnr_db", unit: "dB", direction: .maximize) { peakSignalToNoise($0, $1) },
    ImageMetric(name: "ssim", unit: "", direction: .maximize) { structuralSimilarity($0, $1) },
]

/// PSNR in dB over all samples of the 8-bit pictures: 20 log10(255 / sqrt(mse)), in Double; infinity for equal pictures.
package func peakSignalToNoise(_ output: Image, _ original: Image) -> Double {
    precondition(output.hasShape(of: original), "equal shapes")
    let a = output.bytes, b = original.bytes
    var sum = 0
    for i in a.indices {
        let difference = Int(a[i]) - Int(b[i])
        sum += difference * difference
    }
    guard sum > 0 else { return .infinity }
    let meanSquare = Double(sum) / Double(a.count)
    return 20 * log10(255 / meanSquare.squareRoot())
}

/// PSNR in dB of the Float samples as they are, neither clamped nor rounded, peak 1; infinity for equal pictures.
package func unclippedPeakSignalToNoise(_ output: Image, _ original: Image) -> Double {
    precondition(output.hasShape(of: original), "equal shapes")
    var sum = 0.0
    for i in output.pixels.indices {
        let difference = Double(output.pixels[i]) - Double(original.pixels[i])
        sum += difference * difference
    }
    guard sum > 0 else { return .infinity }
    return 20 * log10(1 / (sum / Double(output.pixels.count)).squareRoot())
}

extension Image {
    package func hasShape(of other: Image) -> Bool {
        height == other.height && width == other.width && channels == other.channels
    }
}
