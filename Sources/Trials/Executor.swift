/// How an attempt ended without an answer.
package struct AttemptFailure: Sendable, Equatable {
    package var reason: String
    /// The signal that ended the worker, if one did.
    package var signal: Int?
    package var exitCode: Int?

    package init(reason: String, signal: Int? = nil, exitCode: Int? = nil) {
        self.reason = reason
        self.signal = signal
        self.exitCode = exitCode
    }
}

package enum ExecutorEvent: Sendable, Equatable {
    case message(slot: Int, WorkerEvent)
    /// The slot's worker is gone. The executor starts another one with the slot's next request.
    case ended(slot: Int, AttemptFailure)
}

/// Runs attempts in numbered slots, one at a time in each.
///
/// The controller pulls events instead of being pushed to, so that a simulated executor hands out its events in one
/// possible order only.
package protocol Executor: AnyObject {
    var slots: Int { get }
    /// The controller looks up so often, for interrupts, while no event comes.
    var pollSeconds: Double { get }
    /// Starts the request in an idle slot. A worker that cannot be started is an `ended` event.
    func start(_ request: TrialRequest, slot: Int)
    /// Asks the slot's worker to save a checkpoint and stop.
    func stop(slot: Int)
    /// Ends the slot's worker at once.
    func kill(slot: Int)
    /// The next event, waiting for it until the clock shows `deadline`; nil when that passed.
    func next(before deadline: Double) -> ExecutorEvent?
    /// Ends all workers and waits for them.
    func shutdown()
}

extension Executor {
    package var pollSeconds: Double { 0.25 }
}
