import Documents
import Execution
import Search
import SearchSpaces
import Testing
import Trials

/// Studies that begin with candidates of the experiment and with what another study knows.
@Suite struct WarmStartLaws {
    private static let given = """
        warm-start:
          trials:
            - {name: wide, candidate: {kind: chain, width: 40, gain: 0.5, block: dense}, genotype: {width: 40, gain: 0.5, block: 1}}
            - {name: foreign, candidate: {kind: chain, width: 80, gain: 0.25, block: other}, genotype: null}
            - {name: infeasible, candidate: {kind: chain, width: 90, gain: 0.25, block: other}, genotype: null}
            - {name: again, candidate: {kind: chain, width: 40, gain: 0.5, block: dense}, genotype: {width: 40, gain: 0.5, block: 1}}
        constraints: [{metric: macs, at-most: 85000}]
        """

    private func settings(_ strategy: String, fidelity: String = Synthetic.asha, trials: Int = 24, lag: Int? = nil, more: String = given) throws -> StudySettings {
        try Synthetic.settings(strategy: strategy, fidelity: fidelity, trials: trials, lag: lag, more: more)
    }

    private func starts(_ facts: [StudyFact]) -> [StudyFact.StartedTrial] {
        facts.compactMap { if case .started(let start) = $0 { start } else { nil } }
    }

    private func run(_ settings: StudySettings, knowing results: [TransferredResult] = [], workers: Int = 3) throws -> [StudyFact] {
        var study = try Synthetic.study(settings)
        study.learn(results)
        let log = MemoryLog()
        let executor = SimulatedExecutor(
            slots: workers, evaluator: Synthetic.Evaluator(), charge: .constant(0.01), duration: { Double($0.resource) * 0.01 })
        _ = try Controller(study: study, log: log, executor: executor, clock: executor.clock).run()
        return log.records().map(\.fact)
    }

    private func results() throws -> [TransferredResult] {
        let space = try Synthetic.space()
        let facts = try run(Synthetic.settings(fidelity: Synthetic.asha))
        let starts = starts(facts)
        return facts.compactMap { fact in
            guard case .reached(let trial, _, let resource, let points, _, _) = fact else { return nil }
            #expect((try? space.genotype(from: starts[trial].genotype)) != nil)
            return TransferredResult(
                study: "/gone", trial: trial, genotype: starts[trial].genotype, candidateHash: starts[trial].inspection.candidateHash,
                part: Double(resource) / 400, points: points)
        }
    }

    /// The log alone makes the same decisions again, from any moment on.
    private func expectReplay(_ facts: [StudyFact], _ settings: StudySettings) throws {
        var replay = StudyReplay(try Synthetic.study(settings))
        for fact in facts { #expect(try replay.take(StudyFact(kind: fact.kind, trial: fact.trial, payload: .parse(json: fact.payload.json, file: "log"))) == nil) }
    }

    @Test(arguments: CombinationLaws.strategies, CombinationLaws.fidelities)
    func givenCandidatesEnterFirstOnceAndWithinTheBounds(_ strategy: String, _ fidelity: String) throws {
        for lag in [nil, 4] {
            let settings = try settings(strategy, fidelity: fidelity, lag: lag)
            let facts = try run(settings)
            let started = starts(facts)
            #expect(started.prefix(2).map(\.strategy) == ["given (wide)", "given (foreign)"])
            #expect(started[1].genotype.isNull && started.dropFirst(2).allSatisfy { !$0.genotype.isNull && !$0.strategy.hasPrefix("given") })
            #expect(Set(started.map(\.inspection.candidateHash)).count == 24 && started.count == 24)
            try expectReplay(facts, settings)
        }
    }

    /// What is no point of the space may be the best of all: it stands on the front.
    @Test func aNetworkOutsideOfTheSpaceIsJudgedLikeAnyOther() throws {
        let run = try Synthetic.run(settings("{kind: nsga2, population: 4}", fidelity: "{kind: full}"), workers: 2)
        #expect(run.study.trials[1].isOutside && run.study.trials[1].state == .complete && run.front.trials.contains(1))
    }

    @Test(arguments: CombinationLaws.strategies) func anotherStudysResultsAreInTheLogAndNoTrials(_ strategy: String) throws {
        let results = try results()
        for lag in [nil, 4] {
            let settings = try settings(strategy, lag: lag)
            let facts = try run(settings, knowing: results)
            let logged = facts.compactMap { if case .transferred(let it) = $0 { it } else { nil } }
            #expect(logged == results && starts(facts).count == 24)
            try expectReplay(facts, settings)
            // A study that goes on knows them from its log, and brings them in no second time.
            let half = facts.count / 2
            var resumed = try Study(
                settings: settings, space: Synthetic.space(),
                strategy: makeStrategy(settings.strategy, space: Synthetic.space(), objectives: settings.objectives),
                scheduler: makeScheduler(settings.fidelity, objectives: settings.objectives), inspector: Synthetic.Inspector(),
                facts: Array(facts[..<half]))
            let actions = resumed.step(.opened(workers: 1))
            #expect(!actions.contains { if case .record(.transferred) = $0 { true } else { false } })
        }
    }

    /// A model that knows another study proposes near what was good there, where one that knows nothing covers the space.
    @Test(arguments: ["{kind: surrogate}", "{kind: nsga2}", "{kind: evolution}", "{kind: tpe}", "{kind: pareto-local-search}"])
    func aStrategyLearnsFromAnotherStudy(_ strategy: String) throws {
        let space = try Synthetic.space()
        // Only the narrow ones with much gain were any good.
        let results = (0..<40).map { number -> TransferredResult in
            let (width, gain) = (1 + number % 8 * 8, Double(number / 8) / 5)
            let genotype: Document = ["width": .int(width), "gain": .float(gain), "block": 0]
            let quality = 40 * gain - Double(width)
            return TransferredResult(
                study: "/gone", trial: number, genotype: genotype, candidateHash: "\(number)", part: 1,
                points: [Point(metrics: ["psnr_db": quality, "macs": Double(1000 * width)])])
        }
        for result in results { _ = try space.genotype(from: result.genotype) }
        func gains(_ results: [TransferredResult]) throws -> Double {
            let settings = try settings(strategy, fidelity: "{kind: full}", trials: 10, more: "")
            let started = try starts(run(settings, knowing: results, workers: 10)).prefix(10)
            return try started.reduce(0) { try $0 + $1.candidate.required("gain").double() - $1.candidate.required("width").double() / 64 } / 10
        }
        #expect(try gains(results) > gains([]) + 0.15, "\(strategy)")
    }

    @Test func factsReadBackAsTheyWereWritten() throws {
        for result in try results() {
            let fact = StudyFact.transferred(result)
            #expect(try StudyFact(kind: fact.kind, trial: fact.trial, payload: .parse(json: fact.payload.json, file: "log")) == fact)
        }
    }
}
