import Documents
import GRDB
import Trials

extension StudyReader {
    /// What SQLite finds wrong with the whole file, nothing when it is sound. Takes seconds a gigabyte.
    package func integrityProblems() throws -> [String] {
        try StudyFile.naming(path) {
            try database.read { try String.fetchAll($0, sql: "PRAGMA integrity_check(20)") }.filter { $0 != "ok" }
        }
    }

    /// Events that are missing from the log, and rows of the tables that are not those that the log leads to: they are made
    /// anew beside the file's and compared. Reads the whole log, at one moment of a study that may be running.
    package func projectionProblems() throws -> [String] {
        try StudyFile.naming(path) {
            try database.unsafeRead { db in
                try db.execute(sql: StudySchema.temporaryProjections)
                var problems: [String] = []
                // One snapshot of the file; the temporary tables are not part of it.
                try db.execute(sql: "BEGIN")
                defer {
                    try? db.execute(sql: "COMMIT")
                    for table in StudySchema.projections { try? db.execute(sql: "DROP TABLE temp.\(table)") }
                }
                var expected = 1
                let numbers = try Int.fetchCursor(db, sql: "SELECT seq FROM events ORDER BY seq")
                while let seq = try numbers.next() {
                    if seq != expected { problems.append("events: \(expected)...\(seq - 1) are missing from the log") }
                    expected = seq + 1
                }
                try readEachRecord(db, path) { record in try project(record, into: db) }
                for table in StudySchema.projections {
                    for (what, a, b) in [("has", "main", "temp"), ("lacks", "temp", "main")] {
                        let count = try Int.fetchOne(
                            db, sql: "SELECT count(*) FROM (SELECT * FROM \(a).\(table) EXCEPT SELECT * FROM \(b).\(table))") ?? 0
                        if count > 0 { problems.append("\(table): the table \(what) \(count) rows that are not as the log tells") }
                    }
                }
                return problems
            }
        }
    }

    /// The log as `TrialLog.restore` hands it over, and the front of the same moment.
    package func restore(_ body: (StudyRecord) throws -> Void) throws -> [FrontEntry] {
        try StudyFile.naming(path) {
            try database.read { db in
                try restoreRecords(db, path, body)
                return try Row.fetchAll(db, sql: Self.frontQuery).map(frontEntry)
            }
        }
    }

    /// Copies the file as it is at this moment into `DIR/study.sqlite` of another folder, also while a controller writes.
    package func copy(into directory: String) throws {
        let copy = StudyFile.path(directory)
        try StudyFile.naming(copy) {
            let destination = try DatabaseQueue(path: copy)
            try database.backup(to: destination)
            try destination.close()
        }
    }
}
