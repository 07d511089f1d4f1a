import Documents
import RandomStreams
import SearchSpaces
import Trials

/// Decisions: what to start, to continue, to stop.
extension Study {
    /// Makes the next decision; false when that must wait for results.
    mutating func decide() -> Bool {
        let number = decisions.count
        guard mayDecide(number) else { return false }
        showResults(before: number)
        let mayStart = !exhausted && trials.count < settings.budget.trials ?? .max
        switch scheduler.choose(mayStart: mayStart) {
        case .start(let resource):
            precondition(mayStart, "the scheduler starts a trial after the budget is spent")
            propose(number, resource: resource)
            return true
        case .proceed(let trial, let resource):
            record(.continued(decision: number, trial: trial, resource: resource))
            return true
        case .stop(let trial):
            record(.stopped(decision: number, trial: trial))
            return true
        case .nothing:
            if settings.lag != nil { record(.nothing(decision: number)) }
            if !awaitsResults { end() }
            return settings.lag != nil
        }
    }

    /// Whether the results that decision `number` has to see are all there.
    private func mayDecide(_ number: Int) -> Bool {
        guard let lag = settings.lag, shown <= number - lag else { return true }
        return decisions[shown...(number - lag)].allSatisfy { if case .settled = $0 { true } else { false } }
    }

    /// Whether there is a result, to come or not yet shown, that could change the scheduler's mind.
    private var awaitsResults: Bool {
        decisions[shown...].contains {
            switch $0 {
            case .pending: true
            case .settled(let observation): settings.lag != nil && observation != nil
            }
        }
    }

    private mutating func end() {
        for trial in trials where trial.state == .waiting { record(.pruned(trial: trial.number)) }
        let reason =
            exhausted ? "the space is exhausted: \(Self.redrawLimit) proposals in a row were duplicates or infeasible"
            : "the budget of \(settings.budget.trials.map(String.init) ?? "all") trials is spent"
        record(.ended(reason: reason))
        finish(reason, paused: false)
    }

    /// Draws candidates from (seed, decision, redraw) until one is new and feasible.
    private mutating func propose(_ number: Int, resource: Int) {
        while nextRedraw < Self.redrawLimit {
            let redraw = nextRedraw
            var stream = proposals.split(number).split(redraw)
            let genotype = strategy.propose(using: &stream)
            let candidate = space.resolve(genotype)
            var hash: String?
            do {
                let inspection = try inspector.inspect(candidate)
                hash = inspection.candidateHash
                if let twin = candidates[inspection.candidateHash] {
                    throw InputError("a duplicate of trial \(twin)")
                }
                try checkConstraints(inspection.metrics)
                let trial = trials.count
                record(
                    .started(
                        .init(
                            decision: number, trial: trial, resource: resource, seed: Int(seeds.split(trial).key >> 11),
                            strategy: type(of: strategy).kind, genotype: genotype.document, candidate: candidate,
                            inspection: inspection)),
                    genotype: genotype)
                return
            } catch {
                record(.rejected(decision: number, redraw: redraw, candidateHash: hash, reason: "\(error)"))
            }
        }
        record(.exhausted(decision: number))
    }

    private func checkConstraints(_ metrics: [String: Double]) throws {
        for constraint in settings.constraints {
            guard let value = metrics[constraint.metric], !constraint.allows(value) else { continue }
            throw InputError("infeasible: \(constraint.metric) is \(value)")
        }
    }
}
