/// How long one run takes on a quiet machine.
package struct LatencyMeasurement: Sendable, Equatable {
    /// Milliseconds.
    package var median: Double
    /// The median absolute deviation from the median, milliseconds.
    package var medianAbsoluteDeviation: Double
    package var runs: Int

    package init(milliseconds: [Double]) {
        precondition(!milliseconds.isEmpty, "at least one run")
        let median = Self.median(milliseconds)
        self.median = median
        medianAbsoluteDeviation = Self.median(milliseconds.map { abs($0 - median) })
        runs = milliseconds.count
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted(), middle = values.count / 2
        return values.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}

/// Warms up (at least one run, up to 0.2 s or 3 runs), then runs until there are at least 5 runs and 0.5 s, or 3 s and
/// at least one run.
///
/// - Parameters:
///   - now: seconds of a steady clock.
///   - progress: called after each run.
package func measureLatency(
    run: () throws -> Void, now: () -> Double = steadySeconds, progress: () throws -> Void = {}
) rethrows -> LatencyMeasurement {
    let began = now()
    for _ in 0..<3 {
        try run()
        try progress()
        if now() - began >= 0.2 { break }
    }
    var milliseconds: [Double] = []
    var total = 0.0
    while !(milliseconds.count >= 5 && total >= 0.5) && !(milliseconds.count >= 1 && total >= 3) {
        let start = now()
        try run()
        let seconds = now() - start
        total += seconds
        milliseconds.append(seconds * 1000)
        try progress()
    }
    return LatencyMeasurement(milliseconds: milliseconds)
}

/// Seconds since the program's first look at this clock; it never goes back.
package func steadySeconds() -> Double {
    let elapsed = ContinuousClock.now - firstInstant
    return Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
}

private let firstInstant = ContinuousClock.now
