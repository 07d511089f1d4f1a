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
        let error = #expect(throws: InputError.self) { _ = try makeStrategy(settings, space: problem.space, objectives: problem.objectives) }
        let message = error.map { "\($0)" } ?? ""
        #expect(message.contains("e.yaml:2:1") && message.contains("populatoin"))
    }

    @Test func unknownKindsAreLocated() throws {
        let problem = try SyntheticProblem()
        let settings = try Document.parse("kind: nsga3", file: "e.yaml")
        let error = #expect(throws: InputError.self) { _ = try makeStrategy(settings, space: problem.space, objectives: problem.objectives) }
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
