import Documents
import SearchSpaces
import Trials

/// The effect of facts: the same for those that happen and those that are read back.
extension Study {
    mutating func apply(_ fact: StudyFact, genotype: Genotype? = nil) {
        if fact.changesChoices { hasNothingToDecide = false }
        switch fact {
        case .sessionStarted(let trials, let seconds, _, _, _):
            trialBudget = trials
            if !isOpened, seconds != nil { weighCosts() }
            isOpened = true
            newcomers = []
        case .transferred(let result): transfer(result, genotype)
        case .workerStarted, .paused, .ended: break
        case .rejected(_, let redraw, _, _, _):
            nextRedraw = redraw + 1
            if let genotype { strategy.observe(rejected: genotype) }
        case .started(let start):
            guard let genotype else { preconditionFailure("a started trial comes with its genotype") }
            showResults(before: start.decision)
            trials.append(StudyTrial(start: start))
            if start.repeats == nil { candidates[start.inspection.candidateHash] = start.trial }
            if settings.runsAtMost > 1 { genotypes.append(genotype) }
            decided(.pending)
            enqueue(start.trial)
            show(.started(trial: start.trial, genotype: genotype, resource: start.resource))
        case .continued(let decision, let trial, let resource):
            showResults(before: decision)
            trials[trial].pendingDecision = decision
            trials[trial].target = resource
            decided(.pending)
            enqueue(trial)
            show(.continued(trial: trial, resource: resource))
        case .stopped(let decision, let trial):
            showResults(before: decision)
            trials[trial].state = .pruned
            decided(.settled(nil))
            show(.stopped(trial: trial))
        case .nothing(let decision):
            showResults(before: decision)
            decided(.settled(nil))
        case .exhausted(let decision):
            showResults(before: decision)
            exhausted = true
            nextRedraw = 0
        case .attemptStarted(let trial, let attempt, _, _, _):
            ready.removeAll { $0 == trial }
            trials[trial].state = .running
            trials[trial].attempts = attempt
            trials[trial].resourceAtAttemptStart = trials[trial].checkpoint?.resource ?? 0
        case .measured(let it, let environment):
            trials[it.trial].measured[.init(point: it.point, metric: it.metric, resource: it.resource)] = it.value
            if isMeasuredTime(it.metric), it.resource > trials[it.trial].latencyOrigin?.resource ?? -1 {
                trials[it.trial].latencyOrigin = (environment, it.resource)
            }
        case .checkpointed(let trial, _, let resource, let path):
            trials[trial].checkpoint = (path, resource)
        case .reached(let trial, _, let resource, let points, let environment, let complete):
            trials[trial].state = complete ? .complete : .waiting
            trials[trial].reached = resource
            trials[trial].setPoints(points, like: trial > 0 ? trials[trial - 1] : nil)
            trials[trial].environment = environment.map { shared($0) }
            trials[trial].failuresWithoutProgress = 0
            failuresInARow = 0
            for point in points {
                let times = point.metrics.filter { isMeasuredTime($0.key) }
                guard !times.isEmpty else { continue }
                trials[trial].latency[point.point] = Point(point: point.point, threshold: point.threshold, metrics: times)
            }
            settle(trial, .result(trial: trial, resource: resource, points: points))
            if let first = trials[trial].repeatOf {
                trials[first].runs += 1
                let means = mean(
                    of: trials[first].points, and: points, runs: trials[first].runs, intervals: settings.objectives.map(\.metric))
                trials[first].setPoints(means, like: nil)
            }
        case .attemptFailed(let trial, _, _):
            trials[trial].failuresWithoutProgress = hasProgressed(trial) ? 0 : trials[trial].failuresWithoutProgress + 1
            trials[trial].state = .waiting
            enqueue(trial)
        case .attemptInterrupted(let trial, _, _):
            // It is no failure, but a checkpoint that it saved ends a row of them.
            if hasProgressed(trial) { trials[trial].failuresWithoutProgress = 0 }
            trials[trial].state = .waiting
            enqueue(trial)
        case .failed(let trial, let reason):
            ready.removeAll { $0 == trial }
            trials[trial].state = .fail
            trials[trial].failure = reason
            settle(trial, .failed(trial: trial))
        case .pruned(let trial):
            // The study ends with what its next decision would have seen.
            showResults(before: decisions.count)
            trials[trial].state = .pruned
            show(.stopped(trial: trial))
        }
        if let ended = fact.endedTrial { trials[ended].finish() }
    }

    /// Whether the trial's latest attempt saved a checkpoint beyond where it began.
    private func hasProgressed(_ trial: Int) -> Bool {
        trials[trial].checkpoint?.resource ?? 0 > trials[trial].resourceAtAttemptStart
    }

    /// The same text in one place of memory for all trials.
    private mutating func shared(_ environment: String) -> String { environmentNames.insert(environment).memberAfterInsert }

    private mutating func decided(_ decision: Decision) {
        decisions.append(decision)
        if case .pending = decision { pendingDecisions += 1 }
        nextRedraw = 0
    }

    /// Puts the trial among those that await an attempt, in the order of decisions.
    private mutating func enqueue(_ trial: Int) {
        guard let decision = trials[trial].pendingDecision else { return }
        let place = ready.firstIndex { trials[$0].pendingDecision ?? 0 > decision } ?? ready.count
        ready.insert(trial, at: place)
    }

    private mutating func settle(_ trial: Int, _ observation: Observation) {
        guard let decision = trials[trial].pendingDecision else { return }
        trials[trial].pendingDecision = nil
        pendingDecisions -= 1
        // With a lag the result is shown later; without one it is of no use any more.
        decisions[decision] = .settled(settings.lag == nil ? nil : observation)
        if settings.lag == nil { show(observation) }
    }

    /// Refuses a log that contradicts itself or its experiment, before it takes effect.
    func check(_ fact: StudyFact) throws {
        func refuse(_ why: String) -> InputError {
            InputError("the study's event log is damaged: \(why)", hint: "restore study.sqlite from a copy")
        }
        switch fact {
        case .sessionStarted(_, _, _, let lag, let seed):
            guard lag == settings.lag, seed == settings.seed else {
                throw InputError(
                    "the study was begun with seed \(seed) and lag \(lag.map(String.init) ?? "none")",
                    hint: "seed and lag cannot change; start another study")
            }
        case .started(let start):
            guard start.trial == trials.count else { throw refuse("trial \(start.trial) comes after \(trials.count) trials") }
            if let first = start.repeats?.trial, !trials.indices.contains(first) || trials[first].state != .complete {
                throw refuse("trial \(start.trial) repeats trial \(first), which is not complete")
            }
        default:
            guard let number = fact.trial else { break }
            guard trials.indices.contains(number) else { throw refuse("trial \(number) was never started") }
            if let fault = fault(fact, trials[number]) { throw refuse("trial \(number) \(fault)") }
        }
        let decision: Int? =
            switch fact {
            case .started(let start): start.decision
            case .continued(let decision, _, _), .stopped(let decision, _), .nothing(let decision), .exhausted(let decision):
                decision
            default: nil
            }
        if let decision, decision != decisions.count { throw refuse("decision \(decision) comes after \(decisions.count)") }
        var sees = decision
        if case .pruned = fact { sees = decisions.count }
        guard let sees, let lag = settings.lag, shown <= sees - lag else { return }
        for number in shown...(sees - lag) {
            if case .pending = decisions[number] { throw refuse("decision \(sees) saw no result of \(number)") }
        }
    }

    /// Why the fact cannot come next in the trial's life, nil when it can.
    private func fault(_ fact: StudyFact, _ trial: StudyTrial) -> String? {
        if trial.state.isFinal { return "had ended before its event \(fact.kind)" }
        let isDue = trial.state == .waiting && trial.pendingDecision != nil
        func runs(_ attempt: Int) -> Bool { trial.state == .running && attempt == trial.attempts }
        switch fact {
        case .attemptStarted(_, let attempt, _, _, _):
            return isDue && attempt == trial.attempts + 1 ? nil : "begins attempt \(attempt) out of turn"
        case .measured(let it, _): return runs(it.attempt) ? nil : "is measured by an attempt that does not run"
        case .checkpointed(_, let attempt, _, _), .reached(_, let attempt, _, _, _, _), .attemptFailed(_, let attempt, _),
            .attemptInterrupted(_, let attempt, _):
            return runs(attempt) ? nil : "has \(fact.kind) of attempt \(attempt), which does not run"
        case .continued, .stopped, .pruned: return trial.state == .waiting && !isDue ? nil : "is not at rest"
        case .failed: return isDue ? nil : "fails out of turn"
        default: return nil
        }
    }
}

extension StudyFact {
    /// Whether the scheduler may choose otherwise after this fact: it decides or settles something.
    fileprivate var changesChoices: Bool {
        switch self {
        case .sessionStarted, .started, .continued, .stopped, .exhausted, .reached, .failed, .pruned: true
        case .transferred, .rejected, .nothing, .workerStarted, .attemptStarted, .measured, .checkpointed, .attemptFailed,
            .attemptInterrupted, .paused, .ended: false
        }
    }
}
