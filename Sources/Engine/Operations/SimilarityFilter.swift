/// The fast form of SSIM and its gradient: the window is separable, so sums run down the rows, then along.
struct SimilarityFilter {
    let shape: Shape
    private let window: [Float] = similarityWindow.map { Float($0) }

    init(_ shape: Shape) { self.shape = shape }

    private var rows: Int { shape.height - window.count + 1 }
    private var columns: Int { shape.width - window.count + 1 }
    private var rowStride: Int { shape.width * shape.channels }
    private var places: Int { shape.batch * rows * columns * shape.channels }

    /// The mean SSIM.
    func mean(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>) -> Double {
        var sum = 0.0
        for image in 0..<shape.batch {
            let start = image * shape.height * rowStride
            forEachRow(x + start, y + start) { _, along, count in
                for i in 0..<count { sum += Double(similarity(along, i, count).value) }
            }
        }
        return sum / Double(places)
    }

    /// dx = scale times the gradient of the mean SSIM by x.
    func writeGradient(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, scale: Double, to dx: UnsafeMutablePointer<Float>) {
        let scale = Float(scale / Double(places)), channels = shape.channels, wide = rowStride
        dx.update(repeating: 0, count: shape.count)
        // The slopes of a row of places, by the means of x, of x² and of xy, spread along the row.
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * wide) { buffer in
            guard let spread = buffer.baseAddress else { return }
            for image in 0..<shape.batch {
                let start = image * shape.height * rowStride
                let (x, y, dx) = (x + start, y + start, dx + start)
                forEachRow(x, y) { row, along, count in
                    spread.update(repeating: 0, count: 3 * wide)
                    for i in 0..<count {
                        let slopes = similarity(along, i, count)
                        let (mean, square, product) = (scale * slopes.mean, 2 * scale * slopes.square, scale * slopes.product)
                        for (k, weight) in window.enumerated() {
                            let at = i + k * channels
                            spread[at] += weight * mean
                            spread[wide + at] += weight * square
                            spread[2 * wide + at] += weight * product
                        }
                    }
                    for (k, weight) in window.enumerated() {
                        let line = (row + k) * wide
                        for i in 0..<wide {
                            let slope: Float = spread[i] + x[line + i] * spread[wide + i] + y[line + i] * spread[2 * wide + i]
                            dx[line + i] += weight * slope
                        }
                    }
                }
            }
        }
    }

    private func similarity(_ along: UnsafePointer<Float>, _ i: Int, _ count: Int) -> Similarity<Float> {
        Similarity(x: along[i], y: along[count + i], squares: along[2 * count + i], product: along[3 * count + i])
    }

    /// Calls `body` with each row of places of one image: the means of x, y, x² + y² and xy, one map behind another, `count` = columns x
    /// channels each.
    private func forEachRow(
        _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ body: (_ row: Int, _ along: UnsafePointer<Float>, _ count: Int) -> Void
    ) {
        let wide = rowStride, count = columns * shape.channels, channels = shape.channels
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 4 * (wide + count)) { buffer in
            guard let down = buffer.baseAddress else { return }
            let along = down + 4 * wide
            for row in 0..<rows {
                buffer.update(repeating: 0)
                for (k, weight) in window.enumerated() {
                    let (a, b) = (x + (row + k) * wide, y + (row + k) * wide)
                    for i in 0..<wide {
                        let (u, v) = (a[i], b[i])
                        down[i] += weight * u
                        down[wide + i] += weight * v
                        down[2 * wide + i] += weight * (u * u + v * v)
                        down[3 * wide + i] += weight * (u * v)
                    }
                }
                for map in 0..<4 {
                    for (k, weight) in window.enumerated() {
                        let source = down + map * wide + k * channels, target = along + map * count
                        for i in 0..<count { target[i] += weight * source[i] }
                    }
                }
                body(row, along, count)
            }
        }
    }
}
