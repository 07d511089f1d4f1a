import Foundation

/// How a loss is told to a model, increasing: as it is up to the reference, in its logarithm, or both with what lies beyond the
/// reference drawn together. Beyond it nothing counts, so a model need not spend itself on how bad the bad are.
struct Warp: Sendable {
    var isLogarithmic = false
    var reference: Double
    /// The loss beyond the reference that is drawn together to about seven tenths.
    var span: Double

    func callAsFunction(_ loss: Double) -> Double {
        if isLogarithmic { return log(loss) }
        return loss <= reference ? loss : reference + span * log1p((loss - reference) / span)
    }

    func inverse(_ value: Double) -> Double {
        if isLogarithmic { return exp(value) }
        return value <= reference ? value : reference + span * expm1(min((value - reference) / span, 50))
    }

    /// For each bound, which is at most the reference and whose warped value is given, the mean of max(0, bound - loss) of a loss whose
    /// warped value is normal.
    func expectedShortfalls(below bounds: [Double], warped: [Double], mean: Double, deviation: Double) -> [Double] {
        let middle = isLogarithmic ? exp(mean + deviation * deviation / 2) : mean
        return bounds.indices.map { index in
            let z = (warped[index] - mean) / deviation
            // Beyond seven deviations what is left out is below 1e-12 of one.
            if z < -7 { return 0 }
            if z > 7 + deviation { return max(0, bounds[index] - middle) }
            guard isLogarithmic else {
                return max(0, deviation * normalDensity(z) + (bounds[index] - mean) * normalDistribution(z))
            }
            return max(0, bounds[index] * normalDistribution(z) - middle * normalDistribution(z - deviation))
        }
    }
}
