import Documents
import Trials

/// Runs one request through an evaluator and turns whatever happens into messages: `started` first, exactly one ending last.
func runAttempt(
    _ request: TrialRequest, with evaluator: any TrialEvaluator, emit: (WorkerEvent) throws -> Void, shouldStop: () -> Bool
) throws {
    let (trial, attempt) = (request.trial, request.attempt)
    var ended = false
    try emit(.started(trial: trial, attempt: attempt))
    do {
        try evaluator.evaluate(
            request,
            report: { event in
                if ended { return }
                ended = event.endsAttempt
                try emit(event)
            }, shouldStop: shouldStop)
        if ended { return }
        if shouldStop() {
            try emit(.stopped(trial: trial, attempt: attempt))
        } else {
            try emit(.failed(trial: trial, attempt: attempt, reason: "the evaluation gave no result", fatal: false))
        }
    } catch let failure as StorageFailure {
        if ended { return }
        try emit(.storageFailed(trial: trial, attempt: attempt, reason: "\(failure)"))
    } catch {
        if ended { return }
        try emit(.failed(trial: trial, attempt: attempt, reason: "\(error)", fatal: error is FatalTrialError))
    }
}
