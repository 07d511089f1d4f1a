/// One operating point of a trained network. Static networks have point 0 alone; point 0 of a dynamic one is full depth.
package struct Point: Sendable, Equatable {
    package var point: Int
    /// The router's threshold, nil for static networks.
    package var threshold: Double?
    /// Metric name (`psnr_db`, `ssim`, `latency_ms`, `macs`, ...) to value.
    package var metrics: [String: Double]

    package init(point: Int = 0, threshold: Double? = nil, metrics: [String: Double]) {
        self.point = point
        self.threshold = threshold
        self.metrics = metrics
    }
}

package enum TrialState: String, Sendable, CaseIterable {
    case waiting = "WAITING"
    case running = "RUNNING"
    case complete = "COMPLETE"
    case pruned = "PRUNED"
    case fail = "FAIL"

    package var isFinal: Bool { self == .complete || self == .pruned || self == .fail }
}
