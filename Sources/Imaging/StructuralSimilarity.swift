import Foundation

/// SSIM of the 8-bit pictures, the mean over channels; nil for pictures smaller than the window of 11x11.
///
/// Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity", 2004:
/// Gaussian window of 11x11 with sigma 1.5, only where it lies inside, K = (0.01, 0.03), L = 255, population moments, in
/// Double. The window is separable, and of the two variances only their sum is needed, so four maps are filtered, not five.
package func structuralSimilarity(_ output: Image, _ original: Image) -> Double? {
    precondition(output.hasShape(of: original), "equal shapes")
    let side = 11
    guard output.height >= side, output.width >= side else { return nil }
    let a = output.bytes, b = original.bytes
    let channels = output.channels
    let window = gaussianWindow(side, sigma: 1.5)
    var sum = 0.0
    for k in 0..<channels {
        sum += meanSimilarity(
            a, b, height: output.height, width: output.width, channel: k, of: channels, window: window)
    }
    return sum / Double(channels)
}

/// The normalised one-dimensional Gaussian of an odd length.
private func gaussianWindow(_ side: Int, sigma: Double) -> [Double] {
    let weights = (0..<side).map { i -> Double in
        let d = Double(i - side / 2)
        return exp(-d * d / (2 * sigma * sigma))
    }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
}

/// The mean of the SSIM map of one channel. Row by row: the products of the rows under the window are summed down, then along.
private func meanSimilarity(
    _ a: [UInt8], _ b: [UInt8], height: Int, width: Int, channel: Int, of channels: Int, window: [Double]
) -> Double {
    let side = window.count, columns = width - side + 1, rows = height - side + 1
    let c1 = (0.01 * 255) * (0.01 * 255), c2 = (0.03 * 255) * (0.03 * 255)
    var total = 0.0
    // Maps of x, y, x^2 + y^2 and xy, one behind another: sums down the window, then along it.
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 4 * width) { down in
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 4 * columns) { along in
            guard let down = down.baseAddress, let along = along.baseAddress else { return }
            for row in 0..<rows {
                down.update(repeating: 0, count: 4 * width)
                for (k, weight) in window.enumerated() {
                    let start = (row + k) * width * channels + channel
                    a.withUnsafeBufferPointer { a in
                        b.withUnsafeBufferPointer { b in
                            accumulate(a, b, from: start, step: channels, weight, into: down, width)
                        }
                    }
                }
                along.update(repeating: 0, count: 4 * columns)
                for map in 0..<4 {
                    for (k, weight) in window.enumerated() {
                        let source = down + map * width + k, target = along + map * columns
                        for i in 0..<columns { target[i] += weight * source[i] }
                    }
                }
                for i in 0..<columns {
                    let x = along[i], y = along[columns + i]
                    let variances: Double = along[2 * columns + i] - x * x - y * y
                    let covariance: Double = along[3 * columns + i] - x * y
                    let means: Double = (2 * x * y + c1) / (x * x + y * y + c1)
                    total += means * (2 * covariance + c2) / (variances + c2)
                }
            }
        }
    }
    return total / Double(rows * columns)
}

private func accumulate(
    _ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>, from start: Int, step: Int, _ weight: Double,
    into maps: UnsafeMutablePointer<Double>, _ width: Int
) {
    for i in 0..<width {
        let x = Int32(a[start + i * step]), y = Int32(b[start + i * step])
        maps[i] += weight * Double(x)
        maps[width + i] += weight * Double(y)
        maps[2 * width + i] += weight * Double(x &* x &+ y &* y)
        maps[3 * width + i] += weight * Double(x &* y)
    }
}
