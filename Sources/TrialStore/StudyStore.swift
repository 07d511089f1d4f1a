import Documents
import Foundation
import GRDB
import Trials

/// The single writer of a study's file: the event log and the tables that follow from it, in one transaction a commit.
package final class StudyStore: TrialLog {
    private let database: DatabaseQueue
    private let path: String

    /// Opens or creates `DIR/study.sqlite`. A file of a newer release is refused and left untouched.
    package init(directory: String) throws {
        path = StudyFile.path(directory)
        if FileManager.default.fileExists(atPath: path) { try StudyFile.check(path) }
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = NORMAL") }
        database = try StudyFile.naming(path) { [path] in
            let database = try DatabaseQueue(path: path, configuration: configuration)
            try database.write { db in
                let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
                try StudyFile.check(version: version, path)
                for step in StudySchema.steps.dropFirst(version) { try db.execute(sql: step) }
                try db.execute(sql: "PRAGMA user_version = \(StudySchema.version)")
                failpoint(.commitBegins)
            }
            failpoint(.commitDone)
            return database
        }
    }

    package func append(_ commit: StudyCommit) throws {
        try StudyFile.naming(path) {
            try database.write { db in
                for record in commit.records {
                    try db.execute(
                        sql: "INSERT INTO events (at, kind, trial_number, payload) VALUES (?, ?, ?, ?)",
                        arguments: [record.at, record.fact.kind, record.fact.trial, record.fact.payload.json])
                    try project(record, into: db)
                }
                if let front = commit.front { try replaceFront(front, in: db) }
                for entry in commit.hypervolumes {
                    try db.execute(
                        sql: "INSERT OR REPLACE INTO hypervolume (number, at, value) VALUES (?, ?, ?)",
                        arguments: [entry.trial, entry.at, entry.value])
                }
                failpoint(.commitBegins)
            }
            failpoint(.commitDone)
        }
    }

    package func records() throws -> [StudyRecord] {
        try StudyFile.naming(path) { try database.read { try readRecords($0, path) } }
    }

    package func close() throws { try database.close() }
}

/// The whole event log, in order. A payload that cannot be read is an error that names its row.
func readRecords(_ db: Database, _ path: String) throws -> [StudyRecord] {
    try Row.fetchAll(db, sql: "SELECT seq, at, kind, trial_number, payload FROM events ORDER BY seq").map { row in
        let seq = try row.decode(Int.self, forColumn: "seq")
        do {
            let payload = try Document.parse(try row.decode(forColumn: "payload"), file: "\(path), event \(seq)")
            return StudyRecord(
                at: try row.decode(forColumn: "at"), fact: try StudyFact(kind: try row.decode(forColumn: "kind"), trial: try row.decode(forColumn: "trial_number"), payload: payload))
        } catch let error as InputError {
            throw InputError(file: path, "event \(seq) cannot be read: \(error)", hint: "restore the file from a copy")
        }
    }
}
