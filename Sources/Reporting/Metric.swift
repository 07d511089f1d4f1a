import Foundation
import Trials

/// How a metric is shown: its name in a reader's words, unit, scale and digits.
package struct Metric: Sendable, Equatable {
    /// The name in the study's tables, such as `latency_ms`.
    package var name: String
    package var title: String
    /// The unit after scaling, empty for a plain number.
    package var unit: String
    /// Shown value = stored value * scale.
    package var scale = 1.0
    /// Digits after the point of a shown value.
    package var digits = 3
    /// A cost spreads over decades and is shown on a logarithmic axis then.
    package var isCost = false
    /// A whole number in the tables.
    package var isInteger = false
    /// The direction when the study has no such objective.
    package var direction = Direction.minimize

    /// The metrics that every study may have, in the tables' order.
    package static let catalogue = [
        Metric(name: "psnr_db", title: "PSNR", unit: "dB", digits: 2, direction: .maximize),
        Metric(name: "ssim", title: "SSIM", unit: "", digits: 4, direction: .maximize),
        Metric(name: "latency_ms", title: "latency", unit: "ms", digits: 2, isCost: true),
        Metric(name: "latency_mad_ms", title: "latency deviation", unit: "ms", digits: 2, isCost: true),
        Metric(name: "latency_p95_ms", title: "latency, 95th percentile", unit: "ms", digits: 2, isCost: true),
        Metric(name: "parameters", title: "parameters", unit: "thousands", scale: 1e-3, digits: 1, isCost: true, isInteger: true),
        Metric(name: "macs", title: "multiply-accumulates", unit: "G", scale: 1e-9, digits: 3, isCost: true, isInteger: true),
        Metric(name: "peak_bytes", title: "peak memory", unit: "MB", scale: 1e-6, digits: 1, isCost: true, isInteger: true),
    ]

    /// The catalogue's entry, or a metric of somebody's own under its bare name.
    package static func named(_ name: String) -> Metric {
        catalogue.first { $0.name == name } ?? Metric(name: name, title: name, unit: "")
    }

    /// Title with unit, for an axis: `latency (ms)`.
    package var axisTitle: String { unit.isEmpty ? title : "\(title) (\(unit))" }

    /// The stored value as shown, without its unit.
    package func text(_ value: Double) -> String { decimal(value * scale, digits: digits) }
}

/// `value` with so many digits after the point; never "-0", `n/a` when it is not finite.
func decimal(_ value: Double, digits: Int) -> String {
    guard value.isFinite else { return "n/a" }
    let text = String(format: "%.\(digits)f", value)
    return text.hasPrefix("-") && !text.contains { $0 >= "1" && $0 <= "9" } ? String(text.dropFirst()) : text
}

/// A number with four significant digits.
package func significant(_ value: Double) -> String { value.isFinite ? String(format: "%.4g", value) : "n/a" }
