import Documents
import Foundation
import GRDB
import Testing
import TrialStore
import Trials

/// Files of every version of the format, of newer ones, and damaged ones.
@Suite struct StudyFormatTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/studies").path

    /// Calls the body with a fresh folder that holds a copy of the study of that version.
    private func withStudy(version: Int, _ body: (_ directory: String, _ file: String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("halcyon-format-\(UUID())").path
        try FileManager.default.copyItem(atPath: Self.fixtures + "/version-\(version)", toPath: directory)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body(directory, directory + "/study.sqlite")
    }

    private struct Content: Equatable {
        var records: [StudyRecord]
        var trials: [TrialRow]
        var points: [Int: [Point]]
        var front: [FrontEntry]
        var hypervolumes: [HypervolumeEntry]
        var measurements: [MeasurementRow]
        var environments: [String: Document]

        init(_ directory: String) throws {
            let reader = try StudyReader(directory: directory)
            (records, trials, points) = (try reader.records(), try reader.trials(), try reader.points())
            (front, hypervolumes) = (try reader.front(), try reader.hypervolumes())
            (measurements, environments) = (try reader.measurements(), try reader.environments())
        }
    }

    /// Every version up to this one is read as it is, and opened for writing with all of its content. A new version of the
    /// format needs a study of the version before it here.
    @Test func everyVersionIsBroughtUpToDate() throws {
        let newest = try FileManager.default.contentsOfDirectory(atPath: Self.fixtures).count
        for version in 1...newest {
            try withStudy(version: version) { directory, file in
                func userVersion() throws -> Int { try DatabaseQueue(path: file).read { try Int.fetchOne($0, sql: "PRAGMA user_version")! } }
                func schema() throws -> [String] {
                    try DatabaseQueue(path: file).read { try String.fetchAll($0, sql: "SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name") }
                }
                #expect(try userVersion() == version)
                let before = try Content(directory)
                #expect(before.trials.count >= 6 && !before.front.isEmpty && before.records.count > 50)
                let store = try StudyStore(directory: directory)
                try store.append(StudyCommit(records: [StudyRecord(at: 1, fact: .paused(reason: "a test"))]))
                try store.close()
                var after = try Content(directory)
                #expect(after.records.removeLast().fact == .paused(reason: "a test"))
                #expect(after == before)
                #expect(try userVersion() == newest)
                #expect(try StudyReader(directory: directory).projectionProblems() == [])

                let fresh = directory + "/fresh"
                try FileManager.default.createDirectory(atPath: fresh, withIntermediateDirectories: true)
                try StudyStore(directory: fresh).close()
                let expected = try DatabaseQueue(path: fresh + "/study.sqlite").read {
                    try String.fetchAll($0, sql: "SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name")
                }
                #expect(try schema() == expected, "a migrated file has the tables of a new one")
            }
        }
    }

    /// The version may stand in the log of writes alone.
    @Test func aNewerFileIsRefusedUntouchedAlsoWhereOnlyItsLogTells() throws {
        try withStudy(version: 2) { directory, file in
            let writer = try DatabaseQueue(path: file)
            try writer.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA journal_mode = WAL")
                try db.execute(sql: "PRAGMA user_version = 9")
            }
            let copy = directory + "/copy"
            try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
            let names = ["study.sqlite", "study.sqlite-wal"]
            for name in names { try FileManager.default.copyItem(atPath: "\(directory)/\(name)", toPath: "\(copy)/\(name)") }
            let before = try names.map { try Data(contentsOf: URL(filePath: "\(copy)/\($0)")) }
            #expect(before[0][63] == 2 && !before[1].isEmpty)
            for open in [{ _ = try StudyStore(directory: copy) }, { _ = try StudyReader(directory: copy) }] {
                let error = #expect(throws: InputError.self) { try open() }
                #expect(error?.description.contains("version 9") == true)
            }
            #expect(try names.map { try Data(contentsOf: URL(filePath: "\(copy)/\($0)")) } == before)
        }
    }

    @Test func anotherProgramsDatabaseIsRefusedUntouched() throws {
        try withStudy(version: 1) { directory, file in
            try FileManager.default.removeItem(atPath: file)
            try DatabaseQueue(path: file).write { try $0.execute(sql: "CREATE TABLE notes (text)") }
            let before = try Data(contentsOf: URL(filePath: file))
            let error = #expect(throws: InputError.self) { _ = try StudyStore(directory: directory) }
            #expect(error?.description.contains("tables of another program") == true)
            #expect(try Data(contentsOf: URL(filePath: file)) == before)
        }
    }

    /// Bytes that were overwritten anywhere in a small file are found on opening, before anything is written.
    @Test func damageIsFoundOnOpening() throws {
        var found = 0
        for page in 2..<20 {
            try withStudy(version: 2) { directory, file in
                var bytes = try Data(contentsOf: URL(filePath: file))
                let place = page * 4096
                guard place + 4096 <= bytes.count, bytes[place] != 0 else { return }
                for index in place..<place + 24 { bytes[index] = 0x5A }
                try bytes.write(to: URL(filePath: file))
                let error = #expect(throws: InputError.self, "page \(page)") { _ = try StudyStore(directory: directory) }
                #expect(error?.description.contains("damaged") == true, "\(error?.description ?? "")")
                #expect(try Data(contentsOf: URL(filePath: file)) == bytes)
                found += 1
            }
        }
        #expect(found > 8)
    }

    /// A log with a gap, and tables that count otherwise than the log, are not resumed from.
    @Test func aLogThatContradictsItsTablesIsRefused() throws {
        let damages = [
            ("DROP TRIGGER events_are_never_deleted; DELETE FROM events WHERE seq = 9", "lacks event 9"),
            ("PRAGMA foreign_keys = OFF; DELETE FROM trials WHERE number = 1", "starts"),
            ("UPDATE trials SET state = iif(state = 'PRUNED', 'COMPLETE', 'PRUNED') WHERE number = (SELECT max(number) FROM trials)", ""),
            ("UPDATE trials SET state = 'RUNNING' WHERE number = 0", "ends"),
        ]
        for (sql, words) in damages {
            try withStudy(version: 2) { directory, file in
                try DatabaseQueue(path: file).writeWithoutTransaction { try $0.execute(sql: sql) }
                let problems = try StudyReader(directory: directory).projectionProblems()
                #expect(!problems.isEmpty, "\(sql)")
                guard !words.isEmpty else { return }
                let error = #expect(throws: InputError.self) { try StudyStore(directory: directory).restore { _ in } }
                #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
            }
        }
    }

    /// What a study is restored from is its log without what is of no consequence: nothing of an open trial is left out.
    @Test func restoringLeavesOutWhatIsOver() throws {
        try withStudy(version: 1) { directory, _ in
            let store = try StudyStore(directory: directory)
            let all = try store.records()
            var restored: [StudyRecord] = []
            try store.restore { restored.append($0) }
            let final = Set(try StudyReader(directory: directory).trials().filter(\.state.isFinal).map(\.number))
            let kept = all.filter { record in
                switch record.fact {
                case .measured(let it, _): !final.contains(it.trial)
                case .checkpointed(let trial, _, _, _): !final.contains(trial)
                default: true
                }
            }
            #expect(restored.count == kept.count && restored.count < all.count)
            for (a, b) in zip(restored, kept) {
                if case .started(var start) = b.fact, final.contains(start.trial) {
                    start.candidate = .null
                    start.inspection.architecture = .null
                    #expect(a.fact == .started(start))
                } else {
                    #expect(a == b)
                }
            }
        }
    }
}
