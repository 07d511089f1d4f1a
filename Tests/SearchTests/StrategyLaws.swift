import Documents
import Foundation
import RandomStreams
import Search
import SearchSpaces
import Testing
import Trials

/// Two objectives over eight layers: the error falls with the width of each layer and by its kind, the cost rises.
private struct SyntheticProblem {
    let space: SearchSpace
    let objectives = [
        Objective(metric: "error", direction: .minimize, reference: 12),
        Objective(metric: "cost", direction: .minimize, reference: 40),
    ]

    init() throws {
        let text = """
            halcyon: 1
            template:
              layers: {repeat: {kind: {choice: [a, b, c]}, width: {int: [1, 8]}}, count: 8}
            """
        space = try SearchSpace(Document.parse(text, file: "synthetic.yaml"))
    }

    func evaluate(_ genotype: Genotype) -> Point {
        var (error, cost) = (12.0, 1.0)
        for index in 0..<8 {
            guard case .choice(let kind)? = genotype["layers[\(index)].kind"],
                case .int(let width)? = genotype["layers[\(index)].width"]
            else { continue }
            let fit = kind == index % 3 ? 1.0 : 0.4
            error -= 1.3 * fit * (1 - exp(-0.5 * Double(width)))
            cost += Double(width) * (kind == 2 ? 0.8 : 0.6)
        }
        return Point(metrics: ["error": error, "cost": cost])
    }

    /// The hypervolume after so many trials, three of them always in flight.
    func run(_ kind: String, seed: UInt64, trials: Int) throws -> Double {
        var strategy = try makeStrategy(["kind": .string(kind)], space: space, objectives: objectives)
        let root = RandomStream(seed: seed)
        var front = ParetoFront()
        var flying: [(Int, Genotype)] = []
        for trial in 0..<trials {
            var stream = root.split(trial)
            let genotype = strategy.propose(redraw: 0, using: &stream)
            strategy.observe(.started(trial: trial, genotype: genotype, resource: 1))
            flying.append((trial, genotype))
            if flying.count < 3 { continue }
            let (done, result) = flying.removeFirst()
            let point = evaluate(result)
            strategy.observe(.result(trial: done, resource: 1, points: [point]))
            front.insert(trial: done, point: 0, losses: try #require(losses(of: point, objectives: objectives)))
        }
        return front.hypervolume(reference: objectives.map { $0.loss($0.reference) })
    }

    /// The hypervolume of trials one after the other that take as long as they cost.
    /// - Parameter weighs: whether the strategy is told so.
    func run(_ kind: String, seed: UInt64, seconds: Double, weighs: Bool) throws -> Double {
        var strategy = try makeStrategy(["kind": .string(kind)], space: space, objectives: objectives)
        if weighs { strategy.weigh(TrialCost(metric: "cost") { evaluate($0).metrics["cost"] }) }
        var front = ParetoFront()
        var (spent, trial) = (0.0, 0)
        while true {
            var stream = RandomStream(seed: seed).split(trial)
            let genotype = strategy.propose(redraw: 0, using: &stream)
            strategy.observe(.started(trial: trial, genotype: genotype, resource: 1))
            let point = evaluate(genotype)
            spent += try #require(point.metrics["cost"])
            if spent > seconds { return front.hypervolume(reference: objectives.map { $0.loss($0.reference) }) }
            strategy.observe(.result(trial: trial, resource: 1, points: [point]))
            front.insert(trial: trial, point: 0, losses: try #require(losses(of: point, objectives: objectives)))
            trial += 1
        }
    }
}

/// In the shape of SearchSpaces/mixed.yaml: two families, blocks of their own decisions, numbers on both scales, and a measured constraint.
private struct ConditionalProblem {
    let space: SearchSpace
    let objectives = [
        Objective(metric: "error", direction: .minimize, reference: 30),
        Objective(metric: "cost", direction: .minimize, reference: 60),
    ]
    let constraints = [Constraint(metric: "memory", atMost: 6)]

    init() throws {
        space = try SearchSpace(
            .parse(
                """
                halcyon: 1
                shared: {normalization: {choice: [batch, none]}}
                definitions:
                  block: {choice: [{kind: plain, width: {int: [1, 8]}}, {kind: dense, layers: {choice: [2, 3]}, width: {int: [1, 8]}}]}
                template:
                  net:
                    choice:
                      - {kind: chain, blocks: {repeat: {reference: block}, count: {int: [1, 4]}}, normalization: {reference: normalization}}
                      - {kind: pair, first: {reference: block}, second: {reference: block}}
                  rate: {float: [1e-4, 1e-1], scale: log}
                """, file: "conditional.yaml"))
    }

    /// - Parameter weighs: whether trials count by their cost.
    func strategy(_ kind: String, weighs: Bool = false) throws -> any Strategy {
        var strategy = try makeStrategy(["kind": .string(kind)], space: space, objectives: objectives, constraints: constraints)
        if weighs { strategy.weigh(TrialCost(metric: "cost") { evaluate($0).metrics["cost"] }) }
        return strategy
    }

    func evaluate(_ genotype: Genotype) -> Point {
        var (error, cost, memory) = (20.0, 1.0, 0.0)
        for entry in genotype.entries {
            switch entry.value {
            case .choice(let index): error -= Double(index)
            case .int(let width):
                error -= log(Double(width))
                cost += Double(width)
                memory += Double(width)
            case .float(let rate): error += abs(log(rate / 1e-2))
            }
        }
        return Point(metrics: ["error": error, "cost": cost, "memory": memory])
    }
}

@Suite struct StrategyLaws {
    static let kinds = strategyCatalogue.map { $0.kind }

    @Test func kindsAreDistinct() { #expect(Set(Self.kinds).count == strategyCatalogue.count) }

    /// Results, promotions, failures and stops in an irregular order.
    @Test(arguments: kinds) func sameObservationsSameProposals(_ kind: String) throws {
        let problem = try SyntheticProblem()
        var first = try makeStrategy(["kind": .string(kind)], space: problem.space, objectives: problem.objectives)
        var second = try makeStrategy(["kind": .string(kind)], space: problem.space, objectives: problem.objectives)
        let root = RandomStream(seed: 5)
        for trial in 0..<80 {
            var (a, b, again) = (root.split(trial), root.split(trial), root.split(trial))
            let genotype = first.propose(redraw: 0, using: &a)
            #expect(first.propose(redraw: 0, using: &again) == genotype, "proposing changed the strategy")
            #expect(second.propose(redraw: 0, using: &b) == genotype)
            #expect(a.position == b.position)
            #expect(problem.space.contains(genotype))
            var observations = [Observation.started(trial: trial, genotype: genotype, resource: 1)]
            let point = problem.evaluate(genotype)
            switch trial % 7 {
            case 0: observations.append(.failed(trial: trial))
            case 1: observations += [.result(trial: trial, resource: 1, points: [point]), .stopped(trial: trial)]
            case 2:
                observations.append(.result(trial: trial, resource: 1, points: [point]))
                observations.append(.continued(trial: trial, resource: 4))
                observations.append(.result(trial: trial, resource: 4, points: [point, Point(point: 1, metrics: [:])]))
            case 3: break
            case 4: observations.append(.result(trial: trial, resource: 1, points: [Point(metrics: ["error": .nan])]))
            default: observations.append(.result(trial: trial, resource: 1, points: [point]))
            }
            for observation in observations {
                first.observe(observation)
                second.observe(observation)
            }
        }
    }

    @Test(arguments: kinds) func misspeltSettingsAreLocated(_ kind: String) throws {
        let problem = try SyntheticProblem()
        let settings = try Document.parse("kind: \(kind)\npopulatoin: 3", file: "e.yaml")
        let error = #expect(throws: InputError.self) {
            _ = try makeStrategy(settings, space: problem.space, objectives: problem.objectives)
        }
        let message = error.map { "\($0)" } ?? ""
        #expect(message.contains("e.yaml:2:1") && message.contains("populatoin"))
    }

    @Test func unknownKindsAreLocated() throws {
        let problem = try SyntheticProblem()
        let settings = try Document.parse("kind: nsga3", file: "e.yaml")
        let error = #expect(throws: InputError.self) {
            _ = try makeStrategy(settings, space: problem.space, objectives: problem.objectives)
        }
        let message = error.map { "\($0)" } ?? ""
        #expect(message.contains("e.yaml:1:7") && message.contains(Self.kinds.joined(separator: ", ")))
    }

    @Test func evolutionBeatsChance() throws {
        let problem = try SyntheticProblem()
        let seeds = 0..<8 as Range<UInt64>
        let chance = try seeds.map { try problem.run("random", seed: $0, trials: 200) }.reduce(0, +) / 8
        let evolution = try seeds.map { try problem.run("nsga2", seed: $0, trials: 200) }.reduce(0, +) / 8
        #expect(evolution > 1.1 * chance, "random \(chance), NSGA-II \(evolution)")
    }

    /// A conditional space with numbers, constrained metrics, failures, promotions and refusals in an irregular order: proposals are
    /// points of the space, and after any prefix of the log a strategy that was shown it alone, without ever proposing, proposes the same.
    @Test(arguments: kinds.map { ($0, false) } + [("auto", true)]) func aPrefixOfTheLogGivesTheSameProposal(_ kind: String, weighs: Bool) throws {
        let problem = try ConditionalProblem()
        var whole = try problem.strategy(kind, weighs: weighs)
        let root = RandomStream(seed: 8)
        var log: [(inout any Strategy) -> Void] = []
        for trial in 0..<48 {
            var chosen: Genotype?
            for redraw in 0..<(trial % 5 == 4 ? 3 : 1) {
                var (a, b) = (root.split(trial).split(redraw), root.split(trial).split(redraw))
                let genotype = whole.propose(redraw: redraw, using: &a)
                #expect(problem.space.contains(genotype))
                if trial % 8 == 7 || trial == 20 {
                    var restored = try problem.strategy(kind, weighs: weighs)
                    for entry in log { entry(&restored) }
                    #expect(restored.propose(redraw: redraw, using: &b) == genotype, "trial \(trial), redraw \(redraw)")
                }
                chosen = genotype
            }
            let genotype = try #require(chosen)
            var news: [(inout any Strategy) -> Void] = []
            if trial % 5 == 4 { news.append { $0.observe(rejected: genotype) } }
            func observe(_ observation: Observation) { news.append { $0.observe(observation) } }
            observe(.started(trial: trial, genotype: genotype, resource: 1))
            let point = problem.evaluate(genotype)
            switch trial % 9 {
            case 0: observe(.failed(trial: trial))
            case 1:
                observe(.result(trial: trial, resource: 1, points: [point]))
                observe(.continued(trial: trial, resource: 4))
            case 2: observe(.result(trial: trial, resource: 1, points: [Point(metrics: ["error": .nan])]))
            case 3: break
            default: observe(.result(trial: trial, resource: 1, points: [point, Point(point: 1, metrics: [:])]))
            }
            if trial > 10, (trial - 10) % 9 == 1 { observe(.result(trial: trial - 9, resource: 4, points: [point])) }
            for entry in news { entry(&whole) }
            log += news
        }
    }

    /// One point in twenty-four meets the measured constraint: every strategy that learns starts more that do than chance.
    @Test(arguments: ["nsga2", "evolution", "pareto-local-search", "tpe", "gp", "surrogate", "auto"])
    func measuredConstraintsSteer(_ kind: String) throws {
        let problem = try ConditionalProblem()
        func feasible(_ kind: String) throws -> Int {
            try (0..<3 as Range<UInt64>).reduce(0) { total, seed in
                var strategy = try problem.strategy(kind)
                var count = 0
                for trial in 0..<70 {
                    var stream = RandomStream(seed: seed).split(trial)
                    let genotype = strategy.propose(redraw: 0, using: &stream)
                    strategy.observe(.started(trial: trial, genotype: genotype, resource: 1))
                    let point = problem.evaluate(genotype)
                    strategy.observe(.result(trial: trial, resource: 1, points: [point]))
                    if constraintViolation(of: point, constraints: problem.constraints) == 0 { count += 1 }
                }
                return total + count
            }
        }
        let (learned, chance) = (try feasible(kind), try feasible("random"))
        #expect(learned > 2 * chance, "\(learned) of 210, by chance \(chance)")
    }

    /// Every point of a small space is found by redrawing what is there, and then nothing new: no strategy waits or traps.
    @Test(arguments: kinds) func smallSpacesAreExhausted(_ kind: String) throws {
        let space = try SearchSpace(
            .parse("halcyon: 1\ntemplate: {choice: [{a: {int: [1, 3]}}, {b: {choice: [x, y]}}, c]}", file: "small.yaml"))
        let objectives = [
            Objective(metric: "error", direction: .minimize, reference: 9),
            Objective(metric: "cost", direction: .minimize, reference: 9),
        ]
        var strategy = try makeStrategy(["kind": .string(kind)], space: space, objectives: objectives)
        let seen = try exhaust(&strategy, space, of: 6) { trial, _ in
            Point(metrics: ["error": Double(trial % 4), "cost": Double(trial * 5 % 7)])
        }
        for redraw in 0..<200 {
            var stream = RandomStream(seed: 3).split(6).split(redraw)
            #expect(seen.contains(strategy.propose(redraw: redraw, using: &stream)))
        }
    }

    /// Sixteen proposals without a result in between are sixteen points.
    @Test(arguments: ["gp", "surrogate", "auto", "nsga2"]) func trialsUnderWayAreNotProposedAgain(_ kind: String) throws {
        let problem = try ConditionalProblem()
        var strategy = try problem.strategy(kind)
        var started: Set<Genotype> = []
        for trial in 0..<46 {
            var stream = RandomStream(seed: 4).split(trial)
            let genotype = strategy.propose(redraw: 0, using: &stream)
            strategy.observe(.started(trial: trial, genotype: genotype, resource: 1))
            if trial < 30 {
                strategy.observe(.result(trial: trial, resource: 1, points: [problem.evaluate(genotype)]))
            } else {
                #expect(started.insert(genotype).inserted)
            }
        }
    }

    /// One, two, three and four objectives, of which one may be below nothing and one the same for all.
    @Test(arguments: kinds) func anyNumberOfObjectives(_ kind: String) throws {
        let problem = try ConditionalProblem()
        for count in 1...4 {
            let objectives = (0..<count).map {
                Objective(metric: "m\($0)", direction: $0 == 1 ? .maximize : .minimize, reference: $0 == 1 ? -50 : 50)
            }
            var strategy = try makeStrategy(["kind": .string(kind)], space: problem.space, objectives: objectives)
            for trial in 0..<30 {
                var stream = RandomStream(seed: 2).split(trial)
                let genotype = strategy.propose(redraw: 0, using: &stream)
                #expect(problem.space.contains(genotype))
                strategy.observe(.started(trial: trial, genotype: genotype, resource: 1))
                let base = problem.evaluate(genotype).metrics["error"] ?? 0
                let metrics = ["m0": base, "m1": base - Double(trial % 3) - 9, "m2": 7, "m3": Double(trial % 5)]
                strategy.observe(.result(trial: trial, resource: 1, points: [Point(metrics: metrics)]))
            }
        }
    }

    @Test func autoSaysWhatItIs() throws {
        let problem = try ConditionalProblem()
        for kind in Self.kinds {
            #expect(try problem.strategy(kind).summary == (kind == "auto" ? "auto (surrogate)" : kind))
        }
    }

    @Test func theModelBeatsEvolution() throws {
        let problem = try SyntheticProblem()
        let seeds = 0..<4 as Range<UInt64>
        let evolution = try seeds.map { try problem.run("nsga2", seed: $0, trials: 100) }.reduce(0, +) / 4
        let model = try seeds.map { try problem.run("auto", seed: $0, trials: 100) }.reduce(0, +) / 4
        #expect(model > 1.05 * evolution, "NSGA-II \(evolution), auto \(model)")
    }

    /// In the time of about twenty trials of middling cost.
    @Test func whereTimeIsScarceTrialsCountByTheirCost() throws {
        let problem = try SyntheticProblem()
        func mean(weighs: Bool) throws -> Double {
            try (0..<12 as Range<UInt64>).map { try problem.run("auto", seed: $0, seconds: 500, weighs: weighs) }.reduce(0, +) / 12
        }
        let (weighed, unweighed) = (try mean(weighs: true), try mean(weighs: false))
        #expect(weighed > 1.03 * unweighed, "\(unweighed) became \(weighed)")
        #expect(try ConditionalProblem().strategy("auto", weighs: true).summary == "auto (surrogate, gain per cost)")
    }

    /// A grid meets every point once, in order, numbers at its levels.
    @Test func theGridIsComplete() throws {
        let space = try SearchSpace(
            .parse(
                "halcyon: 1\ntemplate: {choice: [{a: {float: [0, 1]}}, {b: {choice: [x, y]}, n: {int: [1, 9]}}]}",
                file: "grid.yaml"))
        var strategy = try makeStrategy(
            ["kind": "grid", "points": 3], space: space, objectives: [Objective(metric: "m", direction: .minimize, reference: 1)])
        var found: [[DecisionValue]] = []
        var stream = RandomStream(seed: 1)
        for trial in 0..<10 {
            let genotype = strategy.propose(redraw: 0, using: &stream)
            found.append(genotype.entries.map(\.value))
            strategy.observe(.started(trial: trial, genotype: genotype, resource: 1))
        }
        let first: [[DecisionValue]] = [0, 0.5, 1].map { [.choice(0), .float($0)] }
        let second: [[DecisionValue]] = [0, 1].flatMap { kind in [1, 5, 9].map { [.choice(1), .choice(kind), .int($0)] } }
        #expect(found == first + second + [first[0]])
    }

    @Test func aSpaceOfOnePointIsProposedAgain() throws {
        let space = try SearchSpace(Document.parse("halcyon: 1\ntemplate: {choice: [x]}", file: "one.yaml"))
        let objectives = [Objective(metric: "error", direction: .minimize, reference: 1)]
        var strategy = try makeStrategy(["kind": "nsga2", "population": 2], space: space, objectives: objectives)
        var stream = RandomStream(seed: 1)
        for trial in 0..<6 {
            let genotype = strategy.propose(redraw: 0, using: &stream)
            #expect(space.contains(genotype))
            strategy.observe(.started(trial: trial, genotype: genotype, resource: 1))
            strategy.observe(.result(trial: trial, resource: 1, points: [Point(metrics: ["error": 0.5])]))
        }
    }
}

/// Takes proposals, redrawn while they are known, until so many points of the space were found and their results observed.
/// - Returns: the points.
func exhaust(
    _ strategy: inout any Strategy, _ space: SearchSpace, of count: Int, result: (_ trial: Int, Genotype) throws -> Point
) throws -> Set<Genotype> {
    var seen: Set<Genotype> = []
    for trial in 0..<count {
        var found: Genotype?
        for redraw in 0..<200 where found == nil {
            var stream = RandomStream(seed: 3).split(trial).split(redraw)
            let genotype = strategy.propose(redraw: redraw, using: &stream)
            #expect(space.contains(genotype))
            if seen.insert(genotype).inserted { found = genotype }
        }
        let genotype = try #require(found, "\(seen.count) of \(count) points were found")
        strategy.observe(.started(trial: trial, genotype: genotype, resource: 1))
        strategy.observe(.result(trial: trial, resource: 1, points: [try result(trial, genotype)]))
    }
    return seen
}
