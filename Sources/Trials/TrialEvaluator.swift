/// What a worker does with one request: build, train, measure. Synchronous, on the caller's thread.
package protocol TrialEvaluator: Sendable {
    /// Works until the requested resource and reports checkpoints, measurements, heartbeats and finally one `result`.
    /// When `shouldStop` turns true, saves and reports a checkpoint and returns without a result.
    /// A thrown error is a failed attempt; throw `FatalTrialError` when another attempt would fail alike.
    func evaluate(
        _ request: TrialRequest, report: (WorkerEvent) throws -> Void, shouldStop: () -> Bool
    ) throws
}

/// A failure that is the candidate's own, such as a training that diverged: the trial becomes FAIL without a further attempt.
package struct FatalTrialError: Error, Sendable, CustomStringConvertible {
    package var reason: String
    package init(_ reason: String) { self.reason = reason }
    package var description: String { reason }
}
