import Documents
import RandomStreams
import SearchSpaces
import Trials

/// Decisions: what to start, to continue, to stop.
extension Study {
    /// What is to be decided with what is known now.
    enum Deliberation {
        /// The next decision must see results that are not there yet.
        case wait
        /// Nothing can be done before a result arrives (without a lag this takes no number).
        case rest
        /// Nothing can be done and no result is to come.
        case end
        /// The facts of the next decision, in order; a trial that starts comes with its genotype.
        case decide([(fact: StudyFact, genotype: Genotype?)])
    }

    /// Makes the next decision; false when that must wait for results.
    mutating func decide() -> Bool {
        if hasNothingToDecide { return false }
        switch deliberate() {
        case .wait: return false
        case .rest:
            hasNothingToDecide = true
            return false
        case .end:
            end()
            return false
        case .decide(let facts):
            for (fact, genotype) in facts { record(fact, genotype: genotype) }
            return true
        }
    }

    /// The next decision, a function of the seed and the facts so far; nothing takes effect but that results are shown which the
    /// decision has to see.
    mutating func deliberate() -> Deliberation {
        let number = decisions.count
        guard mayDecide(number) else { return .wait }
        showResults(before: number)
        let mayStart = !exhausted && trials.count < trialBudget ?? .max
        switch scheduler.choose(mayStart: mayStart) {
        case .start(let resource):
            precondition(mayStart, "the scheduler starts a trial after the budget is spent")
            if let fact = nextGiven(number, resource: resource) ?? repetition(number) { return .decide([fact]) }
            return .decide(propose(number, resource: resource))
        case .proceed(let trial, let resource):
            return .decide([(.continued(decision: number, trial: trial, resource: resource), nil)])
        case .stop(let trial): return .decide([(.stopped(decision: number, trial: trial), nil)])
        case .nothing:
            if !awaitsResults { return .end }
            return settings.lag == nil ? .rest : .decide([(.nothing(decision: number), nil)])
        }
    }

    /// Whether the results that decision `number` has to see are all there.
    private func mayDecide(_ number: Int) -> Bool {
        guard let lag = settings.lag, shown <= number - lag else { return true }
        return decisions[shown...(number - lag)].allSatisfy { if case .settled = $0 { true } else { false } }
    }

    /// Whether there is a result, to come or not yet shown, that could change the scheduler's mind.
    private var awaitsResults: Bool {
        if pendingDecisions > 0 { return true }
        guard settings.lag != nil else { return false }
        return decisions[shown...].contains { if case .settled(.some) = $0 { true } else { false } }
    }

    private mutating func end() {
        for trial in trials where trial.state == .waiting { record(.pruned(trial: trial.number)) }
        let reason =
            exhausted
            ? "the space is exhausted: the last proposals were \(Self.duplicateLimit) duplicates or \(Self.infeasibleLimit) infeasible ones"
            : trialBudget.map { "the budget of \($0) trials is spent" } ?? "nothing is left to do"
        record(.ended(reason: reason))
        finish(reason, paused: false)
    }

    private enum Refusal { case duplicate, infeasible }

    /// Draws candidates from (seed, decision, redraw) until one is new and feasible. A rejection tells its redraw, and the
    /// last one is always in the log.
    private mutating func propose(_ number: Int, resource: Int) -> [(fact: StudyFact, genotype: Genotype?)] {
        var counts: [Refusal: Int] = [:]
        var rejections: [(refusal: Refusal, fact: StudyFact, genotype: Genotype)] = []
        var infeasible: [Genotype: Rejection] = [:]
        var redraw = nextRedraw
        var start: (fact: StudyFact, genotype: Genotype)?
        while start == nil, counts[.duplicate, default: 0] < Self.duplicateLimit,
            counts[.infeasible, default: 0] < Self.infeasibleLimit
        {
            var stream = proposals.split(number).split(redraw)
            let genotype = strategy.propose(redraw: redraw, using: &stream)
            var rejection = infeasible[genotype]
            var refusal = Refusal.infeasible
            if rejection == nil {
                let candidate = space.resolve(genotype)
                switch inspect(candidate) {
                case .failure(let found):
                    rejection = found
                    infeasible[genotype] = found
                case .success(let inspection):
                    if let twin = candidates[inspection.candidateHash] {
                        refusal = .duplicate
                        rejection = .init(candidateHash: inspection.candidateHash, reason: "a duplicate of trial \(twin)")
                        break
                    }
                    let trial = trials.count
                    let fact = StudyFact.started(
                        .init(
                            decision: number, trial: trial, resource: resource, seed: Int(seeds.split(trial).key >> 11),
                            strategy: strategy.summary, genotype: genotype.document, candidate: candidate,
                            inspection: inspection))
                    start = (fact, genotype)
                }
            }
            if let rejection {
                counts[refusal, default: 0] += 1
                let fact = StudyFact.rejected(
                    decision: number, redraw: redraw, candidateHash: rejection.candidateHash, reason: rejection.reason,
                    genotype: genotype.document)
                rejections.append((refusal, fact, genotype))
            }
            redraw += 1
        }
        var unlogged = max(0, counts[.infeasible, default: 0] - Self.infeasibleLogged)
        var facts: [(fact: StudyFact, genotype: Genotype?)] = []
        for (refusal, fact, genotype) in rejections {
            if refusal == .infeasible, unlogged > 0 { unlogged -= 1 } else { facts.append((fact, genotype)) }
        }
        facts.append(start.map { ($0.fact, $0.genotype) } ?? (.exhausted(decision: number), nil))
        return facts
    }

    /// The start of another run of a network whose place is undecided, with the seed after those of its runs.
    private func repetition(_ number: Int) -> (fact: StudyFact, genotype: Genotype?)? {
        guard let repeats = repeatPlan.next() else { return nil }
        let genotype = genotypes[repeats.trial]
        let candidate = space.resolve(genotype)
        guard case .success(let inspection) = inspect(candidate) else { preconditionFailure("a candidate that ran cannot be inspected") }
        let first = Int(seeds.split(repeats.trial).key >> 11)
        let start = StudyFact.StartedTrial(
            decision: number, trial: trials.count, resource: lastRung, seed: first + repeats.run - 1, strategy: type(of: strategy).kind,
            genotype: genotype.document, candidate: candidate, inspection: inspection, repeats: repeats)
        return (.started(start), genotype)
    }

    struct Rejection: Error {
        var candidateHash: String?
        var reason: String
    }

    func inspect(_ candidate: Document) -> Result<CandidateInspection, Rejection> {
        var hash: String?
        do {
            let inspection = try inspector.inspect(candidate)
            hash = inspection.candidateHash
            try checkConstraints(inspection.metrics)
            return .success(inspection)
        } catch {
            return .failure(Rejection(candidateHash: hash, reason: "\(error)"))
        }
    }

    private func checkConstraints(_ metrics: [String: Double]) throws {
        for constraint in settings.constraints {
            guard let value = metrics[constraint.metric], !constraint.allows(value) else { continue }
            throw InputError("infeasible: \(constraint.metric) is \(value)")
        }
    }
}
