import Documents
import Foundation
import GRDB
import Trials

/// The whole event log, in order. A payload that cannot be read is an error that names its row.
func readRecords(_ db: Database, _ path: String) throws -> [StudyRecord] {
    var records: [StudyRecord] = []
    try readEachRecord(db, path) { records.append($0) }
    return records
}

func readEachRecord(_ db: Database, _ path: String, _ body: (StudyRecord) throws -> Void) throws {
    let rows = try Row.fetchCursor(db, sql: "SELECT seq, at, kind, trial_number, payload FROM events ORDER BY seq")
    while let row = try rows.next() { try body(record(row, path, omitting: [])) }
}

/// The log as a study is restored from it: in order, without what changes nothing any more. Of trials that are final, the
/// measurements and checkpoints on the way and the documents of network and candidate are left out: they fill most of a large study.
///
/// The log has no gap, and the tables count as many trials, and as many final ones, as it tells; else the file is damaged.
func restoreRecords(_ db: Database, _ path: String, _ body: (StudyRecord) throws -> Void) throws {
    var open: Set<Int> = []
    for number in try Int.fetchAll(db, sql: "SELECT number FROM trials WHERE state IN ('WAITING', 'RUNNING')") { open.insert(number) }
    var (expected, started, ended) = (1, 0, 0)
    let rows = try Row.fetchCursor(db, sql: "SELECT seq, at, kind, trial_number, payload FROM events ORDER BY seq")
    while let row = try rows.next() {
        let seq = try row.decode(Int.self, atIndex: 0)
        guard seq == expected else { throw StudyFile.damaged(path, "the event log lacks event \(expected)") }
        expected += 1
        let trial = try row.decode(Int?.self, atIndex: 3)
        let isOpen = trial.map(open.contains) ?? true
        if !isOpen {
            let kind = try row.decode(String.self, atIndex: 2)
            if kind == "measured" || kind == "checkpointed" { continue }
        }
        let record = try record(row, path, omitting: isOpen ? [] : ["candidate", "architecture"])
        if case .started = record.fact { started += 1 }
        if record.fact.endedTrial != nil { ended += 1 }
        try body(record)
    }
    let trials = try Int.fetchOne(db, sql: "SELECT count(*) FROM trials") ?? 0
    guard trials == started else { throw StudyFile.damaged(path, "the log starts \(started) trials, the table has \(trials)") }
    let final = try Int.fetchOne(db, sql: "SELECT count(*) FROM trials WHERE state IN ('COMPLETE', 'PRUNED', 'FAIL')") ?? 0
    guard final == ended else { throw StudyFile.damaged(path, "the log ends \(ended) trials, the table \(final)") }
}

private func record(_ row: Row, _ path: String, omitting: [String]) throws -> StudyRecord {
    let seq = try row.decode(Int.self, atIndex: 0)
    do {
        let quick = try row.withUnsafeData(atIndex: 4) { data in
            data?.withUnsafeBytes { JSONReader.read($0, omitting: omitting) }
        }
        let payload = try quick ?? Document.parse(try row.decode(String.self, atIndex: 4), file: "\(path), event \(seq)")
        return StudyRecord(
            at: try row.decode(atIndex: 1),
            fact: try StudyFact(
                kind: try row.decode(atIndex: 2), trial: try row.decode(atIndex: 3), payload: payload))
    } catch let error as InputError {
        throw InputError(file: path, "event \(seq) cannot be read: \(error)", hint: "restore the file from a copy")
    }
}
