import Documents
import Execution
import Search
import SearchSpaces
import Testing
import Trials

/// Every strategy with every scheduler on every executor.
@Suite struct CombinationLaws {
    static let strategies = strategyCatalogue.map { "{kind: \($0.kind)}" }
    static let fidelities = schedulerCatalogue.map { scheduler in
        scheduler.kind == .full ? "{kind: full}" : "{kind: \(scheduler.kind.rawValue), rungs: [25, 100, 400]}"
    }
    private static let constraint = "constraints: [{metric: macs, at-most: 40000}]"
    private static let trials = 36

    private func settings(_ strategy: String, _ fidelity: String, lag: Int? = nil, seed: Int = 3) throws -> StudySettings {
        try Synthetic.settings(
            seed: seed, strategy: strategy, fidelity: fidelity, trials: Self.trials, lag: lag, more: Self.constraint)
    }

    /// A run with a constant charge per proposal, all of its commits and what they say.
    private func simulate(_ settings: StudySettings, workers: Int, tempo: Int = 0) throws -> MemoryLog {
        let log = MemoryLog()
        let executor = SimulatedExecutor(
            slots: workers, evaluator: Synthetic.Evaluator(), charge: .constant(0.01),
            duration: { request in
                0.1 + Double(request.resource - request.previousResource) * Double((request.trial + tempo) % 7 + 1) * 0.003
            })
        _ = try Controller(study: Synthetic.study(settings), log: log, executor: executor, clock: executor.clock).run()
        return log
    }

    private func inProcess(_ settings: StudySettings, workers: Int) throws -> MemoryLog {
        let log = MemoryLog()
        let executor = InProcessExecutor(slots: workers, evaluator: Synthetic.Evaluator(), environment: ["host": "here"])
        _ = try Controller(study: Synthetic.study(settings), log: log, executor: executor).run()
        return log
    }

    /// Worker processes.
    private func local(_ settings: StudySettings, workers: Int) throws -> MemoryLog {
        let log = MemoryLog()
        let executor = LocalExecutor(slots: workers, command: SyntheticWorker.command, limits: settings.limits)
        _ = try Controller(study: Synthetic.study(settings), log: log, executor: executor).run()
        return log
    }

    /// Proposals are points of the space, no constraint is violated, no candidate runs twice, and each trial ends.
    private func judge(_ facts: [StudyFact], _ settings: StudySettings) throws {
        let space = try Synthetic.space()
        var hashes: Set<String> = []
        var ended: Set<Int> = []
        for fact in facts {
            if let trial = fact.endedTrial { ended.insert(trial) }
            guard case .started(let start) = fact else { continue }
            let genotype = try space.genotype(from: start.genotype)
            #expect(space.resolve(genotype) == start.candidate)
            #expect(start.inspection.metrics["macs"]! <= 40000)
            #expect(hashes.insert(start.inspection.candidateHash).inserted)
        }
        #expect(hashes.count == Self.trials && ended.count == Self.trials)
        var replay = StudyReplay(try Synthetic.study(settings))
        for fact in facts { #expect(try replay.take(fact) == nil, "another decision follows from the facts before") }
    }

    @Test(arguments: strategies, fidelities)
    func withALagEveryExecutorMakesTheSameDecisions(_ strategy: String, _ fidelity: String) throws {
        let settings = try settings(strategy, fidelity, lag: 4)
        let reference = try simulate(settings, workers: 1).records().map(\.fact)
        try judge(reference, settings)
        #expect(try simulate(settings, workers: 4, tempo: 3).records().map(\.fact).decisions == reference.decisions)
        #expect(try inProcess(settings, workers: 2).records().map(\.fact).decisions == reference.decisions)
        #expect(try local(settings, workers: 2).records().map(\.fact).decisions == reference.decisions)
        let other = try self.settings(strategy, fidelity, lag: 4, seed: 4)
        #expect(try simulate(other, workers: 1).records().map(\.fact).decisions != reference.decisions)
    }

    @Test(arguments: strategies, fidelities)
    func withAConstantChargeTheSameSeedMakesTheSameSearch(_ strategy: String, _ fidelity: String) throws {
        let settings = try settings(strategy, fidelity)
        let log = try simulate(settings, workers: 3)
        let facts = log.records()
        try judge(facts.map(\.fact), settings)
        #expect(try simulate(settings, workers: 3).records() == facts)
    }

    /// Without a lag the order in which results arrive is the executor's; whatever it is, the laws hold.
    @Test(arguments: strategies, fidelities)
    func everyExecutorKeepsTheLawsWithoutALag(_ strategy: String, _ fidelity: String) throws {
        let settings = try settings(strategy, fidelity)
        try judge(local(settings, workers: 3).records().map(\.fact), settings)
        try judge(inProcess(settings, workers: 3).records().map(\.fact), settings)
    }

    /// After each commit every worker has an attempt, as long as trials may be started.
    @Test(arguments: strategies, fidelities)
    func noWorkerIsIdleWhileTrialsAreLeft(_ strategy: String, _ fidelity: String) throws {
        let settings = try settings(strategy, fidelity)
        for workers in [1, 4] {
            var (running, started): (Set<Int>, Int) = ([], 0)
            for commit in try simulate(settings, workers: workers).commits {
                for record in commit.records {
                    switch record.fact {
                    case .started: started += 1
                    case .attemptStarted(let trial, _, _, _, _): running.insert(trial)
                    case .reached(let trial, _, _, _, _, _), .failed(let trial, _): running.remove(trial)
                    default: break
                    }
                }
                #expect(running.count == workers || started == Self.trials)
            }
        }
    }

    /// What a rung counts is all the same to the study: only networks at the last one are complete and stand on the front.
    @Test(arguments: schedulerCatalogue.map { $0.kind.rawValue }, Fidelity.resources)
    func everySchedulerTakesEveryResource(_ kind: String, _ resource: String) throws {
        let settings = try settings("{kind: nsga2}", "{kind: \(kind), resource: \(resource), rungs: [25, 100, 400]}", lag: 4)
        #expect(settings.fidelity.steps?.last == (Fidelity.dataResources.contains(resource) ? 400 : nil))
        let log = try simulate(settings, workers: 3)
        try judge(log.records().map(\.fact), settings)
        var complete: Set<Int> = []
        for case .reached(let trial, _, let reached, _, _, let isComplete) in log.records().map(\.fact) {
            #expect(isComplete == (reached == 400))
            if isComplete { complete.insert(trial) }
        }
        let front = try #require(log.commits.compactMap(\.front).last)
        #expect(!front.isEmpty && front.allSatisfy { complete.contains($0.trial) })
    }

    /// While the controller thinks, workers that are done wait: with 16 of them and trials of a second, a charge of c seconds each.
    @Test(arguments: [0, 0.01, 0.05]) func theClockIsChargedForEachAttempt(_ charge: Double) throws {
        let settings = try Synthetic.settings(trials: 320)
        let executor = SimulatedExecutor(
            slots: 16, evaluator: Synthetic.Evaluator(), charge: .constant(charge), duration: { _ in 1 })
        _ = try Controller(study: Synthetic.study(settings), log: MemoryLog(), executor: executor, clock: executor.clock).run()
        #expect(abs(executor.clock.now - (20 * (1 + charge) + 15 * charge)) < 1e-6)
    }

    @Test func theControllersRealTimeIsCharged() throws {
        let settings = try Synthetic.settings(trials: 20)
        let executor = SimulatedExecutor(slots: 1, evaluator: Synthetic.Evaluator(), charge: .real, duration: { _ in 1 })
        _ = try Controller(study: Synthetic.study(settings), log: MemoryLog(), executor: executor, clock: executor.clock).run()
        #expect(executor.thinkingSeconds.count == 20)
        #expect(executor.clock.now >= 20 + executor.thinkingSeconds.reduce(0, +))
    }
}
