import Documents
import Trials

/// Proves that a log leads to the same decisions: each recorded decision is made again from the seed and the facts before it, and
/// compared. What is recorded takes effect, so the first difference is the only one that is told.
///
/// Checked are proposals with their rejections, promotions, stops, "nothing to do", the end, and which attempt starts next from which
/// checkpoint. Results, measurements, failures and interruptions are data: they are taken as they are.
package struct StudyReplay: Sendable {
    package struct Difference: Sendable, Equatable {
        /// The event's number in the log, from 1.
        package var event: Int
        /// The number of decisions made before it.
        package var decision: Int
        package var recorded: StudyFact
        /// What the seed and the facts before it lead to.
        package var proposed: Proposal
    }

    package enum Proposal: Sendable, Equatable {
        case fact(StudyFact)
        /// The study ends: no decision is left to make.
        case end
        /// Nothing can be decided before another result arrives.
        case nothing
    }

    /// Events taken so far.
    package private(set) var eventCount = 0
    package var decisionCount: Int { study.decisionCount }
    package var trialCount: Int { study.trials.count }
    private var study: Study
    /// What is left of the decision that is being told.
    private var expected: [StudyFact] = []
    private var isEnding = false

    /// `study` is the study before its first event.
    package init(_ study: Study) { self.study = study }

    /// Takes the next event of the log. Returns the difference when the study would have decided otherwise.
    /// - Throws: `InputError` when the event contradicts those before it.
    package mutating func take(_ fact: StudyFact) throws -> Difference? {
        eventCount += 1
        let wasEnding = isEnding
        isEnding = false
        switch fact {
        case .rejected, .started, .continued, .stopped, .nothing, .exhausted:
            if expected.isEmpty {
                switch study.deliberate() {
                case .decide(let facts): expected = facts.map(\.fact)
                case .end:
                    // Up to release 0.4 a study with a lag numbered its end as a decision too.
                    guard study.settings.lag != nil, case .nothing(study.decisionCount) = fact else { return difference(fact, .end) }
                    expected = [fact]
                case .rest, .wait: return difference(fact, .nothing)
                }
            }
            let proposed = expected.removeFirst()
            guard try Self.isSame(fact, proposed) else { return difference(fact, .fact(proposed)) }
        case _ where !expected.isEmpty: return difference(fact, .fact(expected[0]))
        case .attemptStarted(let trial, _, let worker, _, _):
            let proposed = study.nextAttempt(of: study.ready.first ?? trial, in: worker)
            guard proposed == fact else { return difference(fact, .fact(proposed)) }
        case .pruned, .ended:
            isEnding = true
            if wasEnding { break }
            switch study.deliberate() {
            case .end: break
            case .decide(let facts): return difference(fact, .fact(facts[0].fact))
            case .rest, .wait: return difference(fact, .nothing)
            }
        default: break
        }
        try study.restore(fact)
        return nil
    }

    private func difference(_ recorded: StudyFact, _ proposed: Proposal) -> Difference {
        Difference(event: eventCount, decision: study.decisionCount, recorded: recorded, proposed: proposed)
    }

    /// A recorded fact went through its JSON form, which may write a number in another way.
    private static func isSame(_ recorded: StudyFact, _ proposed: StudyFact) throws -> Bool {
        if recorded == proposed { return true }
        var proposed = proposed
        if case .rejected(_, _, _, _, nil) = recorded, case .rejected(let decision, let redraw, let hash, let reason, _) = proposed {
            // A log of an earlier release does not tell what was rejected.
            proposed = .rejected(decision: decision, redraw: redraw, candidateHash: hash, reason: reason)
        }
        func read(_ fact: StudyFact) throws -> StudyFact {
            try StudyFact(kind: fact.kind, trial: fact.trial, payload: .parse(fact.payload.json, file: "replay"))
        }
        return try read(recorded) == read(proposed)
    }
}
