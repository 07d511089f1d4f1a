/// What the size of a network alone lets expect of a loss: a line over the logarithm of its operations, which the models learn the
/// differences from. Most of what tells networks apart is how large they are, and a handful of results shows it.
///
/// The line is that of least squares, outliers counted less (Huber's weights, bounded at twice the median difference), with so many more
/// results that lie level as `prior` says: a few results make it less steep.
package struct SizeTrend: Sendable {
    private static let prior = 1.0
    private static let iterations = 8
    private var slope = 0.0
    /// Where the line is zero: it tells differences between sizes alone.
    private var centre = 0.0

    package init() {}

    package init(_ points: [(size: Double, value: Double)]) {
        guard points.count > 1 else { return }
        var weights = points.map { _ in 1.0 }
        for _ in 0..<Self.iterations {
            let total = weights.reduce(0, +)
            func mean(_ value: ((size: Double, value: Double)) -> Double) -> Double {
                zip(points, weights).reduce(0) { $0 + $1.1 * value($1.0) } / total
            }
            centre = mean(\.size)
            let level = mean(\.value)
            let variance = mean { ($0.size - self.centre) * ($0.size - self.centre) }
            let covariance = mean { ($0.size - self.centre) * ($0.value - level) }
            slope = variance > 0 ? covariance / variance * total / (total + Self.prior) : 0
            let residuals = points.map { abs($0.value - level - self($0.size)) }
            let bound = 2 * residuals.sorted()[residuals.count / 2]
            weights = residuals.map { $0 > bound ? bound / $0 : 1 }
            if bound == 0 { return }
        }
    }

    package func callAsFunction(_ size: Double) -> Double { slope * (size - centre) }
}
