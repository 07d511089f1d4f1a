import Documents

/// Everything that ever happens in a study. The state of a study is a function of its seed and these, in order.
package enum StudyFact: Sendable, Equatable {
    /// A controller began or went on, with these totals of the budget.
    case sessionStarted(trials: Int?, seconds: Double?, workers: Int, lag: Int?, seed: Int)
    /// A result of another study, of which the strategy is told before its first proposal.
    case transferred(TransferredResult)
    /// A proposal was a duplicate or infeasible; it takes no number and is redrawn.
    /// Its genotype is told since release 0.6.
    case rejected(decision: Int, redraw: Int, candidateHash: String?, reason: String, genotype: Document? = nil)
    case started(StartedTrial)
    case continued(decision: Int, trial: Int, resource: Int)
    /// The scheduler stopped a resting trial: it is PRUNED.
    case stopped(decision: Int, trial: Int)
    case nothing(decision: Int)
    /// Nothing new was found in so many draws: no trial is started any more.
    case exhausted(decision: Int)
    case workerStarted(worker: Int, environment: Document)
    case attemptStarted(trial: Int, attempt: Int, worker: Int, resource: Int, from: String?)
    case measured(WorkerEvent.Measurement, environment: String?)
    case checkpointed(trial: Int, attempt: Int, resource: Int, path: String)
    /// A rung was reached; `complete` when it is the last one.
    case reached(trial: Int, attempt: Int, resource: Int, points: [Point], environment: String?, complete: Bool)
    case attemptFailed(trial: Int, attempt: Int, AttemptFailure)
    /// The attempt ended through no fault of its own: the study was stopped, or its controller died.
    case attemptInterrupted(trial: Int, attempt: Int, reason: String)
    case failed(trial: Int, reason: String)
    /// The trial rested when the budget of trials had nothing left to promote.
    case pruned(trial: Int)
    /// The study stopped before its end and can be resumed.
    case paused(reason: String)
    case ended(reason: String)

    /// A new trial, as it was decided on.
    package struct StartedTrial: Sendable, Equatable {
        package var decision: Int
        package var trial: Int
        package var resource: Int
        package var seed: Int
        package var strategy: String
        /// Null of a candidate that the experiment gives and that is no point of the space.
        package var genotype: Document
        package var candidate: Document
        package var inspection: CandidateInspection
        /// Of a deliberate repeat, the trial that ran this candidate first, and which run of it this is, from 2.
        package var repeats: Repeat?

        package struct Repeat: Sendable, Equatable {
            package var trial: Int
            package var run: Int

            package init(trial: Int, run: Int) {
                self.trial = trial
                self.run = run
            }
        }

        package init(
            decision: Int, trial: Int, resource: Int, seed: Int, strategy: String, genotype: Document,
            candidate: Document, inspection: CandidateInspection, repeats: Repeat? = nil
        ) {
            self.repeats = repeats
            self.decision = decision
            self.trial = trial
            self.resource = resource
            self.seed = seed
            self.strategy = strategy
            self.genotype = genotype
            self.candidate = candidate
            self.inspection = inspection
        }
    }

    /// The trial that the fact is about.
    package var trial: Int? {
        switch self {
        case .sessionStarted, .transferred, .rejected, .nothing, .exhausted, .workerStarted, .paused, .ended: nil
        case .started(let start): start.trial
        case .measured(let measurement, _): measurement.trial
        case .continued(_, let trial, _), .stopped(_, let trial), .attemptStarted(let trial, _, _, _, _),
            .checkpointed(let trial, _, _, _), .reached(let trial, _, _, _, _, _), .attemptFailed(let trial, _, _),
            .attemptInterrupted(let trial, _, _), .failed(let trial, _), .pruned(let trial):
            trial
        }
    }

    /// The trial that the fact brings to its final state.
    package var endedTrial: Int? {
        switch self {
        case .reached(let trial, _, _, _, _, true), .failed(let trial, _), .stopped(_, let trial), .pruned(let trial): trial
        default: nil
        }
    }

    /// Whether the fact is a numbered decision.
    package var isDecision: Bool {
        switch self {
        case .started, .continued, .stopped, .nothing: true
        default: false
        }
    }
}
