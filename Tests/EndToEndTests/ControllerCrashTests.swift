import Documents
import Foundation
import Testing
import TrialStore
import Trials

/// `HALCYON_CRASH_POINTS=1000` is the full size (a quarter of an hour on a quiet machine); `HALCYON_CRASH_SEED` chooses others.
@Suite(.serialized) struct ControllerCrashTests {
    private static func number(_ name: String, _ standard: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap(Int.init) ?? standard
    }

    @Test func aControllerMayBeKilledAnywhere() throws {
        let points = Self.number("HALCYON_CRASH_POINTS", 8)
        let begin = Date()
        var campaign = CrashCampaign(seed: Self.number("HALCYON_CRASH_SEED", 1))
        try campaign.run(crashes: points)
        let tally = campaign.tally
        for fault in tally.faults { Issue.record("\(fault)") }
        print(
            "\(tally.crashes) crash points (\(tally.atFailpoints) at failpoints, \(tally.afterCheckpoint) after a checkpoint) in "
                + "\(tally.studies) studies: \(tally.faults.count) faults; \(tally.repeatedSteps) steps repeated, at most "
                + "\(tally.worstRepetition) at once of an interval of \(CrashCampaign.interval); \(tally.compared) equal to the uninterrupted "
                + "study, \(tally.replayed) replayed, \(Int(Date().timeIntervalSince(begin))) s")
        if points >= 100 { #expect(tally.afterCheckpoint * 10 >= tally.crashes * 3) }
    }

    /// Killed before anything is in the study's file, and just after: it is a study that can be resumed.
    @Test(arguments: ["lock-taken:1", "rename-begins:1", "rename-done:1", "commit-begins:1", "commit-done:1", "commit-begins:2"])
    func aStudyKilledAtItsBeginningGoesOn(_ failpoint: String) throws {
        let folder = try Folder()
        let (file, study) = (try folder.write("e.yaml", CrashCampaign.Kind.all[2].experiment), folder.path("study"))
        let killed = try Program.run("search", file, "--out", study, "--trials", "1", environment: ["HALCYON_FAILPOINT": failpoint])
        #expect(killed.status == SIGKILL)
        let began = FileManager.default.fileExists(atPath: study + "/study.sqlite")
        let again = try began ? Program.run("resume", study) : Program.run("search", file, "--out", study, "--trials", "1")
        #expect(again.status == 0, "\(again.errors)")
        #expect(try StudyReader(directory: study).trials().map(\.state) == [.complete])
    }

    /// Every failpoint is passed by a search: none is dead code, and their names are those of the catalogue.
    @Test func aSearchPassesEveryFailpoint() throws {
        let folder = try Folder()
        let trace = folder.path("trace")
        let file = try folder.write("e.yaml", CrashCampaign.Kind.all[2].experiment)
        let run = try Program.run(
            "search", file, "--out", folder.path("study"), "--trials", "2",
            environment: ["HALCYON_FAILPOINT": "trace:\(trace)", "HALCYON_WORKER_FAILPOINT": "trace:\(trace)"])
        #expect(run.status == 0, "\(run.errors)")
        let names = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n").map { String($0.prefix { $0 != " " }) }
        #expect(Set(names) == Set(Failpoint.allCases.map(\.rawValue)))
        let misspelt = try Program.run("search", file, "--out", folder.path("none"), environment: ["HALCYON_FAILPOINT": "comit:1"])
        #expect(misspelt.status == 2 && misspelt.errors.contains("commit-begins"), "\(misspelt.errors)")
    }

    @Test func replayFindsWhatWasChanged() throws {
        let folder = try Folder()
        let study = folder.path("study")
        let file = try folder.write("e.yaml", CrashCampaign.Kind.all[0].experiment)
        // Paused by a kill, gone on with another number of workers, and with a larger budget.
        let killed = try Program.run("search", file, "--out", study, "--trials", "3", environment: ["HALCYON_FAILPOINT": "commit-done:15"])
        #expect(killed.status == SIGKILL)
        #expect(try Program.run("resume", study, "--workers", "1").status == 0)
        #expect(try Program.run("resume", study, "--workers", "2", "--trials", "5").status == 0)
        let equal = try Program.run("replay", study)
        #expect(equal.status == 0 && equal.output.contains("equal: "), "\(equal.output)\(equal.errors)")
        let verdict = try Document.parse(Program.run("replay", study, "--json").output, file: "replay")
        #expect(verdict["equal"] == true && verdict["trials"] == 5)

        let records = try StudyReader(directory: study).records()
        let starts = records.indices.filter { if case .started = records[$0].fact { true } else { false } }
        for (change, place) in [("seed", starts[3]), ("genotype", starts[2])] {
            var changed = records
            guard case .started(var start) = records[place].fact, case .started(let other) = records[starts[0]].fact else { continue }
            if change == "seed" { start.seed += 1 } else { start.genotype = other.genotype }
            changed[place].fact = .started(start)
            let copy = folder.path(change)
            try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: study + "/experiment.yaml", toPath: copy + "/experiment.yaml")
            let store = try StudyStore(directory: copy)
            for record in changed { try store.append(StudyCommit(records: [record])) }
            try store.close()
            let found = try Program.run("replay", copy)
            #expect(found.status == 1, "\(found.output)\(found.errors)")
            #expect(found.output.contains("different at event \(place + 1)") && found.output.contains("they differ in: \(change)"), "\(found.output)")
            let told = try Document.parse(Program.run("replay", copy, "--json").output, file: "replay")
            #expect(told["equal"] == false && told["event"] == .int(place + 1) && told["recorded"]?["kind"] == "started")
        }
        let nothing = try Program.run("replay", folder.root)
        #expect(nothing.status == 2 && nothing.errors.contains("is not the folder of a study"))
    }
}
