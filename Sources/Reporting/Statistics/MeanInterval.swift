import Search

/// The mean of a sample and half the width of its 95 % interval (Student's t).
package struct MeanInterval: Sendable, Equatable {
    package let mean: Double
    /// NaN of fewer than two values.
    package let halfWidth: Double

    package init(_ values: [Double]) {
        precondition(!values.isEmpty)
        let count = Double(values.count)
        mean = values.reduce(0, +) / count
        guard values.count > 1 else {
            halfWidth = .nan
            return
        }
        let mean = mean
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
        halfWidth = studentQuantile(freedom: count - 1) * (variance / count).squareRoot()
    }
}
