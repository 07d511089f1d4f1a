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
    private let database: DatabaseQueue
    private let path: String

    /// Opens `DIR/study.sqlite` for reading. Errors name the file.
    package init(directory: String) throws {
        path = StudyFile.path(directory)
        try StudyFile.check(path)
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        database = try StudyFile.naming(path) { [path] in
            let database = try DatabaseQueue(path: path, configuration: configuration)
            let version = try database.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
            try StudyFile.check(version: version, path)
            guard version > 0 else { throw InputError(file: path, "is not a study: it has no tables of ours") }
            return database
        }
    }

    private static let metrics = ["psnr_db", "ssim", "latency_ms", "latency_mad_ms", "parameters", "macs", "peak_bytes"]

    /// Every trial without its documents: quick, however many there are.
    package func summaries() throws -> [TrialSummary] {
        let columns = (["number", "state", "family"] + Self.metrics).joined(separator: ", ")
        return try rows("SELECT \(columns) FROM trials ORDER BY number").map { row in
            TrialSummary(
                number: row["number"], state: TrialState(rawValue: row["state"]) ?? .fail, family: row["family"],
                metrics: values(row, Self.metrics))
        }
    }

    package func trials() throws -> [TrialRow] {
        return try rows("SELECT * FROM trials ORDER BY number").map { row in
            TrialRow(
                number: row["number"], state: TrialState(rawValue: row["state"]) ?? .fail, family: row["family"],
                architectureHash: row["architecture_hash"], candidateHash: row["candidate_hash"],
                genotype: try document(row, "genotype"), architecture: try document(row, "architecture"),
                candidate: try document(row, "candidate"), strategy: row["strategy"], seed: row["seed"],
                attempts: row["attempts"], createdAt: row["created_at"], startedAt: row["started_at"],
                finishedAt: row["finished_at"], failure: row["failure"], resource: row["resource"],
                metrics: values(row, Self.metrics))
        }
    }

    /// The operating points of every trial at its last rung.
    package func points() throws -> [Int: [Point]] {
        var points: [Int: [Point]] = [:]
        for row in try rows("SELECT * FROM points ORDER BY trial_number, point") {
            points[row["trial_number"], default: []].append(try point(row))
        }
        return points
    }

    package func front() throws -> [FrontEntry] {
        try rows("SELECT * FROM pareto_front ORDER BY rowid").map { row in
            FrontEntry(trial: row["number"], family: row["family"], point: try point(row), environment: row["environment"])
        }
    }

    package func hypervolumes() throws -> [HypervolumeEntry] {
        try rows("SELECT * FROM hypervolume ORDER BY at, number").map {
            HypervolumeEntry(trial: $0["number"], at: $0["at"], value: $0["value"])
        }
    }

    package func measurements(trial: Int? = nil) throws -> [MeasurementRow] {
        try rows("SELECT * FROM measurements WHERE ?1 IS NULL OR trial_number = ?1 ORDER BY rowid", [trial]).map { row in
            MeasurementRow(
                measurement: .init(
                    trial: row["trial_number"], attempt: row["attempt"], point: row["point"], metric: row["metric"],
                    resource: row["resource"], value: row["value"], unit: row["unit"]),
                at: row["at"], environment: row["environment"])
        }
    }

    /// Environment hash to its description.
    package func environments() throws -> [String: Document] {
        var environments: [String: Document] = [:]
        for row in try rows("SELECT * FROM environments") {
            environments[row["environment"]] = try document(row, "description")
        }
        return environments
    }

    package func records() throws -> [StudyRecord] {
        try StudyFile.naming(path) { try database.read { try readRecords($0, path) } }
    }

    private func rows(_ sql: String, _ arguments: StatementArguments = []) throws -> [Row] {
        try StudyFile.naming(path) { try database.read { try Row.fetchAll($0, sql: sql, arguments: arguments) } }
    }

    private func document(_ row: Row, _ column: String) throws -> Document {
        try Document.parse(row[column], file: "\(path), \(column)")
    }

    private func values(_ row: Row, _ columns: [String]) -> [String: Double] {
        var values: [String: Double] = [:]
        for column in columns { values[column] = row[column] as Double? }
        return values
    }

    private func point(_ row: Row) throws -> Point {
        // Plain numbers that this program wrote: no need for located values.
        let text: String = row["metrics"]
        guard let metrics = try? JSONDecoder().decode([String: Double].self, from: Data(text.utf8)) else {
            throw InputError(file: path, "metrics cannot be read: \(text.prefix(80))", hint: "restore the file from a copy")
        }
        return Point(point: row["point"], threshold: row["threshold"], metrics: metrics)
    }
}
