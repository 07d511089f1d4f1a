import Foundation

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
        halfWidth = Self.quantile(freedom: count - 1) * (variance / count).squareRoot()
    }

    /// Of Student's t at 97.5 %: exact for 1 to 4 degrees of freedom, else the expansion of Abramowitz and Stegun, 26.7.5, to 0.001.
    static func quantile(freedom: Double) -> Double {
        let exact = [12.7062, 4.3027, 3.1824, 2.7764]
        if freedom < 5 { return exact[max(0, Int(freedom) - 1)] }
        let z = 1.959964
        let (z3, z5, z7) = (z * z * z, z * z * z * z * z, z * z * z * z * z * z * z)
        return z + (z3 + z) / (4 * freedom) + (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom * freedom)
            + (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * freedom * freedom * freedom)
    }
}
