import Documents

/// What an experiment's `data: {kind: table, ...}` says:
///
///     kind: table
///     path: ${HALCYON_TABLES}/nasbench201.csv
///     decisions: [edge0, edge1, edge2, edge3, edge4, edge5]     # columns, named as the fields of the space's template
///     metrics:
///       error: {12: 100 - c10_test_12, 200: 100 - c10_test_200} # of each resource; or one expression for all of them
///       latency_ms: lat_1080ti_1                                # a list holds the values of several seeds: [acc_s0, acc_s1]
///     costs: {parameters: params}                               # known before a trial: constraints refuse by them at the door
///     canonical: {path: ${HALCYON_TABLES}/map.csv, key: hash}   # several encodings are one row, named by its key
///     seconds: {12: 12, 200: 200}                               # until each resource is reached; without: a second each unit
///     sleep: true                                               # workers really take that time
package struct TableDescription: Sendable {
    /// The expressions of one metric.
    struct Metric: Sendable {
        var name: String
        /// By resource, ascending; one of resource nil stands for all. Each has one expression a seed.
        var levels: [(resource: Int?, seeds: [(expression: TableExpression, source: Document)])]
    }

    package let path: String
    let pathSource: Document
    package let decisions: [(column: String, source: Document)]
    let metrics: [Metric]
    let costs: [Metric]
    let seconds: Metric?
    let canonical: (path: String, key: String, source: Document)?
    package let sleeps: Bool

    /// Whether an experiment's `data` is a table.
    package static func isOne(_ experiment: Document) -> Bool {
        if case .string("table") = experiment["data"]?["kind"]?.value { true } else { false }
    }

    /// Reads the `data` of an experiment whose paths are resolved. Errors are located.
    package init(_ data: Document) throws {
        try data.allowOnly(["kind", "path", "decisions", "metrics", "costs", "canonical", "seconds", "sleep"])
        _ = try data.required("kind").word("kind", of: ["table"])
        pathSource = try data.required("path")
        path = try pathSource.string("path")
        let columns = try data.required("decisions")
        decisions = try columns.array("decisions").map { (try $0.string("a decision's column"), $0) }
        guard !decisions.isEmpty, Set(decisions.map(\.column)).count == decisions.count else {
            throw columns.fail("decisions: expected at least one column and none twice")
        }
        let fields = try data.required("metrics")
        metrics = try fields.fields("metrics").map { Metric(name: $0.key, levels: try Self.levels($0.value, seeds: true)) }
        if metrics.isEmpty { throw fields.fail("metrics: expected at least one", hint: "for example error: 100 - accuracy") }
        costs =
            try data.optional("costs")?.fields("costs").map {
                Metric(name: $0.key, levels: [(nil, [(try TableExpression($0.value), $0.value)])])
            } ?? []
        for cost in costs where metrics.contains(where: { $0.name == cost.name }) {
            throw fields.fail("\"\(cost.name)\" stands in metrics and in costs", hint: "keep one of them")
        }
        seconds = try data.optional("seconds").map { Metric(name: "seconds", levels: try Self.levels($0, seeds: false)) }
        canonical = try data.optional("canonical").map { map in
            try map.allowOnly(["path", "key"])
            return (try map.required("path").string("path"), try map.required("key").string("key"), map)
        }
        sleeps = try data.optional("sleep")?.bool("sleep") ?? false
    }

    private static func levels(
        _ document: Document, seeds: Bool
    ) throws -> [(resource: Int?, seeds: [(expression: TableExpression, source: Document)])] {
        guard case .object(let fields) = document.value else { return [(nil, try list(document, seeds))] }
        let levels = try fields.map { field in
            guard let resource = Int(field.key), resource > 0 else {
                throw InputError(
                    "expected a resource such as 200, found \"\(field.key)\"", at: field.keyLocation ?? document.location)
            }
            return (resource: Int?(resource), seeds: try list(field.value, seeds))
        }
        if levels.isEmpty { throw document.fail("expected an expression for each resource") }
        return levels.sorted { $0.resource ?? 0 < $1.resource ?? 0 }
    }

    private static func list(_ document: Document, _ seeds: Bool) throws -> [(expression: TableExpression, source: Document)] {
        guard seeds, case .array(let items) = document.value else { return [(try TableExpression(document), document)] }
        if items.isEmpty { throw document.fail("expected an expression for each seed") }
        return try items.map { (try TableExpression($0), $0) }
    }

    /// Names of all that is told of an architecture, before or after its trial.
    package var metricNames: [String] { (metrics + costs).map(\.name) }

    /// Refuses rungs for which a metric has no column.
    package func check(_ fidelity: [Int], at source: Document) throws {
        for metric in metrics + (seconds.map { [$0] } ?? []) {
            let known = metric.levels.compactMap(\.resource)
            guard !known.isEmpty, let missing = fidelity.first(where: { !known.contains($0) }) else { continue }
            throw source.fail(
                "fidelity: the table has \"\(metric.name)\" at \(known.map(String.init).joined(separator: ", ")), not at \(missing)",
                hint: "name rungs that it has, for example {kind: full, rungs: [\(known.last ?? 1)]}")
        }
    }
}
