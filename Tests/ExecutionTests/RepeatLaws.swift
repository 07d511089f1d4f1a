import Documents
import Execution
import RandomStreams
import Search
import Testing
import Trials

/// Noisy results: networks run again where their membership of the front is undecided.
@Suite struct RepeatLaws {
    /// A quality that the candidate has and luck that the seed has.
    private struct Noisy: TrialEvaluator {
        var noise: Double

        func evaluate(_ request: TrialRequest, report: (WorkerEvent) throws -> Void, shouldStop: () -> Bool) throws {
            let width = Double(try request.candidate.required("width").int())
            var stream = RandomStream(seed: UInt64(request.seed))
            let quality = 22 + width.squareRoot() + noise * stream.normal()
            try report(
                .result(
                    trial: request.trial, attempt: request.attempt, resource: request.resource,
                    points: [Point(metrics: ["psnr_db": quality])]))
        }
    }

    private func settings(lag: Int? = nil, fidelity: String = "{kind: full}", strategy: String = "{kind: nsga2, population: 8}")
        throws -> StudySettings
    {
        try Synthetic.settings(strategy: strategy, fidelity: fidelity, trials: 80, lag: lag, more: "repeats: {at-most: 3}")
    }

    private func starts(_ facts: [StudyFact]) -> [StudyFact.StartedTrial] {
        facts.compactMap { if case .started(let start) = $0 { start } else { nil } }
    }

    @Test(arguments: ["{kind: full}", Synthetic.asha], ["{kind: random}", "{kind: nsga2, population: 8}"])
    func aRepeatIsAnotherRunOfACompleteNetworkWithTheNextSeed(_ fidelity: String, _ strategy: String) throws {
        let settings = try settings(fidelity: fidelity, strategy: strategy)
        let log = MemoryLog()
        let run = try Synthetic.run(settings, workers: 3, log: log, evaluator: Noisy(noise: 0.5))
        let facts = log.records().map(\.fact)
        let starts = starts(facts)
        let repeats = starts.filter { $0.repeats != nil }
        #expect(!repeats.isEmpty && 3 * repeats.count <= starts.count)
        var runs: [Int: Int] = [:]
        for start in repeats {
            let first = try #require(start.repeats?.trial)
            let next = runs[first, default: 1] + 1
            runs[first] = next
            #expect(start.repeats?.run == next && next <= 3 && start.seed == starts[first].seed + next - 1)
            #expect(start.candidate == starts[first].candidate && starts[first].repeats == nil && start.resource == 400)
        }
        let others = starts.filter { $0.repeats == nil }.map(\.inspection.candidateHash)
        #expect(Set(others).count == others.count)
        // The front stands on means, each network once.
        for entry in run.front.entries {
            #expect(run.study.trials[entry.trial].repeatOf == nil)
            let own = facts.compactMap { fact -> Double? in
                guard case .reached(let trial, _, 400, let points, _, _) = fact,
                    trial == entry.trial || run.study.trials[trial].repeatOf == entry.trial
                else { return nil }
                return points[0].metrics["psnr_db"]
            }
            #expect(run.study.trials[entry.trial].runs == own.count)
            let mean = own.reduce(0, +) / Double(own.count)
            #expect(abs(entry.point.metrics["psnr_db"]! - mean) < 1e-9)
            guard own.count > 1 else { continue }
            let squares = own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            let halfWidth = [12.7062, 4.3027][own.count - 2] * (squares / Double((own.count - 1) * own.count)).squareRoot()
            #expect(abs(entry.point.metrics["psnr_db_half_width"]! - halfWidth) < 1e-9)
            #expect(entry.point.metrics["runs"] == Double(own.count))
        }
        var replay = StudyReplay(try Synthetic.study(settings))
        for fact in facts {
            #expect(try replay.take(StudyFact(kind: fact.kind, trial: fact.trial, payload: fact.payload)) == nil)
        }
        // What is restored from the log is the same front.
        let restored = try StudyRestoration(Synthetic.study(settings), log: log)
        #expect(
            restored.front.entries == run.front.entries && restored.study.trials.map(\.points) == run.study.trials.map(\.points))
    }

    @Test func withALagAnyNumberOfWorkersRepeatsTheSame() throws {
        let settings = try settings(lag: 4)
        var reference: [StudyFact]?
        for (tempo, workers) in [1, 2, 4].enumerated() {
            let log = MemoryLog()
            try Synthetic.run(settings, workers: workers, log: log, tempo: tempo, evaluator: Noisy(noise: 0.5))
            let decisions = log.records().map(\.fact).decisions
            #expect(decisions == reference ?? decisions && starts(decisions).contains { $0.repeats != nil })
            reference = decisions
        }
        // Cut anywhere, the search goes on as it would.
        let whole = MemoryLog()
        try Synthetic.run(settings, workers: 2, log: whole, evaluator: Noisy(noise: 0.5))
        for cut in stride(from: 20, to: whole.commits.count, by: 37) {
            let log = MemoryLog(Array(whole.commits.prefix(cut)))
            try Synthetic.run(settings, workers: 3, log: log, tempo: cut, evaluator: Noisy(noise: 0.5))
            #expect(log.records().map(\.fact).decisions == reference, "cut at \(cut)")
        }
    }

    /// Some repeats tell that there is no noise; then there are no more.
    @Test func resultsWithoutNoiseAreNotRepeatedForLong() throws {
        let log = MemoryLog()
        try Synthetic.run(settings(), workers: 1, log: log, evaluator: Noisy(noise: 0))
        let repeats = starts(log.records().map(\.fact)).filter { $0.repeats != nil }
        #expect((1...3).contains(repeats.count))
    }

    /// The more a network runs, the nearer its mean is to the truth: members of the front are then less often there by luck.
    @Test func membersAreLessLuckyWithRepeats() throws {
        func luck(_ more: String) throws -> Double {
            var (sum, count) = (0.0, 0.0)
            for seed in 1...12 {
                let settings = try Synthetic.settings(seed: seed, strategy: "{kind: random}", trials: 90, more: more)
                let run = try Synthetic.run(settings, workers: 1, evaluator: Noisy(noise: 0.5))
                for entry in run.front.entries {
                    sum += entry.point.metrics["psnr_db"]! - 22 - (entry.point.metrics["macs"]! / 1000).squareRoot()
                    count += 1
                }
            }
            return sum / count
        }
        let (single, repeated) = (try luck(""), try luck("repeats: {at-most: 3}"))
        #expect(repeated < 0.75 * single, "\(repeated) with repeats, \(single) without")
    }
}
