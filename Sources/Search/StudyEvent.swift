import Trials

/// What happens to a study. There is no time in it: when budgets of seconds are spent, the controller says so.
package enum StudyEvent: Sendable {
    /// A controller begins or goes on with so many idle slots.
    case opened(workers: Int)
    case message(slot: Int, WorkerEvent)
    /// The slot's worker is gone; the next request gets a new one.
    case ended(slot: Int, AttemptFailure)
    /// The user interrupts, or `seconds` are spent: running attempts are checkpointed, the study can be resumed.
    case stopRequested(reason: String)
}

/// What a controller has to do, in this order, after the facts among them are durable.
package enum StudyAction: Sendable, Equatable {
    case record(StudyFact)
    case start(slot: Int, TrialRequest)
    case stop(slot: Int)
    /// Nothing runs any more and nothing will: the study ended, or paused and can be resumed.
    case finished(reason: String, paused: Bool)
}
