import Documents
import Foundation
import RandomStreams
import Search
import SearchSpaces
import Testing
import Trials

/// NAS-Bench-201 as a table (Dong and Yang, 2020), error against latency: `HALCYON_TABLES` names the folder of the tables.
@Suite struct TabularBenchmarkTests {
    static let folder = ProcessInfo.processInfo.environment["HALCYON_TABLES"]

    /// Mean hypervolume ratios of Optuna 5.0.0's NSGA-II with population 20 after 100 and 300 trials, 10 seeds.
    static let optuna: [(latency: String, after100: Double, after300: Double)] = [
        ("lat_1080ti_1", 0.876, 0.951), ("lat_titan_rtx_256", 0.914, 0.965),
        ("lat_silver_4114", 0.889, 0.952), ("lat_samsung_s7", 0.908, 0.956),
    ]

    @Test(.enabled(if: folder != nil)) func evolutionIsOnAParWithOptuna() throws {
        let folder = try #require(Self.folder)
        let lines = try String(contentsOfFile: "\(folder)/nasbench201.csv", encoding: .utf8).split(whereSeparator: \.isNewline)
        let rows = lines.dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        let header = lines[0].split(separator: ",").map(String.init)
        let truth = try Document.load("\(folder)/truth.json").required("nasbench201")
        let text = "halcyon: 1\ntemplate: {repeat: {choice: [none, skip, conv1, conv3, pool]}, count: 6}"
        let space = try SearchSpace(Document.parse(text, file: "nasbench201.yaml"))
        let errorColumn = try #require(header.firstIndex(of: "c10_test_200"))

        for (latency, after100, after300) in Self.optuna {
            let column = try #require(header.firstIndex(of: latency))
            var table: [[Int]: [Double]] = [:]
            for row in rows {
                let (accuracy, time) = (try #require(Double(row[errorColumn])), try #require(Double(row[column])))
                table[row.prefix(6).compactMap { Int($0) }] = [100 - accuracy, time]
            }
            let facts = try truth.required(latency)
            let reference = try facts.required("ref").array().map { try $0.double() }
            let full = try facts.required("hv").double()
            let all = hypervolume(points: Array(table.values), reference: reference)
            #expect(abs(all / full - 1) < 1e-6, "the table's own hypervolume")
            let objectives = [
                Objective(metric: "error", direction: .minimize, reference: reference[0]),
                Objective(metric: "latency_ms", direction: .minimize, reference: reference[1]),
            ]
            var ratios = (0.0, 0.0)
            for seed in 0..<10 as Range<UInt64> {
                var strategy = try makeStrategy(["kind": "nsga2", "population": 20], space: space, objectives: objectives)
                var front = ParetoFront()
                for trial in 0..<300 {
                    var stream = RandomStream(seed: seed).split(trial)
                    let genotype = strategy.propose(redraw: 0, using: &stream)
                    let cell = genotype.entries.map { if case .choice(let index) = $0.value { index } else { -1 } }
                    let found = try #require(table[cell])
                    strategy.observe(.started(trial: trial, genotype: genotype, resource: 1))
                    let point = Point(metrics: ["error": found[0], "latency_ms": found[1]])
                    strategy.observe(.result(trial: trial, resource: 1, points: [point]))
                    front.insert(trial: trial, point: 0, losses: found)
                    if trial == 99 { ratios.0 += front.hypervolume(reference: reference) / full / 10 }
                }
                ratios.1 += front.hypervolume(reference: reference) / full / 10
            }
            print("\(latency): \(ratios.0) after 100, \(ratios.1) after 300")
            #expect(ratios.0 > after100 - 0.03)
            #expect(ratios.1 > after300 - 0.01)
        }
    }
}
