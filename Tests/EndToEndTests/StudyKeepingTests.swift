import Documents
import Foundation
import Testing
import TrialStore
import Trials

/// `halcyon study check` and `halcyon study backup`, and a study that an older release began.
@Suite(.serialized) struct StudyKeepingTests {
    @Test func aCheckFindsWhatIsDamagedAndTellsWhere() throws {
        let folder = try Folder()
        let study = folder.path("study")
        let file = try folder.write("e.yaml", StudyCommandTests.experiment(steps: 10, trials: 4, more: "workers: 1\nkeep: all"))
        #expect(try Program.run("search", file, "--out", study).status == 0)
        let sound = try Program.run("study", "check", study, "--json")
        #expect(sound.status == 0 && sound.lines == [#"{"sound":true,"trials":4}"#], "\(sound.output)")

        func damaged(_ what: String, _ words: [String], _ change: (String) throws -> Void) throws {
            let copy = folder.path("copy")
            try FileManager.default.copyItem(atPath: study, toPath: copy)
            defer { try? FileManager.default.removeItem(atPath: copy) }
            try change(copy)
            let check = try Program.run("study", "check", copy)
            #expect(check.status == 1 && check.output.contains("damaged"), "\(what): \(check.output)")
            for word in words { #expect(check.output.contains(word), "\(what): \(check.output)") }
            let lines = try Program.run("study", "check", copy, "--json").lines.map { try Document.parse($0, file: "check") }
            #expect(try lines.last?.required("sound").bool() == false && lines.dropLast().contains { $0["kind"] == "damage" })
            #expect(try Program.run("study", "backup", copy, folder.path("b")).status == 2, "\(what): no backup of what is damaged")
            #expect(!FileManager.default.fileExists(atPath: folder.path("b")))
        }
        func flip(_ path: String, at place: (Int) -> Int) throws {
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            bytes[place(bytes.count)] ^= 1
            try bytes.write(to: URL(fileURLWithPath: path))
        }
        try damaged("a network", ["trials/2/model.h5", "checksum"]) { try flip($0 + "/trials/2/model.h5") { $0 / 2 } }
        try damaged("a network that is gone", ["trials/1/model.h5", "no such file"]) {
            try FileManager.default.removeItem(atPath: $0 + "/trials/1/model.h5")
        }
        if try Program.tool(["sqlite3", ":memory:", "select 1"]).status == 0 {
            for (sql, words) in [
                ("update trials set psnr_db = psnr_db + 1 where number = 2", ["trials: the table has 1 rows that are not as the log tells"]),
                ("delete from pareto_front", ["pareto_front"]), ("delete from measurements where trial_number = 3", ["measurements: the table lacks"]),
                ("drop trigger events_are_never_deleted; delete from events where seq = 12", ["events: 12...12 are missing"]),
            ] {
                try damaged(sql, words) { _ = try Program.tool(["sqlite3", $0 + "/study.sqlite", "pragma foreign_keys = off; " + sql]) }
            }
        }
        // What is left over is told, and is no damage.
        _ = try folder.write("study/trials/1/model.h5.123-1.partial", "half")
        try FileManager.default.createDirectory(atPath: study + "/trials/99", withIntermediateDirectories: true)
        let left = try Program.run("study", "check", study)
        #expect(left.status == 0 && left.output.contains("leftover: trials/99") && left.output.contains("leftover: trials/1/model.h5.123-1.partial"))
        #expect(try Program.run("study", "check", folder.path("nothing")).status == 2)
    }

    @Test func aBackupOfARunningSearchGoesOnByItself() throws {
        let folder = try Folder()
        let more = "lag: 2\nkeep: front\nfidelity: {kind: asha, resource: steps, rungs: [15, 60], reduction: 2}"
        let file = try folder.write("e.yaml", StudyCommandTests.experiment(trials: 8, more: more))
        let study = folder.path("study")
        let run = try Program.Run(["search", file, "--out", study, "--workers", "2"])
        var backups: [String] = []
        while run.process.isRunning, backups.count < 4 {
            guard ((try? StudyReader(directory: study).records().count) ?? 0) > 20 * (backups.count + 1) else {
                usleep(20_000)
                continue
            }
            let backup = folder.path("backup\(backups.count)")
            let made = try Program.run("study", "backup", study, backup)
            #expect(made.status == 0 && made.output.contains("halcyon resume"), "\(made.errors)")
            backups.append(backup)
        }
        #expect(try run.finish().status == 0)
        #expect(!backups.isEmpty)
        let expected = try StudyReader(directory: study).trials()
        for backup in backups {
            let began = try StudyReader(directory: backup).records()
            let resumed = try Program.run("resume", backup)
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(Array(try StudyReader(directory: backup).records().prefix(began.count)) == began)
            let rows = try StudyReader(directory: backup).trials()
            #expect(rows.map(\.candidateHash) == expected.map(\.candidateHash) && rows.map(\.state) == expected.map(\.state))
            #expect(rows.map { $0.metrics["psnr_db"] } == expected.map { $0.metrics["psnr_db"] })
            #expect(try Program.run("study", "check", backup).status == 0)
        }
        let again = try Program.run("study", "backup", study, backups[0])
        #expect(again.status == 2 && again.errors.contains("is there already"))
    }

    @Test func aStudyOfVersionOneGoesOn() throws {
        let folder = try Folder()
        let study = folder.path("study")
        try FileManager.default.copyItem(atPath: Program.repository + "/Tests/Fixtures/studies/version-1", toPath: study)
        let before = try StudyReader(directory: study).records()
        let resumed = try Program.run("resume", study, "--trials", "11")
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(Array(try StudyReader(directory: study).records().prefix(before.count)) == before)
        #expect(try StudyReader(directory: study).trials().count == 11)
    }
}
