import Trials

/// What a live progress line shows.
package struct StudyProgress: Sendable {
    package struct Running: Sendable, Equatable {
        package var trial: Int
        package var step: Int
        package var totalSteps: Int
        package var phase: WorkerEvent.Phase
    }

    /// Trials in a final state, those that failed among them.
    package var done = 0
    package var failed = 0
    package var started = 0
    package var budgetTrials: Int?
    package var running: [Running] = []
    /// The best value of each objective on the front, in the objectives' order.
    package var best: [(metric: String, value: Double)] = []
    package var frontSize = 0
    /// Seconds of controller time, over all runs.
    package var elapsed = 0.0
    /// Estimated seconds until the budget is spent; nil before there is anything to go by.
    package var remaining: Double?
}

/// How a controller's run ended.
package struct StudyOutcome: Sendable, Equatable {
    package var reason: String
    /// Whether the study can be resumed without a larger budget.
    package var paused: Bool
    /// Whether it paused because trial after trial failed.
    package var hopeless: Bool
    /// Why the disk refused, when that is why it paused.
    package var storageFailure: String?
}
