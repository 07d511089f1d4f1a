import Foundation

/// Every problem that `halcyon bench search --problem` knows.
package let problemCatalogue: [AnalyticProblem] = [.zdt1, .zdt2, .zdt3, .dtlz2, .srn, .osy]

/// Zitzler, Deb, Thiele, "Comparison of multiobjective evolutionary algorithms: empirical results", 2000, with 30 decisions.
extension AnalyticProblem {
    static let zdt1 = zdt("zdt1", 7.7 - 1 / 3.0) { f, g in g * (1 - (f / g).squareRoot()) }
    static let zdt2 = zdt("zdt2", 7.7 - 2 / 3.0) { f, g in g * (1 - f / g * (f / g)) }
    static let zdt3 = zdt("zdt3", 7.8217627) { f, g in g * (1 - (f / g).squareRoot() - f / g * sin(10 * .pi * f)) }

    private static func zdt(
        _ name: String, _ hypervolume: Double, _ second: @escaping @Sendable (_ f: Double, _ g: Double) -> Double
    ) -> AnalyticProblem {
        AnalyticProblem(
            name, ranges: Array(repeating: (0, 1), count: 30), reference: [1.1, 7], hypervolume: hypervolume
        ) { x in ([x[0], second(x[0], 1 + 9 * x.dropFirst().reduce(0, +) / 29)], []) }
    }

    /// Deb, Thiele, Laumanns, Zitzler, "Scalable test problems for evolutionary multiobjective optimization", 2005: three objectives,
    /// 12 decisions; the front is an eighth of the unit sphere.
    static let dtlz2 = AnalyticProblem(
        "dtlz2", ranges: Array(repeating: (0, 1), count: 12), reference: [2.5, 2.5, 2.5], hypervolume: 15.625 - .pi / 6
    ) { x in
        let radius = 1 + x.dropFirst(2).reduce(0) { $0 + ($1 - 0.5) * ($1 - 0.5) }
        let (a, b) = (x[0] * .pi / 2, x[1] * .pi / 2)
        return ([radius * cos(a) * cos(b), radius * cos(a) * sin(b), radius * sin(a)], [])
    }

    /// Srinivas and Deb, "Multiobjective optimization using nondominated sorting in genetic algorithms", 1994: two constraints. The
    /// front's hypervolume is that of a dense grid.
    static let srn = AnalyticProblem(
        "srn", ranges: Array(repeating: (-20, 20), count: 2), reference: [250, 50], constraintCount: 2, hypervolume: 42689.70
    ) { x in
        let (a, b) = (x[0], x[1])
        return (
            [2 + (a - 2) * (a - 2) + (b - 1) * (b - 1), 9 * a - (b - 1) * (b - 1)], [(a * a + b * b - 225) / 225, (a - 3 * b + 10) / 10]
        )
    }

    /// Osyczka and Kundu, "A new method to solve generalized multicriteria optimization problems using the simple genetic algorithm",
    /// 1995: six constraints, which meet along most of the front (its five pieces: Deb 2001, section 8.3).
    static let osy = AnalyticProblem(
        "osy", ranges: [(0, 10), (0, 10), (1, 5), (0, 6), (1, 5), (0, 10)], reference: [0, 80], constraintCount: 6, hypervolume: 16796.05
    ) { x in
        func square(_ value: Double) -> Double { value * value }
        let first = 25 * square(x[0] - 2) + square(x[1] - 2) + square(x[2] - 1) + square(x[3] - 4) + square(x[4] - 1)
        let second = x.reduce(0) { $0 + square($1) }
        let spare = [
            (x[0] + x[1] - 2) / 2, (6 - x[0] - x[1]) / 6, (2 - x[1] + x[0]) / 2, (2 - x[0] + 3 * x[1]) / 2,
            (4 - square(x[2] - 3) - x[3]) / 4, (square(x[4] - 3) + x[5] - 4) / 4,
        ]
        return ([-first, second], spare.map { -$0 })
    }
}
