import Foundation

/// The Mann-Whitney test of two independent samples (Mann and Whitney, 1947): two-sided, by the normal distribution with corrections for
/// ties and continuity.
package struct MannWhitney: Sendable, Equatable {
    /// The number of pairs in which the first sample's value is the larger one, equal ones counted half.
    package let u: Double
    /// How likely samples of one distribution lie so far apart.
    package let p: Double

    package init(_ first: [Double], _ second: [Double]) {
        precondition(!first.isEmpty && !second.isEmpty)
        let all = (first.map { ($0, true) } + second.map { ($0, false) }).sorted { $0.0 < $1.0 }
        let (n, m) = (Double(first.count), Double(second.count))
        var (rankSum, ties) = (0.0, 0.0)
        var begin = 0
        while begin < all.count {
            let end = all[begin...].firstIndex { $0.0 != all[begin].0 } ?? all.count
            let count = Double(end - begin)
            rankSum += Double(all[begin..<end].count { $0.1 }) * (Double(begin + end + 1) / 2)
            ties += count * count * count - count
            begin = end
        }
        u = rankSum - n * (n + 1) / 2
        let total = n + m
        let variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
        let distance = max(0, abs(u - n * m / 2) - 0.5)
        p = variance > 0 ? min(1, erfc(distance / variance.squareRoot() / 2.0.squareRoot())) : 1
    }
}
