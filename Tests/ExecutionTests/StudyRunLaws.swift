import Execution
import RandomStreams
import Search
import Testing
import Trials

@Suite struct StudyRunLaws {
    static let fidelities = ["{kind: full}", Synthetic.asha]
    static let strategies = ["{kind: random}", "{kind: nsga2, population: 8}"]

    @Test(arguments: fidelities, strategies)
    func withALagAnyNumberOfWorkersMakesTheSameSearch(fidelity: String, strategy: String) throws {
        for lag in [4, 6] {
            let settings = try Synthetic.settings(strategy: strategy, fidelity: fidelity, lag: lag)
            var reference: [StudyFact]?
            for (tempo, workers) in [1, 2, 4].enumerated() {
                let log = MemoryLog()
                let run = try Synthetic.run(settings, workers: workers, log: log, tempo: tempo)
                #expect(run.outcome.paused == false)
                let facts = log.records().map(\.fact)
                if let reference {
                    #expect(facts.decisions == reference.decisions)
                    #expect(facts.results == reference.results)
                } else {
                    reference = facts
                }
            }
        }
    }

    @Test func everyStudyTerminates() throws {
        for seed in 1...12 {
            for lag in [nil, 1, 2, 5, 8] {
                let settings = try Synthetic.settings(seed: seed, fidelity: Synthetic.asha, trials: 10 + seed, lag: lag)
                let run = try Synthetic.run(settings, workers: 3, tempo: seed)
                #expect(run.study.trials.count == 10 + seed)
                #expect(run.study.trials.allSatisfy { $0.state == .complete || $0.state == .pruned })
                #expect(run.study.trials.contains { $0.state == .complete })
            }
        }
    }

    @Test(arguments: fidelities)
    func resumedAtAnyCutTheSearchGoesOnAsItWould(fidelity: String) throws {
        let settings = try Synthetic.settings(strategy: "{kind: nsga2, population: 4}", fidelity: fidelity, trials: 12, lag: 3)
        let whole = MemoryLog()
        try Synthetic.run(settings, workers: 2, log: whole)
        let reference = whole.records().map(\.fact)
        for cut in 0...whole.commits.count - 1 {
            let log = MemoryLog(Array(whole.commits.prefix(cut)))
            let run = try Synthetic.run(settings, workers: 1 + cut % 3, log: log, tempo: cut)
            let facts = log.records().map(\.fact)
            #expect(facts.decisions == reference.decisions, "cut at \(cut)")
            #expect(facts.results == reference.results, "cut at \(cut)")
            #expect(Set(facts.measurementKeys).count == facts.measurementKeys.count)
            #expect(run.study.trials.allSatisfy { $0.state.isFinal })
        }
    }

    @Test func aLogAloneRebuildsTheState() throws {
        let settings = try Synthetic.settings(fidelity: Synthetic.asha)
        let log = MemoryLog()
        let run = try Synthetic.run(settings, workers: 3, log: log)
        let rebuilt = try Synthetic.study(settings, facts: log.records().map(\.fact))
        #expect(rebuilt.trials.map(\.state) == run.study.trials.map(\.state))
        #expect(rebuilt.trials.map(\.points) == run.study.trials.map(\.points))
        #expect(rebuilt.trials.map(\.attempts) == run.study.trials.map(\.attempts))
    }

    @Test func crashesCostAttemptsAndEveryTrialEndsInAFinalState() throws {
        var failures = 0
        for seed in 1...10 {
            let settings = try Synthetic.settings(seed: seed, fidelity: Synthetic.asha)
            let log = MemoryLog()
            let run = try Synthetic.run(settings, workers: 3, log: log, death: Self.deaths(seed))
            #expect(run.study.trials.allSatisfy { $0.state.isFinal })
            let facts = log.records().map(\.fact)
            #expect(Set(facts.measurementKeys).count == facts.measurementKeys.count)
            for case .attemptFailed(_, _, let failure) in facts { #expect(failure.signal == 9) }
            failures += run.study.trials.count { $0.state == .fail }
            for trial in run.study.trials where trial.state == .fail { #expect(trial.failure?.contains("signal 9") == true) }
        }
        #expect(failures > 0)
    }

    @Test func twoDeathsWithoutProgressFailAndProgressResets() throws {
        let settings = try Synthetic.settings(trials: 3)
        let log = MemoryLog()
        // Trial 0 dies at once twice; trial 1 dies three times, each after a new checkpoint or only once without one.
        let run = try Synthetic.run(settings, workers: 1, log: log) { request in
            switch (request.trial, request.attempt) {
            case (0, _): .init(part: 0.01)
            case (1, 1), (1, 3): .init(part: 0.01)
            case (1, 2): .init(part: 0.7)
            default: nil
            }
        }
        #expect(run.study.trials.map(\.state) == [.fail, .complete, .complete])
        #expect(run.study.trials.map(\.attempts) == [2, 4, 1])
    }

    @Test func latencyIsMeasuredOnceAndCarriedAlong() throws {
        let settings = try Synthetic.settings(fidelity: Synthetic.asha)
        let log = MemoryLog()
        let run = try Synthetic.run(settings, workers: 2, log: log)
        for case .started(let start) in log.records().map(\.fact) {
            let width = try start.candidate.required("width").int()
            #expect(run.study.trials[start.trial].points[0].metrics["latency_ms"] == Double(width + 1))
        }
        let keys = log.records().map(\.fact).measurementKeys.filter { $0.contains("latency_ms") }
        #expect(keys.count == run.study.trials.count)
    }

    @Test func secondsPauseAndALargerBudgetGoesOn() throws {
        var settings = try Synthetic.settings(fidelity: Synthetic.asha, lag: 4)
        let reference = MemoryLog()
        try Synthetic.run(settings, workers: 2, log: reference)
        settings.budget.seconds = 15
        let log = MemoryLog()
        let paused = try Synthetic.run(settings, workers: 2, log: log)
        #expect(paused.outcome.paused)
        #expect(paused.study.trials.allSatisfy { $0.state != .pruned && $0.state != .running })
        // The budget is spent: nothing runs, and what a dead controller left RUNNING is settled.
        let cut = MemoryLog(Array(reference.commits.prefix(while: { $0.records[0].at < 15 })))
        let settled = try Synthetic.run(settings, workers: 2, log: cut)
        #expect(settled.outcome.paused && settled.study.trials.allSatisfy { $0.state != .running })
        settings.budget.seconds = nil
        let finished = try Synthetic.run(settings, workers: 2, log: log)
        #expect(!finished.outcome.paused)
        let (facts, expected) = (log.records().map(\.fact), reference.records().map(\.fact))
        #expect(facts.decisions == expected.decisions)
        #expect(facts.results == expected.results)
    }

    @Test func moreTrialsGoOnAfterTheEnd() throws {
        var settings = try Synthetic.settings(fidelity: Synthetic.asha, trials: 10)
        let log = MemoryLog()
        let first = try Synthetic.run(settings, workers: 2, log: log)
        settings.budget.trials = 20
        let second = try Synthetic.run(settings, workers: 2, log: log)
        #expect(second.study.trials.count == 20)
        for (before, after) in zip(first.study.trials, second.study.trials) where before.state == .pruned {
            #expect(after.state == .pruned)
        }
    }

    @Test func aRequestedStopLeavesAResumableStudy() throws {
        let settings = try Synthetic.settings()
        let log = MemoryLog()
        let stopSwitch = StopSwitch()
        stopSwitch.press()
        let run = try Synthetic.run(settings, workers: 2, log: log, stopSwitch: stopSwitch)
        #expect(run.outcome.paused)
        let resumed = try Synthetic.run(settings, workers: 2, log: log)
        #expect(resumed.study.trials.allSatisfy { $0.state == .complete && $0.attempts <= 2 })
    }

    @Test func aWorkerThatNeverWorksDoesNotBurnTheWholeBudget() throws {
        let settings = try Synthetic.settings(trials: 1000)
        let run = try Synthetic.run(settings, workers: 2) { _ in .init(part: 0.01) }
        #expect(run.outcome.paused && run.study.trials.count < 20)
    }

    /// One good trial at first does not hide that nothing works any more; another session gets its own chance.
    @Test func failuresInARowPauseTheStudyAndASessionGetsItsOwnChance() throws {
        let settings = try Synthetic.settings(trials: 60)
        let log = MemoryLog()
        let run = try Synthetic.run(settings, workers: 1, log: log) { $0.trial < 3 ? nil : .init(part: 0.01) }
        #expect(run.outcome.paused && run.outcome.hopeless)
        #expect(run.study.trials.map(\.state) == Array(repeating: .complete, count: 3) + Array(repeating: .fail, count: 8))
        let resumed = try Synthetic.run(settings, workers: 1, log: log)
        #expect(!resumed.outcome.paused && !resumed.outcome.hopeless && resumed.study.trials.count == 60)
    }

    @Test func withoutRetriesADeathWithoutProgressIsFinal() throws {
        let settings = try Synthetic.settings(trials: 10, more: "limits: {retries: 0}")
        let run = try Synthetic.run(settings, workers: 2) { request in
            switch (request.trial, request.attempt) {
            case (2, _): .init(part: 0.01)
            case (5, 1): .init(part: 0.7)
            default: nil
            }
        }
        #expect(!run.outcome.paused)
        for trial in run.study.trials {
            #expect(trial.state == (trial.number == 2 ? .fail : .complete) && trial.attempts == (trial.number == 5 ? 2 : 1))
        }
    }

    static func deaths(_ seed: Int) -> (TrialRequest) -> SimulatedExecutor.Death? {
        { request in
            var stream = RandomStream(seed: UInt64(seed)).split(request.trial).split(request.attempt)
            return stream.flag(probability: 0.4) ? .init(part: stream.uniform()) : nil
        }
    }
}
