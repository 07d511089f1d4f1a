import Documents
import RandomStreams
import SearchSpaces
import Trials

/// A study: the pure state machine `step(event) -> [action]`.
///
/// Its state is a function of the seed and the sequence of facts alone (`apply`), so a study is resumed by applying
/// the recorded facts. Decisions are numbered from 0. With `lag: L`, decision k is made when the results of all
/// decisions up to k - L are there, and exactly these have been shown, in decision order; without a lag every result
/// is shown as it arrives and "nothing to do" takes no number.
package struct Study: Sendable {
    package let settings: StudySettings
    package internal(set) var strategy: any Strategy
    package internal(set) var scheduler: any Scheduler
    package internal(set) var trials: [StudyTrial] = []
    /// Number of decisions made.
    package var decisionCount: Int { decisions.count }

    /// Whether running attempts have been asked to stop.
    package var isStopping: Bool { stopReason != nil }

    /// Whether the last proposals offered nothing new: no more trials are started.
    package var isExhausted: Bool { exhausted }

    enum Decision: Sendable {
        case pending
        /// What there is to be shown, nil for decisions that have no result.
        case settled(Observation?)
    }

    /// So many duplicates, or so many infeasible proposals, for one decision mean that the space has nothing new to offer.
    /// Constraints may leave one candidate in a thousand; duplicates tell sooner that a space is used up. A decision is made
    /// in one go, deaf to interrupts and deadlines, and each proposal builds a network: the limit keeps that to seconds.
    static let duplicateLimit = 200
    static let infeasibleLimit = 2_000
    /// Of a decision's infeasible proposals the log keeps the last ones.
    static let infeasibleLogged = 20
    /// So many trials that failed one after the other, none reaching a rung in between, mean that the fault is not theirs.
    static let hopelessFailures = 8

    let space: SearchSpace
    let inspector: any CandidateInspector
    /// The study's folder; paths in facts are relative to it.
    let folder: String
    let proposals: RandomStream
    let seeds: RandomStream

    /// Whether its first session began.
    var isOpened = false
    /// The budget of trials that the present session works under; while a log is read, that of the recorded session.
    var trialBudget: Int?
    var decisions: [Decision] = []
    /// How many of them are pending.
    var pendingDecisions = 0
    /// Decisions below this number have been shown (with a lag).
    var shown = 0
    var nextRedraw = 0
    var exhausted = false
    var candidates: [String: Int] = [:]
    /// What is tried first; nil until a decision needs it.
    var given: [GivenCandidate]?
    /// Another study's results that its first session brings along.
    var newcomers: [TransferredResult] = []
    var transferredCount = 0
    /// Which noisy networks are run again, as the decisions see it, and the genotypes of all trials where any may be.
    var repeatPlan: RepeatPlan
    var genotypes: [Genotype] = []
    /// Trials that await an attempt, in the order of their decisions.
    var ready: [Int] = []
    /// The trial that each slot works on.
    package internal(set) var running: [Int?] = []
    var environments: [Int: String] = [:]
    var environmentNames: Set<String> = []
    /// Trials of this session that failed since a rung was last reached, those that diverged not counted.
    var failuresInARow = 0
    /// Whether the study stopped because every trial fails.
    package internal(set) var isHopeless = false
    /// Whether the scheduler found nothing to do and nothing happened since that could change its mind (without a lag).
    var hasNothingToDecide = false
    var stopReason: String?
    /// Whether nothing runs and nothing will: before the first session, and after the end of each.
    package internal(set) var isFinished = true
    var actions: [StudyAction] = []

    /// A study before its first event. `folder` is where workers find `experiment.yaml` and `trials/NUMBER`.
    package init(
        settings: StudySettings, space: SearchSpace, strategy: any Strategy, scheduler: any Scheduler,
        inspector: any CandidateInspector, folder: String = ""
    ) {
        self.settings = settings
        self.space = space
        self.strategy = strategy
        self.scheduler = scheduler
        self.inspector = inspector
        self.folder = folder
        trialBudget = settings.budget.trials
        repeatPlan = RepeatPlan(settings)
        proposals = RandomStream(seed: UInt64(settings.seed)).split("proposal")
        seeds = RandomStream(seed: UInt64(settings.seed)).split("trial")
    }

    /// A study before its first event, with the strategy and the scheduler that its settings name.
    /// - Throws: `InputError` for a strategy's wrong settings.
    package init(_ settings: StudySettings, space: SearchSpace, inspector: any CandidateInspector, folder: String = "") throws {
        self.init(
            settings: settings, space: space,
            strategy: try makeStrategy(
                settings.strategy, space: space, objectives: settings.objectives, constraints: settings.constraints),
            scheduler: makeScheduler(settings.fidelity, objectives: settings.objectives), inspector: inspector, folder: folder)
    }

    /// A study as its log tells it. Recorded decisions and results are shown in recorded order; nothing is proposed again.
    package init(
        settings: StudySettings, space: SearchSpace, strategy: any Strategy, scheduler: any Scheduler,
        inspector: any CandidateInspector, folder: String = "", facts: [StudyFact]
    ) throws {
        self.init(
            settings: settings, space: space, strategy: strategy, scheduler: scheduler, inspector: inspector, folder: folder)
        for fact in facts { try restore(fact) }
    }

    /// Takes the next fact of its log in.
    package mutating func restore(_ fact: StudyFact) throws {
        try check(fact)
        let observesGenotypes = type(of: strategy).observesGenotypes
        switch fact {
        case .started(let start):
            let isSeen = !start.genotype.isNull && (observesGenotypes || settings.runsAtMost > 1)
            apply(fact, genotype: isSeen ? try space.genotype(from: start.genotype) : Genotype())
        case .transferred(let result) where observesGenotypes:
            apply(fact, genotype: try space.genotype(from: result.genotype))
        case .rejected(_, _, _, _, let genotype?) where observesGenotypes:
            apply(fact, genotype: try space.genotype(from: genotype))
        default: apply(fact)
        }
    }

    /// Carries one event out. The actions' facts must be made durable before anything else is done.
    package mutating func step(_ event: StudyEvent) -> [StudyAction] {
        actions = []
        switch event {
        case .opened(let workers, let stop): open(workers: workers, stop: stop)
        case .message(let slot, let message): receive(message, from: slot)
        case .ended(let slot, let failure): lose(slot, failure)
        case .stopRequested(let reason): requestStop(reason)
        }
        if !isFinished {
            if stopReason == nil { dispatch() }
            if let stopReason, !isFinished, running.allSatisfy({ $0 == nil }) {
                record(.paused(reason: stopReason))
                finish(stopReason, paused: true)
            }
        }
        return actions
    }

    /// Fills idle slots: first attempts that are due, then new decisions.
    private mutating func dispatch() {
        while !isFinished, stopReason == nil, let slot = running.firstIndex(of: nil) {
            if let trial = ready.first { startAttempt(of: trial, in: slot) } else if !decide() { break }
        }
    }

    mutating func finish(_ reason: String, paused: Bool) {
        isFinished = true
        actions.append(.finished(reason: reason, paused: paused))
    }

    /// Notes a fact and lets it take effect.
    mutating func record(_ fact: StudyFact, genotype: Genotype? = nil) {
        actions.append(.record(fact))
        apply(fact, genotype: genotype)
    }

    /// Strategy and scheduler know networks: a repeat shows them the mean of its network's runs, under the number of the first.
    mutating func show(_ observation: Observation) {
        var observation = observation
        switch observation {
        case .started(let trial, _, _), .continued(let trial, _), .stopped(let trial), .failed(let trial):
            guard let first = trials[trial].repeatOf else {
                if trials[trial].isOutside { return scheduler.observe(observation) }
                break
            }
            if case .started = observation { repeatPlan.begin(first) } else { repeatPlan.abandon(first) }
            return
        case .result(let trial, let resource, let points):
            if trials[trial].isOutside { return scheduler.observe(observation) }
            if let first = trials[trial].repeatOf {
                observation = .result(trial: first, resource: resource, points: repeatPlan.add(run: points, of: first))
            } else if resource == lastRung {
                repeatPlan.add(trial, points)
            }
        case .transferred: break
        }
        strategy.observe(observation)
        scheduler.observe(observation)
    }

    /// From now on trials count by their time: done when the study's first session has a budget of seconds, whatever later ones have.
    mutating func weighCosts() {
        guard let metric = inspector.costMetric else { return }
        strategy.weigh(
            TrialCost(metric: metric) { [space, inspector] genotype in
                inspector.estimateCost(space.resolve(genotype))
            })
    }

    var lastRung: Int { settings.fidelity.rungs[settings.fidelity.rungs.count - 1] }

    /// Shows what decision `number` may see and has not seen yet.
    mutating func showResults(before number: Int) {
        guard let lag = settings.lag else { return }
        while shown <= number - lag {
            guard case .settled(let observation) = decisions[shown] else {
                preconditionFailure("decision \(number) came before the result of decision \(shown)")
            }
            if let observation { show(observation) }
            decisions[shown] = .settled(nil)
            shown += 1
        }
    }
}
