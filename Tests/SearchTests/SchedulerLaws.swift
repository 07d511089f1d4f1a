import Documents
import RandomStreams
import Search
import SearchSpaces
import Testing
import Trials

/// A study in miniature: keeps some trials in flight, draws results and failures, and records all that was decided.
private struct SchedulerRun {
    struct Promotion {
        var trial: Int
        /// The rung left.
        var rung: Int
        /// The results of that rung when it was decided, its own among them.
        var results: [Int: [[Double]]]
        var eligible: Set<Int>
        var mayStart: Bool
    }

    var started: [Int] = []
    var promotions: [Promotion] = []
    var choices: [SchedulerChoice] = []
    var failed: Set<Int> = []
    var stopped: Set<Int> = []
    /// Stopped by the scheduler itself.
    var halted: Set<Int> = []
    var results: [[Int: [[Double]]]]
    var wasIdleAtEnd = false

    static let objectives = [
        Objective(metric: "error", direction: .minimize, reference: 1),
        Objective(metric: "cost", direction: .minimize, reference: 1),
    ]

    init(_ fidelity: Fidelity, trials: Int, slots: Int, seed: UInt64, failures: Double = 0.1, stops: Double = 0.05) throws {
        let space = try SearchSpace(Document.parse("halcyon: 1\ntemplate: x", file: "x"))
        var scheduler = makeScheduler(fidelity, objectives: Self.objectives)
        var stream = RandomStream(seed: seed)
        let genotype = space.sample(using: &stream)
        var flying: [(trial: Int, rung: Int)] = []
        var resting: [Int: Int] = [:]
        results = Array(repeating: [:], count: fidelity.rungs.count)
        while true {
            let mayStart = started.count < trials
            let choice = flying.count < slots ? scheduler.choose(mayStart: mayStart) : .nothing
            #expect(scheduler.choose(mayStart: mayStart) == choice || flying.count >= slots)
            choices.append(choice)
            switch choice {
            case .start(let resource):
                #expect(mayStart)
                let rung = try #require(fidelity.rungs.firstIndex(of: resource))
                flying.append((started.count, rung))
                scheduler.observe(.started(trial: started.count, genotype: genotype, resource: resource))
                started.append(started.count)
                continue
            case .proceed(let trial, let resource):
                let next = try #require(fidelity.rungs.firstIndex(of: resource))
                #expect(resting[trial] == next - 1, "continues a trial that does not rest just below")
                promotions.append(
                    Promotion(
                        trial: trial, rung: next - 1, results: results[next - 1],
                        eligible: Set(resting.filter { $0.value == next - 1 }.keys), mayStart: mayStart))
                resting[trial] = nil
                flying.append((trial, next))
                scheduler.observe(.continued(trial: trial, resource: resource))
                continue
            case .stop(let trial):
                #expect(fidelity.kind == .median && resting.removeValue(forKey: trial) != nil, "stops a trial that does not rest")
                halted.insert(trial)
                scheduler.observe(.stopped(trial: trial))
                continue
            case .nothing: break
            }
            if flying.isEmpty {
                wasIdleAtEnd = true
                break
            }
            let (trial, rung) = flying.remove(at: stream.index(below: flying.count))
            if stream.flag(probability: failures) {
                failed.insert(trial)
                scheduler.observe(.failed(trial: trial))
                continue
            }
            let values = [stream.uniform(), stream.uniform()]
            results[rung][trial] = [values]
            let point = Point(metrics: ["error": values[0], "cost": values[1]])
            scheduler.observe(.result(trial: trial, resource: fidelity.rungs[rung], points: [point]))
            if rung < fidelity.rungs.count - 1 { resting[trial] = rung }
            if resting[trial] != nil, stream.flag(probability: stops) {
                resting[trial] = nil
                stopped.insert(trial)
                scheduler.observe(.stopped(trial: trial))
            }
        }
    }
}

@Suite struct SchedulerLaws {
    static let fidelities = [
        Fidelity(kind: .full, rungs: [100]),
        Fidelity(kind: .asha, rungs: [10, 40, 160], reduction: 4),
        Fidelity(kind: .asha, rungs: [10, 20, 40, 80], reduction: 2),
        Fidelity(kind: .asha, rungs: [50], reduction: 3),
        Fidelity(kind: .hyperband, rungs: [10, 40, 160], reduction: 4),
        Fidelity(kind: .hyperband, rungs: [50], reduction: 2),
        Fidelity(kind: .median, rungs: [10, 20, 40]),
        Fidelity(kind: .median, rungs: [10, 40], grace: 1),
    ]
    static let halving = fidelities.filter { $0.kind == .asha }

    @Test func everyKindIsListed() {
        #expect(schedulerCatalogue.map { $0.kind } == Fidelity.Kind.allCases)
        #expect(Set(Self.fidelities.map(\.kind)) == Set(Fidelity.Kind.allCases))
    }

    @Test(arguments: fidelities) func sameObservationsSameChoices(_ fidelity: Fidelity) throws {
        for seed in 0..<4 as Range<UInt64> {
            let first = try SchedulerRun(fidelity, trials: 40, slots: 3, seed: seed)
            let second = try SchedulerRun(fidelity, trials: 40, slots: 3, seed: seed)
            #expect(first.choices == second.choices)
            #expect(first.started.count == 40 && first.wasIdleAtEnd)
        }
    }

    /// A failed or stopped trial never goes on (`SchedulerRun` checks that each resting trial goes to the rung above),
    /// and each promotion stands in the best floor(n / reduction) of its rung, the best eligible one first.
    @Test(arguments: halving) func promotionsAreEarned(_ fidelity: Fidelity) throws {
        for seed in 0..<12 as Range<UInt64> {
            let run = try SchedulerRun(fidelity, trials: 60, slots: 4, seed: seed)
            for promotion in run.promotions {
                let best = Self.order(promotion.results).prefix(promotion.results.count / fidelity.reduction)
                let expected = best.first { promotion.eligible.contains($0) }
                #expect(expected == promotion.trial || expected == nil && !promotion.mayStart)
            }
            for rung in fidelity.rungs.indices.dropFirst() {
                #expect(Set(run.results[rung].keys).isSubset(of: run.results[rung - 1].keys))
            }
        }
    }

    private static func order(_ results: [Int: [[Double]]], references: [Double?]? = nil) -> [Int] {
        let judged = results.sorted { $0.key < $1.key }.map { (trial: $0.key, points: $0.value) }
        let axes = judged.first?.points.first?.count ?? 0
        return rankRung(
            judged, deviations: judged.flatMap { $0.points.map { $0.map { _ in 0.0 } } },
            references: references ?? Array(repeating: nil, count: axes))
    }

    /// The most accurate network is the slowest so far: it adds much below the study's bound of the latency, and little below a tenth more than its own.
    @Test func aReferenceOfTheLatencyBoundsTheVolume() {
        let results = [0: [[0.5, 8.0]], 1: [[0.3, 20]], 2: [[0.2, 40]], 3: [[0.9, 5]]]
        #expect(Self.order(results).first == 0)
        #expect(Self.order(results, references: [nil, 300]).first == 2)
    }

    /// A rung's order is that of ranks, and within a rank that of the volume that a trial alone adds, told here by leaving it out.
    @Test(arguments: [2, 3]) func withinARankTheVolumeDecides(_ axes: Int) {
        for seed in 0..<20 as Range<UInt64> {
            var stream = RandomStream(seed: seed)
            let vectors = (0..<30).map { _ in (0..<axes).map { _ in stream.uniform() } }
            let order = Self.order(Dictionary(uniqueKeysWithValues: vectors.enumerated().map { ($0, [$1]) }))
            let ranks = nonDominatedRanks(vectors)
            #expect(order.map { ranks[$0] } == order.map { ranks[$0] }.sorted())
            let (low, high) = ((0..<axes).map { axis in vectors.map { $0[axis] }.min()! }, (0..<axes).map { axis in vectors.map { $0[axis] }.max()! })
            let scaled = vectors.map { vector in vector.indices.map { (vector[$0] - low[$0]) / (high[$0] - low[$0]) } }
            let reference = Array(repeating: 1.1, count: axes)
            for rank in 0...ranks.max()! {
                let front = order.filter { ranks[$0] == rank }
                let all = hypervolume(points: front.map { scaled[$0] }, reference: reference)
                let added = front.map { member in all - hypervolume(points: front.filter { $0 != member }.map { scaled[$0] }, reference: reference) }
                #expect(zip(added, added.dropFirst()).allSatisfy { $0 >= $1 - 1e-9 }, "rank \(rank): \(added)")
            }
        }
    }

    /// Every bracket gets its share of trials, and each trial goes up from its own first rung.
    @Test func hyperbandFillsItsBrackets() throws {
        let run = try SchedulerRun(Self.fidelities[4], trials: 84, slots: 3, seed: 2, failures: 0, stops: 0)
        let starts = run.choices.compactMap { if case .start(let resource) = $0 { resource } else { nil } }
        // ceil(3/3 * 16), ceil(3/2 * 4) and ceil(3/1) of every 25.
        let shares = [10: 16.0, 40: 6, 160: 3]
        for (resource, share) in shares {
            #expect(abs(Double(starts.count { $0 == resource }) - 84 * share / 25) <= 1.5)
        }
        #expect(run.results[2].count >= 84 * 3 / 25)
    }

    /// Whoever stands in the better half goes on at once, the others are stopped; before the grace is over nobody is.
    @Test func theMedianRuleStopsTheWorseHalf() throws {
        let run = try SchedulerRun(Fidelity(kind: .median, rungs: [10, 20], grace: 5), trials: 60, slots: 1, seed: 3, failures: 0, stops: 0)
        #expect(run.halted.isDisjoint(with: 0..<4))
        #expect(run.halted.count + run.results[1].count == 60)
        var seen: [Int: [[Double]]] = [:]
        for trial in 0..<60 {
            seen[trial] = run.results[0][trial]
            let isGood = seen.count < 5 || Self.order(seen).prefix((seen.count + 1) / 2).contains(trial)
            #expect(run.halted.contains(trial) != isGood)
        }
    }

    @Test func nonDominatedTrialsGoFirst() throws {
        let space = try SearchSpace(Document.parse("halcyon: 1\ntemplate: x", file: "x"))
        var stream = RandomStream(seed: 1)
        var scheduler = makeScheduler(Self.fidelities[1], objectives: SchedulerRun.objectives)
        let values: [[Double]] = [[0.5, 0.5], [0.1, 0.9], [0.9, 0.1], [0.6, 0.6], [0.7, 0.7], [0.8, 0.8], [0.9, 0.9], [1, 1]]
        for (trial, losses) in values.enumerated() {
            scheduler.observe(.started(trial: trial, genotype: space.sample(using: &stream), resource: 10))
            scheduler.observe(.result(trial: trial, resource: 10, points: [Point(metrics: ["error": losses[0], "cost": losses[1]])]))
        }
        // Rank 0 is trials 0, 1 and 2; 0 alone adds most, and of the ends, which add the same, the lower number goes first.
        for trial in [0, 1] {
            #expect(scheduler.choose(mayStart: true) == .proceed(trial: trial, resource: 40))
            scheduler.observe(.continued(trial: trial, resource: 40))
        }
        #expect(scheduler.choose(mayStart: true) == .start(resource: 10))
        #expect(scheduler.choose(mayStart: false) == .nothing)
    }

    /// However short the study, something reaches the last rung when anything can.
    @Test(arguments: fidelities) func shortStudiesComplete(_ fidelity: Fidelity) throws {
        for trials in 1...9 {
            let run = try SchedulerRun(fidelity, trials: trials, slots: 2, seed: UInt64(trials), failures: 0, stops: 0)
            #expect(!run.results[fidelity.rungs.count - 1].isEmpty)
            // What the median rule stopped stays stopped when the others fail later.
            if fidelity.kind == .median { continue }
            let unreliable = try SchedulerRun(fidelity, trials: trials, slots: 2, seed: UInt64(trials), failures: 0.5, stops: 0)
            let complete = unreliable.results[fidelity.rungs.count - 1].count
            #expect(complete > 0 || unreliable.failed.count == trials)
        }
    }
}
