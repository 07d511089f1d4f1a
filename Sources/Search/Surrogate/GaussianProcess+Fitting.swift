import COpenBLAS
import Foundation

extension GaussianProcess.Parameters {
    /// Before there are results: two random points differ by about 1.5 in all.
    init(_ space: KernelSpace, active: Double) {
        weights = Array(repeating: 2 / max(active, 1), count: space.groupCount)
        weights[space.groupCount - 1] = 2
        noise = 0.001
    }
}

/// Fits parameters to results by their marginal likelihood (Rasmussen and Williams 2006, equations 5.8 and 5.9, the variance and the
/// mean profiled out), with a prior: normal in the logarithm, about where a space's parameters begin. Steps are Rprop's (Riedmiller
/// and Braun 1993, without backtracking), kept from fit to fit.
struct GaussianProcessFitter: Sendable {
    private(set) var parameters: GaussianProcess.Parameters
    private let centre: [Double]
    private var logarithms: [Double]
    private var steps: [Double]
    private var signs: [Double]

    private static let spread = 1.0
    private static let noiseSpread = 2.5
    private static let range = log(1e-4)...log(30)
    private static let noiseRange = log(1e-6)...log(1)

    init(_ start: GaussianProcess.Parameters) {
        parameters = start
        logarithms = (start.weights + [start.noise]).map { log($0) }
        centre = logarithms
        steps = Array(repeating: 0.4, count: logarithms.count)
        signs = Array(repeating: 0, count: logarithms.count)
    }

    /// Some steps up. O(n^3 + n^2 * groups) each.
    mutating func fit(_ inputs: [KernelInput], targets: [Double], in space: KernelSpace, iterations: Int) {
        let differences = Differences(inputs, in: space)
        for _ in 0..<iterations {
            let gradient = gradient(differences, targets)
            for index in logarithms.indices {
                let isNoise = index == logarithms.count - 1
                let spread = isNoise ? Self.noiseSpread : Self.spread
                let slope = gradient[index] - (logarithms[index] - centre[index]) / (spread * spread)
                let sign: Double = slope > 0 ? 1 : slope < 0 ? -1 : 0
                if sign * signs[index] > 0 { steps[index] = min(steps[index] * 1.3, 1) }
                if sign * signs[index] < 0 { steps[index] = max(steps[index] * 0.5, 0.02) }
                signs[index] = sign
                let range = isNoise ? Self.noiseRange : Self.range
                logarithms[index] = min(max(logarithms[index] + sign * steps[index], range.lowerBound), range.upperBound)
            }
            parameters.weights = logarithms.dropLast().map { exp($0) }
            parameters.noise = exp(logarithms[logarithms.count - 1])
        }
    }

    /// The groups' differences of each pair of points.
    private struct Differences {
        let count: Int
        let groupCount: Int
        /// For the pair (i, j < i): at (i (i - 1) / 2 + j) * groups.
        var values: [Double] = []

        init(_ inputs: [KernelInput], in space: KernelSpace) {
            count = inputs.count
            groupCount = space.groupCount
            values.reserveCapacity(count * (count - 1) / 2 * groupCount)
            // A probe with unit weights for one group after the other would be groups times as slow: decision by decision instead.
            var taken = Array(repeating: Int32(-1), count: space.groups.count)
            var places = Array(repeating: Double.nan, count: space.groups.count)
            for (index, input) in inputs.enumerated() {
                for (slot, alternative) in zip(input.choices, input.alternatives) { taken[Int(slot)] = alternative }
                for number in input.numbers { places[Int(number.slot)] = number.place }
                for other in inputs[..<index] {
                    var row = Array(repeating: 0.0, count: groupCount)
                    for (group, count) in input.active { row[Int(group)] += count }
                    for (group, count) in other.active { row[Int(group)] += count }
                    for (slot, alternative) in zip(other.choices, other.alternatives) where taken[Int(slot)] >= 0 {
                        row[space.groups[Int(slot)]] -= taken[Int(slot)] == alternative ? 2 : 1
                    }
                    for number in other.numbers where !places[Int(number.slot)].isNaN {
                        let step = places[Int(number.slot)] - number.place
                        row[space.groups[Int(number.slot)]] -= 2 - 2 * step * step
                    }
                    let step = input.resource - other.resource
                    row[groupCount - 1] += 2 * step * step
                    values += row
                }
                for slot in input.choices { taken[Int(slot)] = -1 }
                for number in input.numbers { places[Int(number.slot)] = .nan }
            }
        }
    }

    /// The slope of the logarithm of the marginal likelihood in the logarithm of each parameter.
    ///
    /// Cholesky factor and inverse are LAPACK's, whose last bits depend on the processor. Of a slope only the sign is used, so decisions
    /// do not.
    private func gradient(_ differences: Differences, _ targets: [Double]) -> [Double] {
        let (count, groups) = (differences.count, differences.groupCount)
        let weights = parameters.weights.map { -$0 }
        // Pair by pair, and in the lower triangle of a matrix.
        var kernel = Array(repeating: 0.0, count: count * (count - 1) / 2)
        differences.values.withUnsafeBufferPointer { values in
            guard let values = values.baseAddress else { return }
            for pair in kernel.indices { kernel[pair] = dot(weights, values + pair * groups, groups) }
        }
        exponentiate(&kernel)
        var inverse = Array(repeating: 0.0, count: count * count)
        for row in 0..<count {
            for column in 0..<row { inverse[row * count + column] = kernel[row * (row - 1) / 2 + column] }
            inverse[row * count + row] = 1 + parameters.noise
        }
        var gradient = Array(repeating: 0.0, count: groups + 1)
        guard halcyon_cholesky(&inverse, Int32(count)) == 0, halcyon_cholesky_inverse(&inverse, Int32(count)) == 0 else {
            // Points too near to one another: more noise tells them apart.
            gradient[groups] = 1
            return gradient
        }
        let mean = targets.reduce(0, +) / Double(count)
        let centred = targets.map { $0 - mean }
        var coefficients = Array(repeating: 0.0, count: count)
        inverse.withUnsafeBufferPointer { inverse in
            guard let base = inverse.baseAddress else { return }
            for row in 0..<count {
                let line = base + row * count
                coefficients[row] += dot(line, centred, row + 1)
                add(&coefficients, centred[row], line, row)
            }
        }
        let variance = max(dot(centred, coefficients, count) / Double(count), 1e-12)
        differences.values.withUnsafeBufferPointer { values in
            guard let values = values.baseAddress else { return }
            for row in 0..<count {
                for column in 0..<row {
                    let pair = row * (row - 1) / 2 + column
                    let pull = coefficients[row] * coefficients[column] / variance - inverse[row * count + column]
                    add(&gradient, -pull * kernel[pair], values + pair * groups, groups)
                }
                let pull = coefficients[row] * coefficients[row] / variance - inverse[row * count + row]
                gradient[groups] += 0.5 * pull * parameters.noise
            }
        }
        for group in 0..<groups { gradient[group] *= parameters.weights[group] }
        return gradient
    }
}
