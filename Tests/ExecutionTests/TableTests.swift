import Documents
import Execution
import Foundation
import Search
import SearchSpaces
import Testing
import Trials

/// A small table with all that one may have: two fidelities, seeds, costs, encodings that are one architecture, and a missing one.
enum SmallTable {
    static let rows = """
        id,left,right,early,late_0,late_1,macs,time
        a,0,0,50,80,82,10,1
        b,0,1,55,70,74,20,2
        c,1,1,60,90,94,40,3
        """
    static let map = "left,right,id\n0,0,a\n0,1,b\n1,0,b\n1,1,c\n2,2,c\n"
    static let space = "halcyon: 1\ntemplate: {left: {choice: [0, 1, 2]}, right: {choice: [0, 1, 2]}}"

    /// Files in a folder of their own, and the `data` that names them.
    static func data(_ rows: String = rows, map: String? = map, change: (String) -> String = { $0 }) throws -> Document {
        let folder = NSTemporaryDirectory() + "table-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try rows.write(toFile: folder + "/rows.csv", atomically: true, encoding: .utf8)
        try map?.write(toFile: folder + "/map.csv", atomically: true, encoding: .utf8)
        let text = """
            kind: table
            path: \(folder)/rows.csv
            decisions: [left, right]
            metrics: {error: {5: 100 - early, 20: [100 - late_0, 100 - late_1]}, latency_ms: 2 * (macs + 1)}
            costs: {macs: macs}
            seconds: {5: time, 20: 4 * time}
            \(map == nil ? "" : "canonical: {path: \(folder)/map.csv, key: id}")
            """
        return try .parse(change(text), file: "e.yaml")
    }

    static func settings(_ more: String = "budget: {trials: 9}") throws -> StudySettings {
        try StudySettings(
            experiment: .parse(
                """
                objectives: [{metric: error, direction: minimize, reference: 60}, {metric: macs, direction: minimize, reference: 100}]
                \(more.contains("fidelity") ? "" : "fidelity: {kind: full, resource: epochs, rungs: [20]}")
                \(more)
                """, file: "e.yaml"))
    }

    /// Runs a study on the table; returns what happened.
    static func run(_ settings: StudySettings, _ table: Table) throws -> [StudyFact] {
        let space = try SearchSpace(.parse(space, file: "space.yaml"))
        let study = try Study(
            settings: settings, space: space,
            strategy: makeStrategy(settings.strategy, space: space, objectives: settings.objectives),
            scheduler: makeScheduler(settings.fidelity, objectives: settings.objectives), inspector: TableInspector(table))
        let log = MemoryLog()
        let evaluator = TableEvaluator(table)
        let executor = SimulatedExecutor(slots: 2, evaluator: evaluator, duration: evaluator.duration)
        _ = try Controller(study: study, log: log, executor: executor, clock: executor.clock).run()
        return log.records().map(\.fact)
    }
}

@Suite struct TableTests {
    @Test func aRowIsFoundByEveryEncodingAndWhatIsAbsentIsInfeasible() throws {
        let table = try Table(TableDescription(SmallTable.data()))
        #expect(table.count == 3)
        #expect(try table.row(of: ["left": 0, "right": 1]) == 1)
        #expect(try table.row(of: ["left": 1, "right": 0.0]) == 1)
        #expect(try table.row(of: ["left": "2", "right": 2]) == 2)
        #expect(try table.row(of: ["left": 0, "right": 2]) == nil)
        let inspector = TableInspector(table)
        let (one, other) = (try inspector.inspect(["left": 0, "right": 1]), try inspector.inspect(["left": 1, "right": 0]))
        #expect(one == other && one.architecture == ["left": 0, "right": 1] && one.metrics == ["macs": 20] && one.family == nil)
        #expect(one.candidateHash != (try inspector.inspect(["left": 1, "right": 1])).candidateHash)
        #expect(throws: InputError.self) { _ = try inspector.inspect(["left": 2, "right": 0]) }
    }

    @Test func linesMayEndAsOtherSystemsEndThem() throws {
        let rows = SmallTable.rows.replacingOccurrences(of: "\n", with: "\r\n") + "\r\n"
        let table = try Table(TableDescription(SmallTable.data(rows)))
        #expect(table.count == 3 && table.duration(2, from: 0, to: 5) == 3)
    }

    @Test func fidelitiesSeedsAndDurations() throws {
        let table = try Table(TableDescription(SmallTable.data()))
        #expect(table.metrics(2, resource: 5, seed: 7) == ["error": 40, "latency_ms": 82])
        #expect(table.metrics(2, resource: 20, seed: 6) == ["error": 10, "latency_ms": 82])
        #expect(table.metrics(2, resource: 20, seed: 7) == ["error": 6, "latency_ms": 82])
        #expect(table.means(2, resource: 20) == ["error": 8, "latency_ms": 82, "macs": 40])
        #expect(table.metrics(2, resource: 6, seed: 0) == nil)
        #expect(
            table.duration(2, from: 0, to: 20) == 12 && table.duration(2, from: 5, to: 20) == 9
                && table.duration(0, from: 0, to: 5) == 1)
        let plain = try Table(TableDescription(SmallTable.data { $0.replacingOccurrences(of: "seconds:", with: "# ") }))
        #expect(plain.duration(2, from: 5, to: 20) == 15)
    }

    @Test(arguments: [
        ("100 - late_0", 20.0), ("late_0", 80), ("-2 * (early + 1) / 4", -25.5), ("`late_0`/1e1", 8), ("1.5e-1", 0.15), ("7", 7),
        ("early - 1 - 2", 47), ("macs * 2 + 3", 23),
    ])
    func expressionsAreArithmetic(_ text: String, _ value: Double) throws {
        let data = try SmallTable.data { $0.replacingOccurrences(of: "latency_ms: 2 * (macs + 1)", with: "x: \"\(text)\"") }
        #expect(try Table(TableDescription(data)).means(0, resource: 5)["x"] == value)
    }

    /// What is wrong, and the place that the error must name.
    static let faults: [(change: String, to: String, says: String)] = [
        ("100 - early", "100 - erly", "e.yaml:4:22: "), ("100 - early", "100 - ", "e.yaml:4:22: "),
        ("100 - early", "(early", "not closed"),
        ("100 - early", "early % 2", "an operator"), ("[left, right]", "[left, rihgt]", "e.yaml:3:19: "),
        ("key: id", "key: name", "no column \"name\""),
        ("metrics:", "metrisc:", "did you mean \"metrics\""), ("20: [", "x: [", "expected a resource"),
        ("macs: macs", "error: macs", "in metrics and in costs"),
        ("rows.csv", "row.csv", "e.yaml:2:7: "), ("[100 - late_0, 100 - late_1]", "[]", "each seed"),
        ("[left, right]", "[left, left]", "none twice"),
    ]

    @Test(arguments: faults.indices) func aFaultOfTheExperimentIsLocated(_ index: Int) throws {
        let fault = Self.faults[index]
        let error = #expect(throws: InputError.self) {
            _ = try Table(TableDescription(SmallTable.data { $0.replacingOccurrences(of: fault.change, with: fault.to) }))
        }
        #expect(error.map { "\($0)".contains(fault.says) } == true, "\(error.map { "\($0)" } ?? "none")")
    }

    @Test(arguments: [
        ("b,0,1,55,70,74,20,2", "b,0,1,55,x,74,20,2", "rows.csv:3:1: "),
        ("b,0,1,55,70,74,20,2", "b,0,1,55,70,74,20", "rows.csv:3:1: "),
        ("b,0,1", "a,0,1", "the key a stands twice"), ("id,left", "left,left", "stands twice"),
        ("b,0,1,55,70,74,20,2", "b,0,1,nan,70,74,20,2", "rows.csv:3:1: "),
        ("c,1,1", "d,1,1", "map.csv:5:1: "),
    ])
    func aFaultOfTheFileIsLocated(_ change: String, _ to: String, _ says: String) throws {
        let data = try SmallTable.data(SmallTable.rows.replacingOccurrences(of: change, with: to))
        let error = #expect(throws: InputError.self) { _ = try Table(TableDescription(data)) }
        #expect(error.map { "\($0)".contains(says) } == true, "\(error.map { "\($0)" } ?? "none")")
    }

    @Test func equalDecisionsTwiceAndRungsWithoutValuesAreRefused() throws {
        let twice = #expect(throws: InputError.self) {
            _ = try Table(TableDescription(SmallTable.data(SmallTable.rows + "\nd,1,1,1,1,1,1,1", map: nil)))
        }
        #expect(twice?.location?.line == 5)
        let description = try TableDescription(SmallTable.data())
        let fidelity = try Document.parse("rungs: [5, 10]", file: "f.yaml")
        #expect(throws: InputError.self) { try description.check([5, 10], at: fidelity) }
        try description.check([5, 20], at: fidelity)
    }

    /// Nine encodings of three architectures: each is run once, and then the space has nothing new.
    @Test(
        arguments: strategyCatalogue.map { $0.kind },
        ["{kind: full, resource: epochs, rungs: [20]}", "{kind: asha, resource: epochs, rungs: [5, 20]}"])
    func noArchitectureRunsTwiceAndTheEndIsTold(_ kind: String, _ fidelity: String) throws {
        let table = try Table(TableDescription(SmallTable.data()))
        let facts = try SmallTable.run(
            SmallTable.settings("budget: {trials: 9}\nstrategy: {kind: \(kind)}\nfidelity: \(fidelity)"), table)
        var hashes: [String] = []
        for case .started(let start) in facts { hashes.append(start.inspection.candidateHash) }
        #expect(hashes.count == 3 && Set(hashes).count == 3)
        #expect(facts.contains { if case .exhausted = $0 { true } else { false } })
        guard case .ended(let reason)? = facts.last else {
            Issue.record("the study did not end")
            return
        }
        #expect(reason.contains("the space is exhausted"))
    }

    /// A cost of the table is known before a trial: constraints refuse by it, and nothing infeasible runs.
    @Test func constraintsOnCostsRefuseAtTheDoor() throws {
        let table = try Table(TableDescription(SmallTable.data()))
        let facts = try SmallTable.run(
            SmallTable.settings("budget: {trials: 9}\nconstraints: [{metric: macs, at-most: 20}]"), table)
        var costs: [Double?] = []
        for case .started(let start) in facts { costs.append(start.inspection.metrics["macs"]) }
        #expect(costs.count == 2 && costs.allSatisfy { $0! <= 20 })
    }
}

/// The published tables, where `HALCYON_TABLES` names their folder.
@Suite struct PublishedTableTests {
    static let folder: String? = {
        let folder = ProcessInfo.processInfo.environment["HALCYON_TABLES"]
        if folder == nil { print("skipped: the published tables are needed, set HALCYON_TABLES to their folder") }
        return folder
    }()

    private func experiment(_ name: String) throws -> (settings: StudySettings, table: Table) {
        let folder = try #require(Self.folder)
        let path =
            URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/../../Experiments/search-quality/\(name).yaml"
        let text = try String(contentsOfFile: path, encoding: .utf8).replacingOccurrences(of: "${HALCYON_TABLES}", with: folder)
        let document = try Document.parse(text, file: path)
        return (try StudySettings(experiment: document), try Table(TableDescription(document.required("data"))))
    }

    /// The hypervolumes of whole tables, as another program told them.
    @Test(
        .enabled(if: folder != nil),
        arguments: [
            ("nasbench201-1080ti", "nasbench201", "lat_1080ti_1"), ("nasbench201-titan", "nasbench201", "lat_titan_rtx_256"),
            ("nasbench201-silver", "nasbench201", "lat_silver_4114"), ("nasbench201-samsung", "nasbench201", "lat_samsung_s7"),
            ("graph-cora", "nasbench_graph", "cora"), ("graph-citeseer", "nasbench_graph", "citeseer"),
            ("graph-pubmed", "nasbench_graph", "pubmed"), ("macro", "nasbench_macro", "flops"),
        ])
    func theWholeTablesHypervolumeIsKnown(_ name: String, _ family: String, _ pair: String) throws {
        let (settings, table) = try experiment(name)
        let truth = try Document.load(#require(Self.folder) + "/truth.json").required(family).required(pair).required("hv")
            .double()
        #expect(abs(table.hypervolume(settings) / truth - 1) < 1e-4)
    }
}
