/// What the size of a network alone lets expect of a loss: a parabola over the logarithm of its operations, which the models learn the
/// differences from.
///
/// Families share it, each with a level of its own. So what one family's networks have shown of being larger is expected of another one's,
/// and a family that is good where it is small is tried at the sizes of the best ones: models that see decisions alone would have to learn
/// that in each family anew, and stay in the first one that became good.
///
/// It is that of least squares with a prior: slope and bend are drawn to none, and a family's level to the common one, as one more result
/// would; outliers count less (Huber's weights, bounded at twice the median difference). It goes on to one and a half times the
/// greatest size seen, and to two thirds of the least, and is level from there: a search may grow step by step.
package struct SizeTrend: Sendable {
    private static let prior = 1.0
    private static let iterations = 16
    private static let margin = 0.4  // of a logarithm
    private var slope = 0.0
    private var bend = 0.0
    /// Sizes are counted from their mean, in their standard deviations.
    private var centre = 0.0
    private var scale = 1.0
    private var range = 0.0...0.0

    package init() {}

    /// - Parameter results: sizes are logarithms.
    package init(_ results: [(size: Double, family: Int, value: Double)]) {
        let sizes = results.map(\.size)
        guard let least = sizes.min(), let greatest = sizes.max(), least < greatest else { return }
        let count = Double(results.count)
        centre = sizes.reduce(0, +) / count
        scale = (sizes.reduce(0) { $0 + ($1 - centre) * ($1 - centre) } / count).squareRoot()
        range = (least - Self.margin)...(greatest + Self.margin)
        var weights = results.map { _ in 1.0 }
        // Levels, slope and bend in turn: each step is the least squares' of its own part.
        for _ in 0..<Self.iterations {
            let differences = results.map { $0.value - self($0.size) }
            let level = zip(weights, differences).reduce(0) { $0 + $1.0 * $1.1 } / weights.reduce(0, +)
            var families: [Int: (weight: Double, sum: Double)] = [:]
            for (index, result) in results.enumerated() {
                var family = families[result.family] ?? (Self.prior, 0)
                family.weight += weights[index]
                family.sum += weights[index] * (differences[index] - level)
                families[result.family] = family
            }
            let levels = families.mapValues { level + $0.sum / $0.weight }
            let values = results.map { $0.value - levels[$0.family, default: level] }
            var (aa, ab, bb, av, bv) = (Self.prior, 0.0, Self.prior, 0.0, 0.0)
            for (weight, (size, value)) in zip(weights, zip(sizes, values)) {
                let a = (size - centre) / scale
                let b = a * a - 1
                aa += weight * a * a
                ab += weight * a * b
                bb += weight * b * b
                av += weight * a * value
                bv += weight * b * value
            }
            let determinant = aa * bb - ab * ab
            slope = (av * bb - bv * ab) / determinant
            bend = (bv * aa - av * ab) / determinant
            let rests = zip(sizes, values).map { abs($1 - self($0)) }
            let bound = 2 * rests.sorted()[rests.count / 2]
            weights = rests.map { $0 > bound && bound > 0 ? bound / $0 : 1 }
        }
    }

    package func callAsFunction(_ size: Double) -> Double {
        let place = (min(max(size, range.lowerBound), range.upperBound) - centre) / scale
        return slope * place + bend * (place * place - 1)
    }
}
