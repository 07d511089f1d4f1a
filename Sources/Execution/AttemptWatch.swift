import Trials

/// Holds one attempt against the limits on time, in seconds during which the controller watched.
package struct AttemptWatch: Sendable {
    /// More between two looks means that the controller itself was held up.
    private static let longestLook = 1.0
    /// Seconds that a worker may wait for a quiet machine at a stretch: three times what `halcyon worker` has patience for.
    package static let longestWait = 900.0

    private var signs: Int?
    private var advances: Int?
    private var unheard = 0.0
    private var idle = 0.0
    private var waiting = 0.0
    private var active = 0.0

    package init() {}

    /// The reason to end the worker, if there is one.
    package mutating func look(at conduct: WorkerConduct, after elapsed: Double, _ limits: StudySettings.Limits) -> String? {
        let seconds = min(elapsed, Self.longestLook)
        unheard = signs == conduct.signs ? unheard + seconds : 0
        signs = conduct.signs
        guard conduct.hello != nil else {
            let most = limits.startSeconds ?? limits.stallSeconds
            return unheard > most
                ? "the worker did not say \"hello\" within \(most) s (\(limits.startSeconds == nil ? "stall-seconds" : "start-seconds"))" : nil
        }
        if unheard > limits.stallSeconds { return "no sign of life for \(limits.stallSeconds) s (stall-seconds)" }
        guard conduct.phase != .waiting else {
            waiting += seconds
            return waiting > Self.longestWait ? "the worker waited for a quiet machine for \(Self.longestWait) s" : nil
        }
        waiting = 0
        active += seconds
        idle = advances == conduct.advances ? idle + seconds : 0
        advances = conduct.advances
        if active > limits.trialSeconds { return "the attempt ran longer than \(limits.trialSeconds) s (trial-seconds)" }
        return idle > limits.progressSeconds
            ? "the worker lived, but made no progress for \(limits.progressSeconds) s (progress-seconds)" : nil
    }
}
