import Foundation
import Reporting
import Testing

@Suite struct AxisLaws {
    /// Ranges of every size and place, with what an axis must survive.
    static let samples: [[Double]] = [
        [], [0], [-0.0], [5], [-3.25], [1e-12], [1e15], [0, 1], [29.13, 30.43], [0, 64], [-2, 7], [0.999999, 1.000001],
        [1e-7, 3e-7], [1, 1 + 1e-15], [2e9, 7e9], [-1e6, 1e6], [.nan, 3, .infinity], [.nan], [-.infinity, 1, 2], [3, 8, 12.7],
        [0.0004, 8000], [1.6, 290], [10, 100], [9.99, 1000.01], [1e-30, 1e30], [0, 1e-300],
        [.leastNonzeroMagnitude, 1], [0, .leastNonzeroMagnitude], [-5, 100],
    ]

    @Test(arguments: samples, [false, true])
    func ticksAreNiceIncreasingAndCoverTheRange(values: [Double], logarithmic: Bool) {
        let axis = Axis(covering: values, logarithmic: logarithmic)
        #expect(axis.ticks.count >= 2 && axis.ticks.count <= 40)
        #expect(axis.ticks.allSatisfy { $0.isFinite })
        #expect(zip(axis.ticks, axis.ticks.dropFirst()).allSatisfy { $0 < $1 })
        #expect(axis.fraction(axis.low) == 0 && abs(axis.fraction(axis.high) - 1) < 1e-12)
        for value in values where value.isFinite && (!logarithmic || value > 1e-99) {
            #expect(axis.low <= value && value <= axis.high)
            #expect((0...1).contains(axis.fraction(value)))
        }
        #expect(axis.minorTicks.allSatisfy { $0 > axis.low && $0 < axis.high })
        if axis.isLogarithmic {
            #expect(axis.ticks.allSatisfy(Self.isNice))
        } else {
            let step = axis.ticks[1] - axis.ticks[0]
            #expect(Self.isNice(step), "step \(step)")
            for (a, b) in zip(axis.ticks, axis.ticks.dropFirst()) { #expect(abs((b - a) / step - 1) < 1e-6) }
        }
        #expect(Set(axis.ticks.map(axis.label)).count == axis.ticks.count, "labels \(axis.ticks.map(axis.label))")
    }

    @Test func labelsReadWell() {
        func labels(_ values: [Double], logarithmic: Bool = false) -> [String] {
            let axis = Axis(covering: values, logarithmic: logarithmic, air: 0)
            return axis.ticks.map(axis.label)
        }
        #expect(labels([0, 1]) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
        #expect(labels([29, 30.2]) == ["29.0", "29.2", "29.4", "29.6", "29.8", "30.0", "30.2"])
        #expect(labels([0, 1500]) == ["0", "500", "1000", "1500"])
        #expect(labels([1.1, 90], logarithmic: true) == ["1", "2", "5", "10", "20", "50", "100"])
        #expect(labels([0, 3e6]) == ["0", "5·10⁵", "10⁶", "1.5·10⁶", "2·10⁶", "2.5·10⁶", "3·10⁶"])
    }

    @Test func niceStepsAreTheNextOnes() {
        #expect([0.011, 0.02, 0.3, 1, 1.2, 4.9, 5.1, 70].map(Axis.niceStep) == [0.02, 0.02, 0.5, 1, 2, 5, 10, 100])
    }

    private static func isNice(_ value: Double) -> Bool {
        let mantissa = value / pow(10, floor(log10(value) + 1e-6))
        return [1.0, 2, 5].contains { abs(mantissa - $0) < 1e-5 }
    }
}
