import Foundation

/// One axis: its range, its ticks at 1, 2 or 5 times a power of ten, and where a value lies on it.
package struct Axis: Sendable, Equatable {
    package let isLogarithmic: Bool
    /// Labelled places, ascending; the first and the last are the axis' ends.
    package let ticks: [Double]
    /// Places between them without a label (logarithmic axes).
    package let minorTicks: [Double]
    private let step: Double

    package var low: Double { ticks[0] }
    package var high: Double { ticks[ticks.count - 1] }

    /// An axis that covers every finite value, with some air (a share of the range). No values give 0...1, equal ones a
    /// range around them.
    /// - Parameter logarithmic: asks for a logarithmic scale, which needs positive values.
    package init(covering values: [Double], logarithmic: Bool = false, count: Int = 6, air share: Double = 0.03) {
        let finite = values.filter { $0.isFinite && abs($0) < 1e100 && !(logarithmic && $0 <= 1e-99) }
        var low = finite.min() ?? (logarithmic ? 1 : 0)
        var high = finite.max() ?? (logarithmic ? 10 : 1)
        if logarithmic {
            let air = pow(high / low, share / 2) * 1.02
            (low, high) = (low / air, high * air)
            let decades = Int(floor(log10(low) - 1e-9))...Int(ceil(log10(high) + 1e-9))
            let mantissas: [Double] = decades.count <= 5 ? [1, 2, 5] : [1]
            let stride = max(1, decades.count / 8)
            var places: [Double] = []
            for exponent in Swift.stride(from: decades.lowerBound, to: decades.upperBound + stride, by: stride) {
                places += mantissas.map { $0 * powerOfTen(exponent) }
            }
            let first = places.lastIndex { $0 <= low } ?? 0
            let last = places.firstIndex { $0 >= high } ?? places.count - 1
            ticks = Array(places[first...last])
            let (from, to) = (places[first], places[last])
            minorTicks = decades.count > 5 ? [] : decades.flatMap { exponent in
                [3, 4, 6, 7, 8, 9].map { $0 * powerOfTen(exponent) }
            }.filter { $0 > from && $0 < to }
            isLogarithmic = true
            step = 0
            return
        }
        if high - low <= max(1e-100, max(abs(low), abs(high)) * 1e-9) {
            let air = abs(low) < 1e-99 ? 1 : abs(low) * 0.02
            (low, high) = (low - air, high + air)
        } else {
            let air = (high - low) * share
            // A range that starts at nought, such as a count of trials, keeps its nought.
            low = low >= 0 && low <= (high - low) * 0.1 ? 0 : low - air
            high += air
        }
        step = Self.niceStep((high - low) / Double(max(1, count)))
        let first = floor(low / step + 1e-9)
        let last = max(first + 1, ceil(high / step - 1e-9))
        let width = step
        ticks = Swift.stride(from: first, through: last, by: 1).map { Self.multiple($0, of: width) }
        minorTicks = []
        isLogarithmic = false
    }

    /// The smallest of 1, 2 and 5 times a power of ten that is no smaller.
    package static func niceStep(_ rough: Double) -> Double {
        let exponent = Int(floor(log10(rough)))
        for mantissa in [1.0, 2, 5] where mantissa * powerOfTen(exponent) >= rough * (1 - 1e-9) {
            return mantissa * powerOfTen(exponent)
        }
        return powerOfTen(exponent + 1)
    }

    /// Where the value lies: 0 at the low end, 1 at the high one; outside of it beyond the ends.
    package func fraction(_ value: Double) -> Double {
        if isLogarithmic {
            guard value > 0 else { return -1 }
            return log(value / low) / log(high / low)
        }
        return (value - low) / (high - low)
    }

    package func label(_ tick: Double) -> String {
        let magnitude = max(abs(low), abs(high))
        if tick != 0, magnitude >= 1e6 || (isLogarithmic ? abs(tick) < 1e-4 : magnitude < 1e-3) {
            let exponent = Int(floor(log10(abs(tick)) + 1e-9))
            let mantissa = String(format: "%.6g", tick / powerOfTen(exponent))
            let power = "10" + String(exponent).map { Self.superscripts[$0] ?? String($0) }.joined()
            return mantissa == "1" ? power : "\(mantissa)·\(power)"
        }
        if isLogarithmic { return String(format: "%.6g", tick) }
        return decimal(tick, digits: max(0, -Int(floor(log10(step) + 1e-9))))
    }

    private static let superscripts: [Character: String] = [
        "-": "⁻", "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸", "9": "⁹",
    ]

    /// `count * step` without the rounding error of a step below 1.
    private static func multiple(_ count: Double, of step: Double) -> Double {
        step < 1 ? count / (1 / step).rounded() : count * step
    }
}

/// Correctly rounded for every exponent, unlike `pow`.
func powerOfTen(_ exponent: Int) -> Double { Double("1e\(exponent)") ?? pow(10, Double(exponent)) }
