import Foundation
import Testing
import TrialStore
import Trials

/// Controllers that meet, and controllers that are told to stop: real processes.
///
/// `HALCYON_RACES=200` runs that many races of each kind instead of a sample.
@Suite(.serialized) struct StudyOwnerTests {
    static func count(_ name: String, _ sample: Int) -> Int { ProcessInfo.processInfo.environment[name].flatMap(Int.init) ?? sample }

    /// A search whose only worker never says a word, so that it runs until it is told to stop.
    private static func endless(_ folder: Folder) throws -> String {
        try folder.write("endless.yaml", StudyCommandTests.experiment(steps: 5, trials: 1, more: "workers: 1\ncommand: [sleep, '1000']"))
    }

    private func sessions(_ study: String) throws -> Int {
        try StudyReader(directory: study).records().count { if case .sessionStarted = $0.fact { true } else { false } }
    }

    /// Starts two at once, waits for the one that is refused, and stops the other.
    private func race(_ words: [String], _ study: String, _ label: String) throws {
        let before = (try? sessions(study)) ?? 0
        let runs = [try Program.Run(words), try Program.Run(words)]
        try waitUntil("\(label): one is refused and one runs") {
            runs.contains { !$0.process.isRunning } && (try? StudyReader(directory: study).trials().first?.state) == .running
        }
        let alive = runs.filter { $0.process.isRunning }
        #expect(alive.count == 1, "\(label): exactly one runs")
        for run in runs where !run.process.isRunning {
            let result = try run.finish()
            #expect(result.status == 2 && result.output.isEmpty, "\(label): \(result.errors)")
            if let winner = alive.first, result.errors.contains("another controller") {
                #expect(result.errors.contains("process \(winner.process.processIdentifier) on "), "\(label): \(result.errors)")
                #expect(result.errors.contains(" since 20"))
            } else {
                #expect(result.errors.contains("holds a study already"), "\(label): \(result.errors)")
            }
        }
        #expect(try sessions(study) == before + 1, "\(label): one session")
        for run in alive {
            kill(run.process.processIdentifier, SIGTERM)
            kill(run.process.processIdentifier, SIGINT)
            #expect(try run.finish().status == 1)
        }
        #expect(try sessions(study) == before + 1, "\(label): the refused one wrote nothing")
    }

    @Test func ofTwoSearchesIntoOneNewFolderExactlyOneRuns() throws {
        let folder = try Folder()
        let file = try Self.endless(folder)
        for number in 0..<Self.count("HALCYON_RACES", 4) {
            let study = folder.path("race\(number)")
            try race(["search", file, "--out", study], study, "search \(number)")
            let check = try Program.run("study", "check", study)
            #expect(check.status == 0, "\(check.output)")
            try FileManager.default.removeItem(atPath: study)
        }
    }

    @Test func ofTwoResumesExactlyOneRuns() throws {
        let folder = try Folder()
        let study = folder.path("study")
        try race(["search", try Self.endless(folder), "--out", study], study, "search")
        for number in 0..<Self.count("HALCYON_RACES", 4) { try race(["resume", study], study, "resume \(number)") }
        let check = try Program.run("study", "check", study)
        #expect(check.status == 0, "\(check.output)")
    }

    /// What a lock cannot prevent the token does: its file is removed and another controller begins.
    @Test func aControllerWhoseLockWasRemovedStopsWithoutWriting() throws {
        let folder = try Folder()
        let study = folder.path("study")
        let file = try folder.write("e.yaml", StudyCommandTests.experiment(steps: 100_000, trials: 1, more: "workers: 1"))
        let first = try Program.Run(["search", file, "--out", study])
        try waitUntil("the search runs") { (try? StudyReader(directory: study).trials().first?.state == .running) ?? false }
        try FileManager.default.removeItem(atPath: study + "/lock")
        let second = try Program.Run(["resume", study])
        let result = try first.finish()
        #expect(result.status == 1 && result.errors.contains("another controller has taken this study over"), "\(result.errors)")
        #expect(result.errors.contains("process \(second.process.processIdentifier) on "))
        #expect(second.process.isRunning)
        second.process.interrupt()
        #expect(try second.finish().status == 1)
        let check = try Program.run("study", "check", study)
        #expect(check.status == 0, "\(check.output)")
    }

    private func expectResumable(_ study: String, _ label: String) throws {
        #expect(try StudyReader(directory: study).trials().allSatisfy { $0.state != .running }, "\(label)")
        let check = try Program.run("study", "check", study)
        #expect(check.status == 0, "\(label): \(check.output)")
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP]) func aSignalSavesStopsAndSaysHowToGoOn(_ signal: Int32) throws {
        let folder = try Folder()
        let study = folder.path("study")
        let file = try folder.write("e.yaml", StudyCommandTests.experiment(steps: 100_000, trials: 2, more: "workers: 2"))
        let run = try Program.Run(["search", file, "--out", study])
        let pid = run.process.processIdentifier
        try waitUntil("two trials run") { ((try? StudyReader(directory: study).trials()) ?? []).count { $0.state == .running } == 2 }
        try waitUntil("they train") { (try? StudyReader(directory: study).measurements().isEmpty == false) ?? false }
        let workers = Program.workers(of: pid)
        kill(pid, signal)
        let result = try run.finish()
        #expect(result.status == 1 && result.errors.contains("go on with: halcyon resume \(study)"), "\(result.errors)")
        #expect(workers.count == 2 && workers.allSatisfy { kill($0, 0) != 0 }, "the workers are gone")
        try expectResumable(study, "signal \(signal)")
        // They saved what they had on the way out.
        let saved = try StudyReader(directory: study).records().count { if case .checkpointed = $0.fact { true } else { false } }
        #expect(saved >= 2)
    }

    /// A worker that does not listen is not waited for after the second one.
    @Test func twiceIsAtOnceAndStillResumable() throws {
        let folder = try Folder()
        let study = folder.path("study")
        let run = try Program.Run(["search", try Self.endless(folder), "--out", study])
        let pid = run.process.processIdentifier
        try waitUntil("the trial runs") { (try? StudyReader(directory: study).trials().first?.state == .running) ?? false }
        kill(pid, SIGINT)
        usleep(300_000)
        #expect(run.process.isRunning, "once waits for the worker to save")
        let asked = Date()
        kill(pid, SIGINT)
        let result = try run.finish()
        #expect(result.status == 1 && result.errors.contains("halcyon resume"), "\(result.errors)")
        #expect(Date().timeIntervalSince(asked) < 15, "the grace of 20 s is not waited for")
        try expectResumable(study, "twice")
    }

    /// Nothing is there to read from or to write to: neither descriptors, nor readers, nor a terminal.
    @Test func closedDescriptorsAndPipesAreNoTrouble() throws {
        let folder = try Folder()
        let file = try folder.write("e.yaml", StudyCommandTests.experiment(steps: 5, trials: 2, more: "workers: 1"))
        for (name, script) in [
            ("closed", "\"$0\" \"$@\" 0<&- 1>&- 2>&-"), ("head", "\"$0\" \"$@\" | head -1 > /dev/null; true"),
            ("stderr", "(\"$0\" \"$@\" 2>&1 >/dev/null; echo $? > '\(folder.path("status"))') | true; sleep 0.2"),
        ] {
            let study = folder.path(name)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", script, Program.path, "search", file, "--out", study]
            try process.run()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0, "\(name)")
            try waitUntil("\(name): the search has ended") {
                guard let records = try? StudyReader(directory: study).records(), case .ended? = records.last?.fact else { return false }
                return FileManager.default.fileExists(atPath: study + "/front.svg")
            }
            let check = try Program.run("study", "check", study)
            #expect(check.status == 0, "\(name): \(check.output)")
        }
        #expect(try String(contentsOfFile: folder.path("status"), encoding: .utf8) == "0\n")
    }

    /// The terminal's window is closed: SIGHUP comes, and standard input, output and error answer with errors.
    @Test func aClosedTerminalPausesTheSearch() throws {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/setsid") else {
            print("skipped: a closed terminal needs setsid")
            return
        }
        let folder = try Folder()
        let study = folder.path("study")
        let file = try folder.write("e.yaml", StudyCommandTests.experiment(steps: 100_000, trials: 1, more: "workers: 1"))
        // TIOCSPTLCK unlocks the other side, TIOCGPTN tells its number.
        let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var (locked, number) = (Int32(0), Int32(-1))
        try #require(terminal >= 0 && ioctl(terminal, 0x4004_5431, &locked) == 0 && ioctl(terminal, 0x8004_5430, &number) == 0)
        let slave = FileHandle(fileDescriptor: open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC), closeOnDealloc: true)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/setsid")
        process.arguments = ["--ctty", "--wait", Program.path, "search", file, "--out", study]
        process.standardInput = slave
        process.standardOutput = slave
        process.standardError = slave
        try process.run()
        try waitUntil("the search runs") { (try? StudyReader(directory: study).trials().first?.state == .running) ?? false }
        close(terminal)
        process.waitUntilExit()
        try waitUntil("the search has paused") {
            guard let records = try? StudyReader(directory: study).records(), case .paused? = records.last?.fact else { return false }
            return true
        }
        try expectResumable(study, "a closed terminal")
    }
}
