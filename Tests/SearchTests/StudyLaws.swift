import Documents
import Search
import SearchSpaces
import Testing
import Trials

/// The state machine by itself: events in, actions out.
@Suite struct StudyLaws {
    private struct Inspector: CandidateInspector {
        let costMetric: String? = "macs"

        func inspect(_ candidate: Document) throws -> CandidateInspection {
            let width = try candidate.required("width").int()
            if width == 7 { throw InputError("seven cannot be built") }
            return CandidateInspection(
                candidateHash: "width \(width)", architectureHash: "width \(width)", family: nil, architecture: candidate,
                metrics: ["macs": Double(1000 * width)])
        }
    }

    private func settings(_ more: String = "") throws -> StudySettings {
        try StudySettings(
            experiment: .parse(
                """
                objectives: [{metric: psnr_db, direction: maximize, reference: 20}, {metric: macs, direction: minimize, reference: 1e5}]
                constraints: [{metric: macs, at-most: 12000}]
                recipe: {steps: 10}
                budget: {trials: 20}
                \(more)
                """, file: "e.yaml"))
    }

    private func study(_ settings: StudySettings, facts: [StudyFact] = []) throws -> Study {
        let space = try SearchSpace(.parse("halcyon: 1\ntemplate: {width: {int: [1, 16]}}", file: "s.yaml"))
        return try Study(
            settings: settings, space: space,
            strategy: makeStrategy(settings.strategy, space: space, objectives: settings.objectives),
            scheduler: makeScheduler(settings.fidelity, objectives: settings.objectives), inspector: Inspector(),
            folder: "/study", facts: facts)
    }

    private func result(_ request: TrialRequest) -> WorkerEvent {
        .result(
            trial: request.trial, attempt: request.attempt, resource: request.resource,
            points: [Point(metrics: ["psnr_db": 25])])
    }

    /// Answers every request at once; returns the facts and how the study finished.
    private func drive(_ study: inout Study, workers: Int = 2) -> (facts: [StudyFact], reason: String) {
        var queue = study.step(.opened(workers: workers))
        var facts: [StudyFact] = []
        var reason = ""
        while !queue.isEmpty {
            switch queue.removeFirst() {
            case .record(let fact): facts.append(fact)
            case .start(let slot, let request): queue += study.step(.message(slot: slot, result(request)))
            case .stop: break
            case .finished(let why, _): reason = why
            }
        }
        return (facts, reason)
    }

    /// 12 widths are within the bounds, one of them cannot be built: 11 trials, then the space is exhausted.
    @Test func duplicatesAndInfeasibleCandidatesAreRejectedUntilTheSpaceIsExhausted() throws {
        for lag in ["", "lag: 3"] {
            var study = try study(settings(lag))
            let (facts, reason) = drive(&study)
            #expect(reason.contains("exhausted"))
            #expect(study.trials.count == 11)
            #expect(study.trials.allSatisfy { $0.state == .complete })
            let hashes = facts.compactMap { if case .started(let start) = $0 { start.inspection.candidateHash } else { nil } }
            #expect(Set(hashes).count == 11)
            let reasons = facts.compactMap { if case .rejected(_, _, _, let reason, _) = $0 { reason } else { nil } }
            for word in ["a duplicate of trial", "infeasible: macs", "seven cannot be built"] {
                #expect(reasons.contains { $0.contains(word) })
            }
        }
    }

    /// The first session tells whether trials count by their cost: what later ones have, and a restored log, change nothing.
    @Test(arguments: [nil, 1e6], [nil, 1e6]) func theFirstSessionTellsWhetherTimeIsScarce(_ first: Double?, _ second: Double?) throws {
        func summary(_ study: Study) -> String { study.strategy.summary }
        var settings = try settings("strategy: {kind: auto}")
        settings.budget = .init(trials: 4, seconds: first)
        let expected = first == nil ? "auto (surrogate)" : "auto (surrogate, gain per macs)"
        var study = try study(settings)
        var facts = drive(&study).facts
        #expect(summary(study) == expected)
        #expect(facts.allSatisfy { if case .started(let start) = $0 { start.strategy == expected } else { true } })
        settings.budget = .init(trials: 8, seconds: second)
        var restored = try self.study(settings, facts: facts)
        facts += drive(&restored).facts
        #expect(restored.trials.count == 8 && summary(restored) == expected)
        #expect(summary(try self.study(settings, facts: facts)) == expected)
    }

    @Test func decisionsAreNumberedWithoutGaps() throws {
        var study = try study(settings("lag: 4"))
        let numbers = drive(&study).facts.compactMap { fact -> Int? in
            switch fact {
            case .started(let start): start.decision
            case .continued(let decision, _, _), .stopped(let decision, _), .nothing(let decision): decision
            default: nil
            }
        }
        #expect(numbers == Array(0..<numbers.count))
        #expect(study.decisionCount == numbers.count)
    }

    @Test func withALagLaterResultsWait() throws {
        // Lag 2, four slots: decisions 0 and 1 are made; 2 waits for the result of 0 even when that of 1 is there.
        var study = try study(settings("lag: 2"))
        let requests = study.step(.opened(workers: 4)).compactMap { if case .start(let slot, let it) = $0 { (slot, it) } else { nil } }
        #expect(requests.map(\.1.trial) == [0, 1])
        let second = study.step(.message(slot: requests[1].0, result(requests[1].1)))
        #expect(!second.contains { if case .start = $0 { true } else { false } })
        let first = study.step(.message(slot: requests[0].0, result(requests[0].1)))
        #expect(first.count { if case .start = $0 { true } else { false } } == 2)
    }

    @Test func lateAndForeignMessagesChangeNothing() throws {
        var study = try study(settings())
        let starts = study.step(.opened(workers: 1)).compactMap { if case .start(_, let it) = $0 { it } else { nil } }
        let request = try #require(starts.first)
        #expect(request.folder == "/study/trials/0" && request.experiment == "/study/experiment.yaml")
        for (trial, attempt) in [(request.trial + 1, 1), (request.trial, 2), (-1, 1)] {
            let stray = WorkerEvent.result(trial: trial, attempt: attempt, resource: 10, points: [Point(metrics: [:])])
            #expect(study.step(.message(slot: 0, stray)).isEmpty)
        }
        #expect(study.step(.message(slot: 9, result(request))).isEmpty)
        #expect(study.trials[0].state == .running)
    }

    @Test func checkpointsAreKeptRelativeAndAskedForAbsolute() throws {
        var study = try study(settings())
        _ = study.step(.opened(workers: 1))
        let path = "/study/trials/0/checkpoint.h5"
        let saved = study.step(.message(slot: 0, .checkpoint(trial: 0, attempt: 1, resource: 5, path: path)))
        #expect(saved == [.record(.checkpointed(trial: 0, attempt: 1, resource: 5, path: "trials/0/checkpoint.h5"))])
        let again = study.step(.ended(slot: 0, AttemptFailure(reason: "gone", signal: 9)))
        let request = again.compactMap { if case .start(_, let it) = $0 { it } else { nil } }.first
        #expect(request?.from == path && request?.previousResource == 5 && request?.attempt == 2)
    }

    /// A score of the untrained network may be an objective: it counts at every rung, measured once.
    @Test func whatWasMeasuredBeforeTheTrainingBelongsToEveryPoint() throws {
        var settings = try settings("fidelity: {kind: asha, rungs: [5, 10], reduction: 2}").with(trials: 1)
        settings.objectives.append(Objective(metric: "synflow", direction: .maximize, reference: 0))
        var study = try study(settings)
        _ = study.step(.opened(workers: 1))
        let score = WorkerEvent.measurement(.init(trial: 0, attempt: 1, metric: "synflow", resource: 0, value: 3))
        #expect(study.step(.message(slot: 0, score)).count == 1)
        for (attempt, resource) in [(1, 5), (2, 10)] {
            let result = WorkerEvent.result(
                trial: 0, attempt: attempt, resource: resource, points: [Point(metrics: ["psnr_db": 25, "macs": 1])])
            let facts = study.step(.message(slot: 0, result))
            #expect(study.trials[0].points[0].metrics["synflow"] == 3 && study.trials[0].reached == resource)
            #expect(!facts.contains { if case .record(.measured(let it, _)) = $0 { it.metric == "synflow" } else { false } })
        }
    }

    @Test func aCheckpointStandsBetweenTheLastOneAndTheTarget() throws {
        var study = try study(settings())
        _ = study.step(.opened(workers: 1))
        func save(_ attempt: Int, _ resource: Int) -> [StudyAction] {
            study.step(.message(slot: 0, .checkpoint(trial: 0, attempt: attempt, resource: resource, path: "c.h5")))
        }
        #expect(save(1, 11).isEmpty)
        #expect(save(1, 5).count == 1)
        _ = study.step(.ended(slot: 0, AttemptFailure(reason: "gone", signal: 9)))
        #expect(save(2, 4).isEmpty)
        #expect(save(2, 10).count == 1)
    }

    @Test func aResultWithoutAnObjectiveIsAFailedAttempt() throws {
        var study = try study(settings("limits: {retries: 0}"))
        _ = study.step(.opened(workers: 1))
        _ = study.step(.message(slot: 0, .result(trial: 0, attempt: 1, resource: 10, points: [Point(metrics: ["ssim": 1])])))
        #expect(study.trials[0].state == .fail && study.trials[0].failure?.contains("psnr_db") == true)
    }

    /// The second worker trains further and carries the first one's latency: the points belong to the first one's environment.
    @Test func aTrialsEnvironmentIsThatOfItsLatency() throws {
        var study = try study(settings("fidelity: {kind: asha, rungs: [5, 10], reduction: 2}").with(trials: 1))
        _ = study.step(.opened(workers: 2))
        let environments: [Document] = [["host": "a"], ["host": "b"]]
        for slot in 0..<2 { _ = study.step(.message(slot: slot, .hello(.init(pid: 1, environment: environments[slot])))) }
        let measured = WorkerEvent.measurement(.init(trial: 0, attempt: 1, metric: "latency_ms", resource: 5, value: 3))
        _ = study.step(.message(slot: 0, measured))
        _ = study.step(.message(slot: 0, .hello(.init(pid: 2, environment: environments[1]))))
        _ = study.step(.ended(slot: 0, AttemptFailure(reason: "gone", signal: 9)))
        let points = [Point(metrics: ["psnr_db": 25, "latency_ms": 7])]
        _ = study.step(.message(slot: 0, .result(trial: 0, attempt: 2, resource: 5, points: points)))
        #expect(study.trials[0].reached == 5 && study.trials[0].points[0].metrics["latency_ms"] == 3)
        #expect(study.trials[0].environment == environments[0].digest)
    }

    /// A dynamic network is measured again at each rung: its points belong to the newest measurement's environment, told by a
    /// message or by the result alone. What is carried along unchanged is no measurement.
    @Test func aNewerLatencyBringsItsEnvironment() throws {
        for (told, carried) in [(true, false), (false, false), (false, true)] {
            var study = try study(settings("fidelity: {kind: asha, rungs: [5, 10], reduction: 2}").with(trials: 2))
            let environments: [Document] = [["host": "a"], ["host": "b"]]
            var queue = study.step(.opened(workers: 1))
            var facts: [StudyFact] = []
            var environment = -1
            while !queue.isEmpty {
                switch queue.removeFirst() {
                case .record(let fact): facts.append(fact)
                case .start(let slot, let request):
                    let newer = request.resource > 5
                    if environment != (newer ? 1 : 0) {
                        environment = newer ? 1 : 0
                        queue += study.step(.message(slot: slot, .hello(.init(pid: 1, environment: environments[environment]))))
                    }
                    let latency = newer && !carried ? 4.0 : 3
                    if told {
                        let measurement = WorkerEvent.Measurement(
                            trial: request.trial, attempt: request.attempt, metric: "latency_ms", resource: request.resource,
                            value: latency)
                        queue += study.step(.message(slot: slot, .measurement(measurement)))
                    }
                    let points = [Point(metrics: ["psnr_db": 25, "latency_ms": latency])]
                    queue += study.step(
                        .message(
                            slot: slot,
                            .result(trial: request.trial, attempt: request.attempt, resource: request.resource, points: points)))
                case .stop, .finished: break
                }
            }
            let trial = try #require(study.trials.first { $0.reached == 10 })
            #expect(trial.environment == environments[carried ? 0 : 1].digest)
            #expect(trial.points[0].metrics["latency_ms"] == (carried ? 3 : 4))
            let measured = facts.count {
                if case .measured(let it, _) = $0 { it.trial == trial.number && it.metric == "latency_ms" } else { false }
            }
            #expect(measured == (carried ? 1 : 2))
        }
    }

    /// A constraint that nothing can meet: the decision is given up after a number of proposals that takes seconds at most.
    @Test func aConstraintThatNothingMeetsIsGivenUp() throws {
        let settings = try settings()
        let space = try SearchSpace(.parse("halcyon: 1\ntemplate: {width: {int: [13, 100000]}}", file: "s.yaml"))
        var study = try Study(
            settings: settings, space: space,
            strategy: makeStrategy(settings.strategy, space: space, objectives: settings.objectives),
            scheduler: makeScheduler(settings.fidelity, objectives: settings.objectives), inspector: Inspector(), facts: [])
        let facts = drive(&study).facts
        #expect(study.isExhausted && study.trials.isEmpty)
        let redraws = facts.compactMap { if case .rejected(_, let redraw, _, _, _) = $0 { redraw } else { nil } }
        #expect(redraws.last == 1_999)
    }

    @Test func constraintsThatContradictThemselvesAreRefused() throws {
        for bounds in ["at-most: -1", "at-most: 5, at-least: 6"] {
            #expect { try Constraint(.parse("{metric: macs, \(bounds)}", file: "c.yaml")) } throws: { error in
                "\(error)".contains("c.yaml:1:") && "\(error)".contains("at-most: nothing can meet")
            }
        }
        #expect(try Constraint(.parse("{metric: macs, at-most: 6, at-least: 6}", file: "c.yaml")).allows(6))
    }

    /// One width in 512 is feasible: it is found, the log stays short, and it tells every redraw that it keeps.
    @Test func rareFeasibleCandidatesAreFound() throws {
        let settings = try settings()
        let space = try SearchSpace(.parse("halcyon: 1\ntemplate: {width: {int: [12, 523]}}", file: "s.yaml"))
        var study = try Study(
            settings: settings, space: space,
            strategy: makeStrategy(settings.strategy, space: space, objectives: settings.objectives),
            scheduler: makeScheduler(settings.fidelity, objectives: settings.objectives), inspector: Inspector(), folder: "/study",
            facts: [])
        let facts = study.step(.opened(workers: 1)).compactMap { if case .record(let fact) = $0 { fact } else { nil } }
        let redraws = facts.compactMap { if case .rejected(0, let redraw, _, _, _) = $0 { redraw } else { nil } }
        #expect(study.trials.count == 1 && redraws.count == 20 && zip(redraws, redraws.dropFirst()).allSatisfy { $1 == $0 + 1 })
    }

    @Test func aFatalFailureIsFinal() throws {
        var study = try study(settings())
        _ = study.step(.opened(workers: 1))
        _ = study.step(.message(slot: 0, .failed(trial: 0, attempt: 1, reason: "diverged", fatal: true)))
        #expect(study.trials[0].state == .fail && study.trials[0].failure == "diverged")
    }

    @Test func damagedLogsAreRefused() throws {
        var whole = try study(settings("lag: 2"))
        let facts = drive(&whole).facts
        #expect(throws: Never.self) { try study(settings("lag: 2"), facts: facts) }
        let first = try #require(facts.firstIndex { if case .started = $0 { true } else { false } })
        var gap = facts
        gap.remove(at: first)
        #expect(throws: InputError.self) { try study(settings("lag: 2"), facts: gap) }
        #expect(throws: InputError.self) { try study(settings("lag: 3"), facts: facts) }
        #expect(throws: InputError.self) { try study(settings("lag: 2"), facts: [.pruned(trial: 4)]) }
    }

    @Test func settingsAreLocated() throws {
        func message(_ text: String) -> String {
            do {
                _ = try StudySettings(experiment: .parse(text, file: "e.yaml"))
                return ""
            } catch { return "\(error)" }
        }
        let good = "objectives: [{metric: a, direction: minimize, reference: 1}]\nbudget: {trials: 4}\n"
        #expect(message(good) == "")
        #expect(message(good + "limits: {memory: lots}").hasPrefix("e.yaml:3:18: memory: expected a size"))
        #expect(message(good + "limits: {memroy: 4GB}").contains("did you mean \"memory\"?"))
        #expect(message(good + "lag: 0").hasPrefix("e.yaml:3:6: lag"))
        #expect(message(good + "workers: 4\nlag: 2").contains("raise it"))
        #expect(message("budget: {trials: 4}").contains("\"objectives\" is missing"))
        #expect(message(good + "keep: some").contains("front, all, none"))
        let sizes = try StudySettings(experiment: .parse(good + "limits: {memory: 2GiB}", file: "e.yaml"))
        #expect(sizes.limits.memory == 2_147_483_648 && sizes.limits.trialSeconds == 600)
    }
}

extension StudySettings {
    fileprivate func with(trials: Int) -> StudySettings {
        var settings = self
        settings.budget.trials = trials
        return settings
    }
}
