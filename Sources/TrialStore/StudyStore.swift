import Documents
import Foundation
import GRDB
import Trials

/// Another controller has begun a later session on the study: this one has lost its lock and may not write any more.
package struct StudyTakenOver: Error, CustomStringConvertible {
    package var directory: String
    package var owner: String

    package var description: String {
        "\(directory): another controller has taken this study over: \(owner); nothing more was written here"
    }
}

/// The single writer of a study's file: the event log and the tables that follow from it, in one transaction a commit.
///
/// Each writer takes the next token when it opens the file; a commit of any but the newest is refused.
package final class StudyStore: TrialLog {
    /// What a commit survives: `normal`, the end of this process in whatever way; `full`, also a power cut (each commit waits
    /// for the disk). After a power cut a `normal` study is whole, but its last commits may be missing.
    package enum Durability: String, CaseIterable, Sendable { case normal, full }

    package let token: Int
    private let database: DatabaseQueue
    private let directory: String
    private let path: String

    /// Opens or creates `DIR/study.sqlite`, and brings an older format up to date. A file of a newer release and a damaged one
    /// are refused and left untouched.
    package init(directory: String, durability: Durability = .normal) throws {
        self.directory = directory
        path = StudyFile.path(directory)
        if FileManager.default.fileExists(atPath: path) { try StudyFile.examine(path) }
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { db in
            // A page that many commits write goes to the database file once in so many pages of the log.
            try db.execute(sql: "PRAGMA synchronous = \(durability.rawValue); PRAGMA wal_autocheckpoint = 4000")
        }
        (database, token) = try StudyFile.naming(path) { [path] in
            let database = try DatabaseQueue(path: path, configuration: configuration)
            let token = try database.write { db in
                let version = try StudyFile.version(db)
                try StudyFile.check(version: version, path)
                for step in StudySchema.steps.dropFirst(version) { try db.execute(sql: step) }
                try db.execute(sql: "PRAGMA user_version = \(StudySchema.version)")
                try db.execute(
                    sql: "INSERT INTO controllers (at, owner) VALUES (?, ?)",
                    arguments: [Date().timeIntervalSince1970, currentOwner()])
                failpoint(.commitBegins)
                return Int(db.lastInsertedRowID)
            }
            failpoint(.commitDone)
            return (database, token)
        }
    }

    /// - Throws: `StorageFailure` when the disk refuses, and nothing of the commit is in the file; `StudyTakenOver`.
    package func append(_ commit: StudyCommit) throws {
        try StudyFile.writing(path) {
            try database.write { db in
                try checkToken(db)
                for record in commit.records {
                    try db.cachedStatement(sql: "INSERT INTO events (at, kind, trial_number, payload) VALUES (?, ?, ?, ?)")
                        .execute(arguments: [record.at, record.fact.kind, record.fact.trial, record.fact.payload.json])
                    try project(record, into: db)
                }
                if let front = commit.front { try replaceFront(front, in: db) }
                for entry in commit.hypervolumes {
                    try db.cachedStatement(sql: "INSERT OR REPLACE INTO hypervolume (number, at, value) VALUES (?, ?, ?)")
                        .execute(arguments: [entry.trial, entry.at, entry.value])
                }
                failpoint(.commitBegins)
            }
            failpoint(.commitDone)
        }
    }

    private func checkToken(_ db: Database) throws {
        let newest = try Int.fetchOne(db.cachedStatement(sql: "SELECT max(token) FROM controllers"))
        guard newest != token else { return }
        let owner = try String.fetchOne(db, sql: "SELECT owner FROM controllers ORDER BY token DESC LIMIT 1")
        throw StudyTakenOver(directory: directory, owner: owner ?? "unknown")
    }

    package func records() throws -> [StudyRecord] {
        try StudyFile.naming(path) { try database.read { try readRecords($0, path) } }
    }

    package func restore(_ body: (StudyRecord) throws -> Void) throws {
        try StudyFile.naming(path) { try database.read { try restoreRecords($0, path, body) } }
    }

    package func close() throws { try StudyFile.naming(path) { try database.close() } }
}
