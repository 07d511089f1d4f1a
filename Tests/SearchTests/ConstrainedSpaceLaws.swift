import Documents
import Foundation
import RandomStreams
import Search
import SearchSpaces
import Testing
import Trials

/// Whatever a strategy proposes meets the space's constraints, and it need not know of them.
@Suite struct ConstrainedSpaceLaws {
    static let kinds = strategyCatalogue.map { $0.kind }

    private let objectives = [
        Objective(metric: "error", direction: .minimize, reference: 30),
        Objective(metric: "cost", direction: .minimize, reference: 400),
    ]

    private func space() throws -> SearchSpace {
        try SearchSpace(
            .parse(
                """
                halcyon: 1
                shared: {base: {int: [4, 24], step: 4}}
                definitions:
                  block:
                    choice:
                      - {kind: plain, kernel: {choice: [3, 5, 7]}}
                      - {kind: attention, heads: {choice: [2, 3, 5]}, constraints: [heads divides width]}
                template:
                  net:
                    choice:
                      - {kind: chain, width: {reference: base}, blocks: {repeat: {reference: block}, count: {int: [1, 6]}}}
                      - kind: stages
                        stages:
                          repeat:
                            width: {derived: "base * (position + 1)"}
                            blocks: {repeat: {reference: block}, count: {int: [1, 2]}}
                          count: {int: [1, 3]}
                  rate: {float: [1e-4, 1e-1], scale: log}
                  decay: {float: [0, 1], step: 0.05}
                constraints: ["rate * base <= 0.5", "count(net.blocks) * base <= 60", "sum(net.stages[*].width) <= 72", "decay < 0.9 or base > 8"]
                """, file: "constrained.yaml"))
    }

    private func evaluate(_ genotype: Genotype) -> Point {
        var (error, cost) = (20.0, 1.0)
        for entry in genotype.entries {
            switch entry.value {
            case .choice(let index): error -= Double(index)
            case .int(let number):
                error -= log(Double(number))
                cost += Double(number)
            case .float(let number): error += abs(log((number + 1e-3) / 1e-2)) / 5
            }
        }
        return Point(metrics: ["error": error, "cost": cost])
    }

    @Test(arguments: kinds) func proposalsAreFeasible(_ kind: String) throws {
        let space = try space()
        var first = try makeStrategy(["kind": .string(kind)], space: space, objectives: objectives)
        var second = try makeStrategy(["kind": .string(kind)], space: space, objectives: objectives)
        for trial in 0..<60 {
            var (a, b) = (RandomStream(seed: 6).split(trial), RandomStream(seed: 6).split(trial))
            let genotype = first.propose(redraw: 0, using: &a)
            #expect(second.propose(redraw: 0, using: &b) == genotype)
            #expect(space.contains(genotype))
            for observation in [
                Observation.started(trial: trial, genotype: genotype, resource: 1),
                trial % 9 == 8 ? .failed(trial: trial) : .result(trial: trial, resource: 1, points: [evaluate(genotype)]),
            ] {
                first.observe(observation)
                second.observe(observation)
            }
        }
    }

    /// 11 of 216 points are feasible: all are found, then nothing new.
    @Test(arguments: kinds) func feasiblePointsAreExhausted(_ kind: String) throws {
        let space = try SearchSpace(
            .parse(
                "halcyon: 1\ntemplate: {a: {int: [1, 6]}, b: {int: [1, 6]}, c: {int: [1, 6]}}\nconstraints: [a + b == c, 'a * b <= 6', 'c != 2']",
                file: "few.yaml"))
        #expect(space.size == 11)
        let settings: Document = kind == "grid" ? ["kind": "grid", "points": 6] : ["kind": .string(kind)]
        var strategy = try makeStrategy(settings, space: space, objectives: objectives)
        _ = try exhaust(&strategy, space, of: 11) { _, genotype in evaluate(genotype) }
    }

    /// What a preset fixes is the same in all proposals, and the rest is searched.
    @Test(arguments: kinds) func presetsAreKept(_ kind: String) throws {
        let space = try SearchSpace(
            .parse(
                """
                halcyon: 1
                preset: small
                presets: {small: {net: chain, width: 3}}
                template: {net: {choice: [{kind: chain, width: {int: [1, 4]}, k: {choice: [1, 2, 3]}}, {kind: other, width: {int: [1, 2]}}]}, r: {float: [0, 1]}}
                """, file: "preset.yaml"))
        var strategy = try makeStrategy(["kind": .string(kind)], space: space, objectives: objectives)
        for trial in 0..<40 {
            var stream = RandomStream(seed: 2).split(trial)
            let genotype = strategy.propose(redraw: 0, using: &stream)
            let net = try space.resolve(genotype).required("net")
            #expect(net["kind"] == "chain" && net["width"] == 3)
            #expect(space.contains(genotype))
            strategy.observe(.started(trial: trial, genotype: genotype, resource: 1))
            strategy.observe(.result(trial: trial, resource: 1, points: [evaluate(genotype)]))
        }
    }
}
