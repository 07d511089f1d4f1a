import Foundation
import RandomStreams

/// How the values of a numeric decision are spread: evenly, or evenly in their logarithm.
package enum Scale: String, Sendable, Hashable, CaseIterable {
    case linear, log

    fileprivate func forward(_ value: Double) -> Double { self == .log ? Foundation.log(value) : value }
    fileprivate func backward(_ value: Double) -> Double { self == .log ? exp(value) : value }
}

/// The integers low, low + step, ... that are at most `high`.
package struct IntRange: Sendable, Hashable {
    package let low: Int
    /// The largest value, always one of the steps.
    package let high: Int
    package let step: Int
    package let scale: Scale

    /// `step` at least 1, `low` at most `high`; with a log scale `low` is at least 1.
    package init(low: Int, high: Int, step: Int = 1, scale: Scale = .linear) {
        precondition(low <= high && step >= 1 && (scale == .linear || low >= 1))
        self.low = low
        self.high = low + (high - low) / step * step
        self.step = step
        self.scale = scale
    }

    package var count: Int { (high - low) / step + 1 }
    package func value(at index: Int) -> Int { low + index * step }
    package func index(of value: Int) -> Int { (value - low) / step }
    package func contains(_ value: Int) -> Bool { value >= low && value <= high && (value - low) % step == 0 }

    /// The value's place in 0...1 on the scale; 0 when there is one value.
    package func unit(_ value: Int) -> Double {
        let (bottom, top) = (scale.forward(Double(low)), scale.forward(Double(high)))
        return top > bottom ? (scale.forward(Double(value)) - bottom) / (top - bottom) : 0
    }

    /// Uniform over the values; on a log scale uniform in the logarithm, each value owning half a step on either side.
    func sample(using stream: inout RandomStream) -> Int {
        guard scale == .log else { return value(at: stream.index(below: count)) }
        let half = Double(step) / 2
        let bottom = scale.forward(max(Double(low) - half, Double(low) / 2))
        return nearest(scale.backward(stream.uniform(bottom, scale.forward(Double(high) + half))))
    }

    /// Another value: near on the scale (normal, a sixth of the range wide, at least one step away).
    func moved(_ value: Int, using stream: inout RandomStream) -> Int {
        precondition(count > 1)
        let (bottom, top) = (scale.forward(Double(low)), scale.forward(Double(high)))
        let target = scale.forward(Double(value)) + stream.normal() * (top - bottom) / 6
        let found = nearest(scale.backward(target))
        if found != value { return found }
        let up = target > scale.forward(Double(value))
        if up { return value < high ? value + step : value - step }
        return value > low ? value - step : value + step
    }

    /// The nearest value to a place in 0...1 of the scale.
    package func value(atUnit place: Double) -> Int {
        let (bottom, top) = (scale.forward(Double(low)), scale.forward(Double(high)))
        return nearest(scale.backward(bottom + place * (top - bottom)))
    }

    private func nearest(_ value: Double) -> Int {
        let index = ((value - Double(low)) / Double(step)).rounded()
        return self.value(at: Int(min(max(index, 0), Double(count - 1))))
    }
}

/// The numbers from `low` to `high`; with a step low, low + step, ... that are at most `high`.
package struct FloatRange: Sendable, Hashable {
    package let low: Double
    /// The largest value; with a step always one of the steps.
    package let high: Double
    package let step: Double?
    package let scale: Scale
    private let steps: Int

    /// `low` at most `high`, both finite; `step` above 0; with a log scale `low` is above 0.
    package init(low: Double, high: Double, step: Double? = nil, scale: Scale = .linear) {
        precondition(low <= high && (scale == .linear || low > 0) && step ?? 1 > 0)
        self.low = low
        self.step = step
        self.scale = scale
        // A thousandth of a step is forgiven: (1 - 0) / 0.1 is a little less than 10.
        let count = step.map { Int(((high - low) / $0 + 1e-3).rounded(.down)) } ?? 0
        steps = count
        self.high = step.map { Self.value(low, $0, count) } ?? high
    }

    private static func value(_ low: Double, _ step: Double, _ index: Int) -> Double {
        let exact = low + Double(index) * step
        // 0.3 and not 0.30000000000000004.
        let short = (exact * 1e9).rounded() / 1e9
        return abs(short - exact) <= 4 * max(abs(low), abs(exact)).ulp ? short : exact
    }

    /// How many values there are; nil when they are not countable.
    package var count: Int? { step != nil ? steps + 1 : low == high ? 1 : nil }
    package func value(at index: Int) -> Double { step.map { Self.value(low, $0, index) } ?? low }
    package func index(of value: Double) -> Int { step.map { Int(((value - low) / $0).rounded()) } ?? 0 }

    package func contains(_ value: Double) -> Bool {
        value >= low && value <= high && (step == nil || self.value(at: index(of: value)) == value)
    }

    /// The value's place in 0...1 on the scale; 0 when low equals high.
    package func unit(_ value: Double) -> Double {
        let (bottom, top) = (scale.forward(low), scale.forward(high))
        return top > bottom ? (scale.forward(value) - bottom) / (top - bottom) : 0
    }

    /// The value at a place in 0...1 of the scale, the nearest where there are steps; places outside are clamped.
    package func value(atUnit place: Double) -> Double {
        if place <= 0 { return low }
        if place >= 1 { return high }
        let (bottom, top) = (scale.forward(low), scale.forward(high))
        let found = min(max(scale.backward(bottom + place * (top - bottom)), low), high)
        return step == nil ? found : nearest(found)
    }

    private func nearest(_ value: Double) -> Double { self.value(at: min(max(index(of: value), 0), steps)) }

    /// Uniform on the scale; of steps on a log scale each owns half a step on either side.
    func sample(using stream: inout RandomStream) -> Double {
        guard let step else { return value(atUnit: stream.uniform()) }
        guard scale == .log else { return value(at: stream.index(below: steps + 1)) }
        let bottom = scale.forward(max(low - step / 2, low / 2))
        return nearest(scale.backward(stream.uniform(bottom, scale.forward(high + step / 2))))
    }

    /// Another value: near on the scale (normal, a sixth of the range wide, at least one step away), turned back at the ends.
    func moved(_ value: Double, using stream: inout RandomStream) -> Double {
        precondition(high > low)
        let place = unit(value)
        var move = stream.normal() / 6
        if place + move < 0 || place + move > 1 { move = -move }
        let found = self.value(atUnit: place + move)
        if found != value { return found }
        guard step != nil else { return value < high ? high : low }
        let index = index(of: value)
        return self.value(at: (move > 0 && index < steps) || index == 0 ? index + 1 : index - 1)
    }

    /// The values beside it: one step up and down, or a tenth of the range.
    func adjacent(to value: Double) -> [Double] {
        if step == nil {
            let place = unit(value)
            return [self.value(atUnit: place - 0.1), self.value(atUnit: place + 0.1)].filter { $0 != value }
        }
        let index = index(of: value)
        return [index - 1, index + 1].filter { (0...steps).contains($0) }.map(self.value(at:))
    }
}

func powered(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
