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

    /// The mean of max(0, bound - loss) of a loss whose warped value is normal; the bound is at most the reference.
    func expectedShortfall(below bound: Double, mean: Double, deviation: Double) -> Double {
        guard isLogarithmic else {
            let z = (bound - mean) / deviation
            return max(0, deviation * normalDensity(z) + (bound - mean) * normalDistribution(z))
        }
        guard bound > 0 else { return 0 }
        let z = (log(bound) - mean) / deviation
        return max(0, bound * normalDistribution(z) - exp(mean + deviation * deviation / 2) * normalDistribution(z - deviation))
    }
}
