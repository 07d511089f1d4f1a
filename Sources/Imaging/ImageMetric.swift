import Foundation

/// A measure of how near an output comes to the original: one line in `imageMetrics` each.
package struct ImageMetric: Sendable {
    package enum Direction: String, Sendable {
        case minimize, maximize
    }

    /// The word in experiments and on the command line.
    package let word: String
    /// The name in the study's file and in results.
    package let name: String
    /// Empty for a bare number.
    package let unit: String
    package let direction: Direction

    /// The measure of an output against the clean original, both `[H, W, C]` in 0...1; both are clamped and rounded to
    /// 8 bit first, as the published tables do. nil where it is not defined for pictures of this size.
    /// - Throws: `InputError` where there is no memory for it.
    package let measure: @Sendable (_ output: Image, _ original: Image) throws -> Double?

    package init(
        word: String, name: String, unit: String = "", direction: Direction, measure: @escaping @Sendable (_ output: Image, _ original: Image) throws -> Double?
    ) {
        self.word = word
        self.name = name
        self.unit = unit
        self.direction = direction
        self.measure = measure
    }
}

/// What is measured unless more is asked for, and what every trial has.
package let standardMetrics: [ImageMetric] = [
    ImageMetric(word: "psnr", name: "psnr_db", unit: "dB", direction: .maximize) { peakSignalToNoise($0, $1) },
    ImageMetric(word: "ssim", name: "ssim", direction: .maximize) { structuralSimilarity($0, $1) },
]

/// Every image metric that needs no weights. Those on Y measure luma only, as tables of colour restoration often do; a gray picture is its
/// own luma.
package let imageMetrics: [ImageMetric] =
    standardMetrics + [
        ImageMetric(word: "psnr-y", name: "psnr_y_db", unit: "dB", direction: .maximize) { peakSignalToNoise($0.luma, $1.luma) },
        ImageMetric(word: "ssim-y", name: "ssim_y", direction: .maximize) { structuralSimilarity($0.luma, $1.luma) },
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
    /// The 8-bit Y of ITU-R BT.601 in its studio range, 16 (black) to 235 (white), as MATLAB's `rgb2ycbcr` makes it of a picture of uint8:
    /// 16 + 65.481 R + 128.553 G + 24.966 B of R, G and B in 0...1 as the 8-bit picture has them, rounded. A gray picture stays as it is.
    package var luma: Image {
        guard channels == 3 else { return self }
        let levels = bytes
        let pixels = (0..<height * width).map { i -> Float in
            let (red, green, blue) = (Double(levels[3 * i]), Double(levels[3 * i + 1]), Double(levels[3 * i + 2]))
            return Float((16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255).rounded()) / 255
        }
        return Image(height: height, width: width, channels: 1, pixels: pixels)
    }

    package func hasShape(of other: Image) -> Bool {
        height == other.height && width == other.width && channels == other.channels
    }
}
