import Documents
import Foundation
import GRDB
import Trials

/// One row of `trials`.
package struct TrialRow: Sendable, Equatable {
    package var number: Int
    package var state: TrialState
    package var family: String?
    package var architectureHash: String
    package var candidateHash: String
    package var genotype: Document
    package var architecture: Document
    package var candidate: Document
    package var strategy: String
    package var seed: Int
    package var attempts: Int
    package var createdAt: Double
    package var startedAt: Double?
    package var finishedAt: Double?
    package var failure: String?
    /// The last rung reached, 0 before the first.
    package var resource: Int
    /// The standard metrics of point 0 that are known: `psnr_db, ssim, latency_ms, latency_mad_ms, parameters, macs, peak_bytes`.
    package var metrics: [String: Double]
}

/// What a picture of the study needs of a row of `trials`: none of its documents.
package struct TrialSummary: Sendable, Equatable {
    package var number: Int
    package var state: TrialState
    package var family: String?
    /// The standard metrics of point 0 that are known.
    package var metrics: [String: Double]

    package init(number: Int, state: TrialState, family: String?, metrics: [String: Double]) {
        self.number = number
        self.state = state
        self.family = family
        self.metrics = metrics
    }
}

/// One row of `measurements`.
package struct MeasurementRow: Sendable, Equatable {
    package var measurement: WorkerEvent.Measurement
    package var at: Double
    package var environment: String?
}

/// Reads a study's file, also while a controller writes it.
package final class StudyReader {
    let database: DatabaseQueue
    let path: String

    /// Opens `DIR/study.sqlite` for reading. Errors name the file.
    package init(directory: String) throws {
        path = StudyFile.path(directory)
        database = try StudyFile.openForReading(path)
        guard try StudyFile.naming(path, { try database.read { try StudyFile.version($0) } }) > 0 else {
            throw InputError(file: path, "is not a study: it has no tables of ours", hint: "name the folder of a study")
        }
    }

    private static let metrics = ["psnr_db", "ssim", "latency_ms", "latency_mad_ms", "parameters", "macs", "peak_bytes"]

    /// How many trials are in each state.
    package func stateCounts() throws -> [TrialState: Int] {
        var counts: [TrialState: Int] = [:]
        for (state, count) in try rows(
            "SELECT state, count(*) FROM trials GROUP BY state", [],
            { (TrialState(rawValue: try $0.decode(atIndex: 0)) ?? .fail, try $0.decode(Int.self, atIndex: 1)) })
        {
            counts[state] = count
        }
        return counts
    }

    /// The number after the last trial's.
    package func trialCount() throws -> Int { try rows("SELECT coalesce(max(number) + 1, 0) FROM trials") { try $0.decode(atIndex: 0) }[0] }

    /// Trials without their documents, every `step`-th one: quick, however many there are.
    package func summaries(step: Int = 1) throws -> [TrialSummary] {
        try summaries("WHERE number % ? = 0 ORDER BY +number", [step])
    }

    /// Some trials without their documents.
    package func summaries(of numbers: Set<Int>) throws -> [TrialSummary] {
        let places = Array(repeating: "?", count: numbers.count).joined(separator: ", ")
        return try summaries("WHERE number IN (\(places)) ORDER BY number", StatementArguments(numbers.sorted()))
    }

    private func summaries(_ condition: String, _ arguments: StatementArguments) throws -> [TrialSummary] {
        let columns = (["number", "state", "family"] + Self.metrics).joined(separator: ", ")
        return try rows("SELECT \(columns) FROM trials \(condition)", arguments) { row in
            TrialSummary(
                number: try row.decode(forColumn: "number"), state: TrialState(rawValue: try row.decode(forColumn: "state")) ?? .fail, family: try row.decode(forColumn: "family"),
                metrics: try values(row, Self.metrics))
        }
    }

    package func trial(_ number: Int) throws -> TrialRow? { try trials("WHERE number = ?", [number]).first }

    package func trials() throws -> [TrialRow] { try trials("ORDER BY number", []) }

    private func trials(_ condition: String, _ arguments: StatementArguments) throws -> [TrialRow] {
        try rows("SELECT * FROM trials \(condition)", arguments) { row in
            TrialRow(
                number: try row.decode(forColumn: "number"), state: TrialState(rawValue: try row.decode(forColumn: "state")) ?? .fail, family: try row.decode(forColumn: "family"),
                architectureHash: try row.decode(forColumn: "architecture_hash"), candidateHash: try row.decode(forColumn: "candidate_hash"),
                genotype: try document(row, "genotype"), architecture: try document(row, "architecture"),
                candidate: try document(row, "candidate"), strategy: try row.decode(forColumn: "strategy"), seed: try row.decode(forColumn: "seed"),
                attempts: try row.decode(forColumn: "attempts"), createdAt: try row.decode(forColumn: "created_at"), startedAt: try row.decode(forColumn: "started_at"),
                finishedAt: try row.decode(forColumn: "finished_at"), failure: try row.decode(forColumn: "failure"), resource: try row.decode(forColumn: "resource"),
                metrics: try values(row, Self.metrics))
        }
    }

    /// The operating points at their last rung of every `step`-th trial.
    package func points(step: Int = 1) throws -> [Int: [Point]] {
        var points: [Int: [Point]] = [:]
        for (trial, point) in try rows(
            """
            WITH RECURSIVE chosen (number) AS (
                SELECT 0 UNION ALL SELECT number + ?1 FROM chosen WHERE number + ?1 <= (SELECT max(number) FROM trials))
            SELECT points.* FROM chosen JOIN points ON trial_number = chosen.number ORDER BY trial_number, point
            """, [step],
            { (try $0.decode(Int.self, forColumn: "trial_number"), try point($0)) })
        {
            points[trial, default: []].append(point)
        }
        return points
    }

    package func front() throws -> [FrontEntry] { try rows(Self.frontQuery, [], frontEntry) }

    static let frontQuery = "SELECT * FROM pareto_front ORDER BY rowid"

    func frontEntry(_ row: Row) throws -> FrontEntry {
        FrontEntry(trial: try row.decode(forColumn: "number"), family: try row.decode(forColumn: "family"), point: try point(row), environment: try row.decode(forColumn: "environment"))
    }

    /// The front's hypervolume after the last trial that ended.
    package func hypervolume() throws -> Double? {
        try rows("SELECT value FROM hypervolume ORDER BY at DESC, number DESC LIMIT 1") { try $0.decode(Double.self, atIndex: 0) }.first
    }

    package func hypervolumes() throws -> [HypervolumeEntry] {
        try rows("SELECT * FROM hypervolume ORDER BY at, number") { row in
            HypervolumeEntry(
                trial: try row.decode(forColumn: "number"), at: try row.decode(forColumn: "at"),
                value: try row.decode(forColumn: "value"))
        }
    }

    /// When each controller of the study began and wrote its last event.
    package func sessions() throws -> [(begin: Double, end: Double)] {
        try rows(
            """
            SELECT at, (SELECT at FROM events WHERE seq = coalesce(
                (SELECT min(seq) - 1 FROM events AS later WHERE later.kind = 'session_started' AND later.seq > first.seq),
                (SELECT max(seq) FROM events)))
            FROM events AS first WHERE kind = 'session_started' ORDER BY seq
            """
        ) { (try $0.decode(Double.self, atIndex: 0), try $0.decode(Double.self, atIndex: 1)) }
    }

    package func measurements(trial: Int? = nil) throws -> [MeasurementRow] {
        try rows("SELECT * FROM measurements WHERE ?1 IS NULL OR trial_number = ?1 ORDER BY rowid", [trial], measurement)
    }

    /// What was measured of one metric, for some trials only: a large study has many more.
    package func measurements(metric: String, trials: Set<Int>) throws -> [MeasurementRow] {
        if trials.isEmpty { return [] }
        let places = Array(repeating: "?", count: trials.count).joined(separator: ", ")
        return try rows(
            "SELECT * FROM measurements WHERE metric = ? AND trial_number IN (\(places)) ORDER BY rowid",
            [metric] + StatementArguments(trials.sorted()), measurement)
    }

    /// Environment hash to its description.
    package func environments() throws -> [String: Document] {
        var environments: [String: Document] = [:]
        for (hash, description) in try rows(
            "SELECT * FROM environments", [],
            { (try $0.decode(String.self, forColumn: "environment"), try document($0, "description")) })
        {
            environments[hash] = description
        }
        return environments
    }

    package func records() throws -> [StudyRecord] {
        try StudyFile.naming(path) { try database.read { try readRecords($0, path) } }
    }

    /// The event log, record by record: a long one does not fit in memory.
    package func forEachRecord(_ body: (StudyRecord) throws -> Void) throws {
        try StudyFile.naming(path) { try database.read { try readEachRecord($0, path, body) } }
    }

    package func eventCount() throws -> Int { try rows("SELECT count(*) FROM events") { try $0.decode(atIndex: 0) }[0] }

    /// Every row of a query, read. A value that is not of its column's type is an error that names the file.
    private func rows<Value>(
        _ sql: String, _ arguments: StatementArguments = [], _ read: (Row) throws -> Value
    ) throws -> [Value] {
        try StudyFile.naming(path) {
            try database.read { try Row.fetchAll($0, sql: sql, arguments: arguments) }.map(read)
        }
    }

    private func measurement(_ row: Row) throws -> MeasurementRow {
        MeasurementRow(
            measurement: .init(
                trial: try row.decode(forColumn: "trial_number"), attempt: try row.decode(forColumn: "attempt"),
                point: try row.decode(forColumn: "point"), metric: try row.decode(forColumn: "metric"),
                resource: try row.decode(forColumn: "resource"), value: try row.decode(forColumn: "value"),
                unit: try row.decode(forColumn: "unit")),
            at: try row.decode(forColumn: "at"), environment: try row.decode(forColumn: "environment"))
    }

    private func document(_ row: Row, _ column: String) throws -> Document {
        try Document.parse(row.decode(forColumn: column), file: "\(path), \(column)")
    }

    private func values(_ row: Row, _ columns: [String]) throws -> [String: Double] {
        var values: [String: Double] = [:]
        for column in columns { values[column] = try row.decode(Double?.self, forColumn: column) }
        return values
    }

    private func point(_ row: Row) throws -> Point {
        // Plain numbers that this program wrote: no need for located values.
        let text = try row.decode(String.self, forColumn: "metrics")
        guard let metrics = try? JSONDecoder().decode([String: Double].self, from: Data(text.utf8)) else {
            throw InputError(file: path, "metrics cannot be read: \(text.prefix(80))", hint: "restore the file from a copy")
        }
        return Point(point: try row.decode(forColumn: "point"), threshold: try row.decode(forColumn: "threshold"), metrics: metrics)
    }
}
