import Documents
import Evaluation
import Foundation

/// What all rounds say of one network.
struct PeerComparison {
    let network: String
    /// Less is better (milliseconds) or more (patches a second).
    let isTime: Bool
    var ours: [PeerMeasurement] = []
    var peers: [PeerMeasurement] = []

    var isComplete: Bool { !ours.isEmpty && !peers.isEmpty }
    var value: Double { Self.median(ours.map(\.value)) }
    /// Our first step without the step itself: what a search pays for every candidate.
    var startUp: Double? {
        let times = ours.compactMap { run in run.firstStep.flatMap { first in run.step.map { first - $0 } } }
        return times.isEmpty ? nil : Self.median(times)
    }

    func value(of mode: String) -> Double? {
        let values = peers.filter { $0.mode == mode }.map(\.value)
        return values.isEmpty ? nil : Self.median(values)
    }

    func firstStep(of mode: String) -> Double? {
        let times = peers.filter { $0.mode == mode }.compactMap(\.firstStep)
        return times.isEmpty ? nil : Self.median(times)
    }

    /// The peer's fastest mode.
    var best: (mode: String, value: Double)? {
        let modes = Set(peers.map(\.mode)).sorted().compactMap { mode in value(of: mode).map { (mode: mode, value: $0) } }
        return isTime ? modes.min { $0.value < $1.value } : modes.max { $0.value < $1.value }
    }

    /// Our speed over the best peer's.
    var ratio: Double? { best.map { isTime ? $0.value / value : value / $0.value } }

    static func median(_ values: [Double]) -> Double { LatencyMeasurement(milliseconds: values).median }

    static func geometricMean(_ comparisons: [PeerComparison]) -> Double? {
        let ratios = comparisons.compactMap(\.ratio)
        return ratios.isEmpty ? nil : exp(ratios.reduce(0) { $0 + log($1) } / Double(ratios.count))
    }

    func document(_ setting: [(String, Document)], modes: [String]) -> Document {
        func list(_ runs: [PeerMeasurement]) -> Document { .array(runs.map { .float($0.value) }) }
        var fields: [(String, Document)] = [("kind", "network"), ("network", .string(network))] + setting
        fields += [("unit", isTime ? "ms" : "patches/s"), ("halcyon", .float(value)), ("halcyon_runs", list(ours))]
        if let first = ours.compactMap(\.firstStep).first.map({ _ in Self.median(ours.compactMap(\.firstStep)) }) {
            fields.append(("halcyon_first_step_seconds", .float(first)))
        }
        if let startUp { fields.append(("halcyon_start_up_seconds", .float(startUp))) }
        fields.append(("peers", .object(modes.compactMap { mode in
            value(of: mode).map { value in
                var parts: [(String, Document)] = [("value", .float(value)), ("runs", list(peers.filter { $0.mode == mode }))]
                if let first = firstStep(of: mode) { parts.append(("first_step_seconds", .float(first))) }
                return (mode, .object(parts))
            }
        })))
        if let best { fields.append(("best_peer", .string(best.mode))) }
        if let ratio { fields.append(("ratio", .float(ratio))) }
        return .object(fields)
    }
}
