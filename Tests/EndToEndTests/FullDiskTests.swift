import Documents
import Foundation
import Testing
import TrialStore
import Trials

/// A real disk that is full: real trainings in a small tmpfs. `HALCYON_FULL_DISKS=200` tries that many amounts of free space,
/// evenly from none to what the whole study needs, instead of a sample.
@Suite(.serialized) struct FullDiskTests {
    /// A small file system of its own, unmounted with its owner; nil where this process may not mount one.
    private final class Disk {
        static let bytes = 48 << 20
        let root: String

        init?() {
            root = NSTemporaryDirectory() + "halcyon-disk-" + UUID().uuidString
            try? FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            let mounted = try? Program.tool(["mount", "-t", "tmpfs", "-o", "size=\(Self.bytes)", "tmpfs", root], errors: .nullDevice)
            guard mounted?.status == 0 else {
                try? FileManager.default.removeItem(atPath: root)
                return nil
            }
        }

        deinit {
            _ = try? Program.tool(["umount", "--lazy", root])
            try? FileManager.default.removeItem(atPath: root)
        }

        var free: Int {
            var status = statvfs()
            statvfs(root, &status)
            return Int(status.f_bavail) * Int(status.f_frsize)
        }

        /// Leaves so many bytes free, or fills what is there.
        func leave(_ bytes: Int) throws {
            try? FileManager.default.removeItem(atPath: root + "/filling")
            _ = FileManager.default.createFile(atPath: root + "/filling", contents: nil)
            let handle = try #require(FileHandle(forWritingAtPath: root + "/filling"))
            try handle.write(contentsOf: Data(count: max(0, free - bytes)))
            try handle.close()
        }

        func clear() throws { try FileManager.default.removeItem(atPath: root + "/filling") }
    }

    private static func experiment() -> String {
        StudyCommandTests.experiment(
            steps: 16, trials: 5, more: "lag: 1\nworkers: 1\nkeep: all\nfidelity: {kind: asha, resource: steps, rungs: [8, 16], reduction: 2}")
    }

    /// What was committed: the log, and the tables that are not replaced.
    private struct Committed {
        var records: [StudyRecord]
        var measurements: [MeasurementRow]

        init(_ study: String) throws {
            guard FileManager.default.fileExists(atPath: study + "/study.sqlite"), let reader = try? StudyReader(directory: study) else {
                (records, measurements) = ([], [])
                return
            }
            (records, measurements) = (try reader.records(), try reader.measurements())
        }
    }

    @Test func aFullDiskAtAnyWritePausesAndLosesNothing() throws {
        guard let disk = Disk() else {
            print("skipped: a full disk needs the right to mount a tmpfs")
            return
        }
        let folder = try Folder()
        let file = try folder.write("e.yaml", Self.experiment())
        let quiet = disk.root + "/quiet"
        let before = disk.free
        #expect(try Program.run("search", file, "--out", quiet).status == 0)
        let needed = before - disk.free
        let expected = try StudyCommandTests.Outcome(quiet)
        #expect(expected.states.contains(.complete))
        try FileManager.default.removeItem(atPath: quiet)

        let levels = StudyOwnerTests.count("HALCYON_FULL_DISKS", 7)
        var pauses = 0
        for level in 0..<levels {
            let study = disk.root + "/study"
            // Once full on the way, and once more when it goes on with a little more room: a pause of a pause.
            var commands = [["search", file, "--out", study]]
            if level % 2 == 1 { commands.append(["resume", study]) }
            var committed = try Committed(study)
            for (round, command) in commands.enumerated() {
                if round == 0 { try disk.leave(needed * level / levels + 4096 * (level % 3)) } else { try disk.leave(disk.free + (64 << 10)) }
                let run = try Program.Run(command).finish()
                guard run.status != 0 else { break }
                // `resume` needs at least the experiment, which may not have been written.
                if round > 0, run.status == 2, run.errors.contains("is not the folder of a study") { break }
                #expect(run.status == 1, "level \(level): \(run.errors)")
                let words = ["No space left", "disk is full", "disk I/O error", "unable to open"]
                #expect(words.contains { run.errors.contains($0) } && run.errors.contains("bytes are free there"), "level \(level): \(run.errors)")
                #expect(run.errors.contains("halcyon resume") || run.errors.contains("run the command again"), "\(run.errors)")
                pauses += 1
                try disk.clear()
                let now = try Committed(study)
                #expect(Array(now.records.prefix(committed.records.count)) == committed.records, "level \(level)")
                #expect(!now.records.contains { if case .attemptFailed = $0.fact { true } else { false } }, "level \(level): an attempt was lost")
                committed = now
                if !now.records.isEmpty {
                    let check = try Program.run("study", "check", study)
                    #expect(check.status == 0, "level \(level): \(check.output)")
                }
            }
            try? disk.clear()
            let goesOn = FileManager.default.fileExists(atPath: study + "/study.sqlite") ? ["resume", study] : ["search", file, "--out", study]
            let rest = try Program.Run(goesOn).finish()
            #expect(rest.status == 0, "level \(level): \(rest.errors)")
            let after = try Committed(study)
            #expect(Array(after.records.prefix(committed.records.count)) == committed.records, "level \(level): what was committed stays")
            #expect(Array(after.measurements.prefix(committed.measurements.count)) == committed.measurements, "level \(level)")
            #expect(try StudyCommandTests.Outcome(study) == expected, "level \(level)")
            try StudyCommandTests.expectSound(study)
            try FileManager.default.removeItem(atPath: study)
        }
        print("a full disk: \(levels) amounts of free space from 0 to \(needed) bytes, \(pauses) pauses, nothing lost")
        #expect(pauses >= levels / 2)
    }

    /// The disk turns read-only under a running search, and writable again.
    @Test func aReadOnlyDiskPausesTheSearch() throws {
        guard let disk = Disk() else {
            print("skipped: a read-only disk needs the right to mount a tmpfs")
            return
        }
        let folder = try Folder()
        let (file, study) = (try folder.write("e.yaml", Self.experiment()), disk.root + "/study")
        let run = try Program.run("search", file, "--out", study)
        #expect(run.status == 0)
        #expect(try Program.tool(["mount", "-o", "remount,ro", disk.root]).status == 0)
        let refused = try Program.run("resume", study, "--trials", "7")
        #expect(refused.status == 1 && refused.errors.contains("ead-only file system"), "\(refused.errors)")
        #expect(try Program.tool(["mount", "-o", "remount,rw", disk.root]).status == 0)
        #expect(try Program.run("resume", study, "--trials", "7").status == 0)
        #expect(try StudyReader(directory: study).trials().count == 7)
    }
}
