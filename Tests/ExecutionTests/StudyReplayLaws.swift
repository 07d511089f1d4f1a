import Documents
import Search
import Testing
import Trials

@Suite struct StudyReplayLaws {
    /// The first difference of a log, nil when there is none.
    private func replay(_ facts: [StudyFact], _ settings: StudySettings) throws -> StudyReplay.Difference? {
        var replay = StudyReplay(try Synthetic.study(settings))
        for fact in facts { if let difference = try replay.take(fact) { return difference } }
        #expect(replay.eventCount == facts.count && replay.trialCount == settings.budget.trials)
        return nil
    }

    private func log(_ settings: StudySettings) throws -> [StudyFact] {
        let log = MemoryLog()
        try Synthetic.run(settings, workers: 3, log: log, death: StudyRunLaws.deaths(4))
        return log.records().map(\.fact)
    }

    @Test(arguments: StudyRunLaws.fidelities, StudyRunLaws.strategies)
    func aLogIsEqualAndEveryChangedDecisionIsFoundWhereItStands(fidelity: String, strategy: String) throws {
        for lag in [nil, 4] {
            let settings = try Synthetic.settings(strategy: strategy, fidelity: fidelity, trials: 12, lag: lag)
            let facts = try log(settings)
            #expect(try replay(facts, settings) == nil)
            var changed = 0
            for place in facts.indices {
                var copy = facts
                switch facts[place] {
                case .started(var start):
                    start.seed += 1
                    copy[place] = .started(start)
                case .continued(let decision, let trial, let resource):
                    copy[place] = .continued(decision: decision, trial: trial, resource: resource + 1)
                case .nothing(let decision): copy[place] = .exhausted(decision: decision)
                case .attemptStarted(let trial, let attempt, let worker, let resource, _):
                    copy[place] = .attemptStarted(trial: trial, attempt: attempt, worker: worker, resource: resource, from: "elsewhere")
                default: continue
                }
                changed += 1
                let difference = try replay(copy, settings)
                #expect(difference?.event == place + 1 && difference?.recorded == copy[place])
                #expect(difference?.proposed == .fact(facts[place]))
            }
            #expect(changed >= 24)
        }
    }

    @Test func anEndThatComesTooEarlyOrNumberedIsTold() throws {
        let settings = try Synthetic.settings(fidelity: Synthetic.asha, trials: 8, lag: 3)
        let facts = try log(settings)
        let place = try #require(facts.firstIndex { if case .continued = $0 { true } else { false } })
        let early = try #require(try replay(Array(facts[..<place]) + [.ended(reason: "enough")], settings))
        #expect(early.event == place + 1 && early.proposed == .fact(facts[place]))
        // Up to release 0.4 the end of a study with a lag was a numbered decision.
        let end = try #require(facts.firstIndex { if case .pruned = $0 { true } else { false } })
        let decisions = facts.count { $0.isDecision }
        #expect(try replay(facts[..<end] + [.nothing(decision: decisions)] + facts[end...], settings) == nil)
    }

    @Test func aLogThatContradictsItselfIsRefused() throws {
        let settings = try Synthetic.settings(trials: 6)
        let facts = try log(settings)
        for place in facts.indices {
            switch facts[place] {
            case .reached, .attemptFailed, .measured:
                // A result twice, and an attempt's word after its end.
                let ends = facts[place...].firstIndex { if case .reached(let trial, _, _, _, _, _) = $0 { trial == facts[place].trial } else { false } }
                guard let ends else { continue }
                var copy = facts
                copy.insert(facts[place], at: ends + 1)
                #expect(throws: InputError.self) { try replay(copy, settings) }
            default: continue
            }
        }
    }
}
