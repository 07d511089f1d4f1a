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

/// The numbers from `low` to `high`.
package struct FloatRange: Sendable, Hashable {
    package let low: Double
    package let high: Double
    package let scale: Scale

    /// `low` at most `high`, both finite; with a log scale `low` is above 0.
    package init(low: Double, high: Double, scale: Scale = .linear) {
        precondition(low <= high && (scale == .linear || low > 0))
        self.low = low
        self.high = high
        self.scale = scale
    }

    package func contains(_ value: Double) -> Bool { value >= low && value <= high }

    /// The value's place in 0...1 on the scale; 0 when low equals high.
    package func unit(_ value: Double) -> Double {
        let (bottom, top) = (scale.forward(low), scale.forward(high))
        return top > bottom ? (scale.forward(value) - bottom) / (top - bottom) : 0
    }

    /// The value at a place in 0...1 of the scale; places outside are clamped.
    package func value(atUnit place: Double) -> Double {
        if place <= 0 { return low }
        if place >= 1 { return high }
        let (bottom, top) = (scale.forward(low), scale.forward(high))
        return min(max(scale.backward(bottom + place * (top - bottom)), low), high)
    }

    func sample(using stream: inout RandomStream) -> Double { value(atUnit: stream.uniform()) }

    /// Another value: near on the scale (normal, a sixth of the range wide), turned back at the ends.
    func moved(_ value: Double, using stream: inout RandomStream) -> Double {
        precondition(high > low)
        let place = unit(value)
        var step = stream.normal() / 6
        if place + step < 0 || place + step > 1 { step = -step }
        let found = self.value(atUnit: place + step)
        return found != value ? found : (value < high ? high : low)
    }
}

func powered(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
