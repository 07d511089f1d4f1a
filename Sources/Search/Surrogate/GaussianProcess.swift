import SearchSpaces

/// A Gaussian process over genotypes with the kernel k(x, y) = s^2 (exp(-sum of weights * differences) + noise [x is y]): small
/// weights make it nearly additive in the decisions, larger ones let pairs and more of them matter (Rasmussen and Williams,
/// "Gaussian processes for machine learning", 2006, sections 2.2, 2.3 and 5.4.1; the kernel on alternatives is that of Hutter's
/// random-field surrogates and of Oh et al., COMBO, 2019, on complete graphs).
///
/// The factor grows row by row, so a new point costs O(n^2); what is known of the first rows does not depend on later ones.
struct GaussianProcess: Sendable {
    /// The kernel's parameters.
    struct Parameters: Sendable, Equatable {
        /// One weight a group.
        var weights: [Double]
        /// The noise's part of the variance.
        var noise: Double
    }

    private(set) var parameters: Parameters
    private var points = KernelPoints()
    /// The lower triangular factor of the kernel matrix, row after row.
    private var factor: [Double] = []
    private var probe: KernelProbe
    private var probed: KernelInput?
    /// The kernel matrix's inverse times the targets less their mean.
    private(set) var coefficients: [Double] = []
    private(set) var mean = 0.0
    private(set) var variance = 1.0

    init(_ parameters: Parameters, in space: KernelSpace) {
        self.parameters = parameters
        probe = KernelProbe(space, weights: parameters.weights)
    }

    var count: Int { points.count }

    /// Keeps the first points alone.
    mutating func truncate(_ count: Int) {
        points.truncate(count)
        factor.removeLast(factor.count - count * (count + 1) / 2)
    }

    /// Adds a point: a row of the factor.
    mutating func append(_ input: KernelInput, in space: KernelSpace) {
        var row = correlations(input, in: space)
        let rest = solve(&row, 1 + parameters.noise)
        row.append(max(rest, 1e-9).squareRoot())
        factor += row
        points.append(input, weights: parameters.weights)
    }

    /// Replaces the row by the factor's inverse times it. Returns `diagonal` less the sum of its squares.
    private func solve(_ row: inout [Double], _ diagonal: Double) -> Double {
        let count = row.count
        return row.withUnsafeMutableBufferPointer { row in
            factor.withUnsafeBufferPointer { factor in
                guard let values = row.baseAddress, let base = factor.baseAddress else { return diagonal }
                var start = 0
                for index in 0..<count {
                    values[index] = (values[index] - dot(base + start, values, index)) / base[start + index]
                    start += index + 1
                }
                return diagonal - dot(values, values, count)
            }
        }
    }

    /// The kernel between a point and all those of the model, without noise, in units of the variance.
    mutating func correlations(_ input: KernelInput, in space: KernelSpace) -> [Double] {
        probe.set(input, in: space, replacing: probed)
        probed = input
        return probe.correlations(with: points)
    }

    /// The kernel between the point that was asked for last and others.
    func correlations(with others: some Collection<KernelInput>) -> [Double] {
        probe.correlations(with: others.reduce(into: KernelPoints()) { $0.append($1, weights: parameters.weights) })
    }

    /// Sets the targets of the first points; later ones (pending trials) are known to lie somewhere, so they lower the uncertainty near
    /// them, but not to which value.
    mutating func condition(_ targets: [Double]) {
        let count = targets.count
        mean = targets.reduce(0, +) / Double(max(count, 1))
        var values = targets.map { $0 - mean }
        _ = solve(&values, 0)
        variance = max(values.reduce(0) { $0 + $1 * $1 } / Double(max(count, 1)), 1e-12)
        values.withUnsafeMutableBufferPointer { values in
            factor.withUnsafeBufferPointer { factor in
                guard let target = values.baseAddress, let base = factor.baseAddress else { return }
                for index in stride(from: count - 1, through: 0, by: -1) {
                    let start = index * (index + 1) / 2
                    target[index] /= base[start + index]
                    add(target, -target[index], base + start, index)
                }
            }
        }
        coefficients = values
    }

    func mean(_ correlations: [Double]) -> Double {
        mean
            + correlations.withUnsafeBufferPointer { values in
                coefficients.withUnsafeBufferPointer { coefficients in
                    guard let a = values.baseAddress, let b = coefficients.baseAddress else { return 0 }
                    return dot(a, b, coefficients.count)
                }
            }
    }

    /// The standard deviation of the function (without noise) at a point.
    func deviation(_ correlations: [Double]) -> Double {
        var row = correlations
        return (variance * max(solve(&row, 1), 1e-9)).squareRoot()
    }

    /// A bound on it that needs no factor: what the nearest point alone leaves.
    func roughDeviation(_ correlations: [Double]) -> Double {
        let nearest = correlations.max() ?? 0
        return (variance * max(1 - nearest * nearest / (1 + parameters.noise), 1e-9)).squareRoot()
    }
}
