import Documents
import Foundation
import TrialStore
import Trials
import Testing

/// Whole searches through the command line: real workers, real training on images that the program makes itself.
@Suite(.serialized) struct StudyCommandTests {
    static func experiment(steps: Int = 60, trials: Int = 6, more: String = "lag: 2\nkeep: all") -> String {
        """
        halcyon: 1
        name: small
        space: \(Program.repository)/SearchSpaces/mixed.yaml
        data:
          train: {kind: dead-leaves, images: 16, size: 64, crop: 24}
          validation: {kind: dead-leaves, images: 3, size: 48, sigmas: [25]}
        noise: {kind: gaussian, sigma: 25}
        recipe: {loss: l1, learning-rate: 3e-3, batch: 2, steps: \(steps)}
        latency: {size: 32x32}
        objectives: [{metric: psnr_db, direction: maximize, reference: 15}, {metric: macs, direction: minimize, reference: 1e9}]
        constraints: [{metric: parameters, at-most: 40000}]
        strategy: {kind: nsga2, population: 4}
        budget: {trials: \(trials)}
        seed: 3
        \(more)
        """
    }

    /// What must not depend on workers, kills or interruptions.
    struct Outcome: Equatable {
        var candidates: [String]
        var states: [TrialState]
        var quality: [Double?]
        var weights: [Data]

        init(_ directory: String) throws {
            let rows = try StudyReader(directory: directory).trials()
            candidates = rows.map(\.candidateHash)
            states = rows.map(\.state)
            quality = rows.map { $0.metrics["psnr_db"] }
            weights = rows.compactMap { FileManager.default.contents(atPath: "\(directory)/trials/\($0.number)/model.h5") }
        }
    }

    static func expectSound(_ directory: String) throws {
        let reader = try StudyReader(directory: directory)
        for row in try reader.trials() {
            #expect(row.state.isFinal, "trial \(row.number) is \(row.state.rawValue)")
            #expect(!FileManager.default.fileExists(atPath: "\(directory)/trials/\(row.number)/checkpoint.h5"))
        }
        let keys = try reader.measurements().map { row in
            "\(row.measurement.trial) \(row.measurement.point) \(row.measurement.metric) \(row.measurement.resource)"
        }
        #expect(Set(keys).count == keys.count, "a measurement stands twice")
        #expect(try !reader.front().isEmpty)
        #expect(try !reader.hypervolumes().isEmpty)
        #expect(FileManager.default.fileExists(atPath: directory + "/front.svg"))
    }

    @Test func workersKillsAndInterruptionsChangeNothing() throws {
        let folder = try Folder()
        let file = try folder.write("e.yaml", Self.experiment())
        let quiet = folder.path("quiet")
        let curves = folder.path("curves")
        let done = try Program.run("search", file, "--out", quiet, "--workers", "1", "--tensorboard", curves)
        #expect(done.status == 0, "\(done.errors)")
        try Self.expectSound(quiet)
        let expected = try Outcome(quiet)
        #expect(expected.states.allSatisfy { $0 == .complete })
        #expect(expected.weights.count == expected.states.count)
        #expect(expected.quality.compactMap { $0 }.max()! > 21, "the networks learn: noisy images are at 20.2 dB")

        // The curves that were written meanwhile are those of the study.
        #expect(try Program.run("study", "tensorboard", quiet).status == 0)
        let runs = try FileManager.default.subpathsOfDirectory(atPath: curves).filter { $0.hasSuffix(".halcyon") }
        #expect(runs.count == expected.states.count)
        for run in runs { #expect(FileManager.default.contentsEqual(atPath: "\(curves)/\(run)", andPath: "\(quiet)/tensorboard/\(run)"), "\(run)") }

        let killed = folder.path("killed")
        let run = try Program.Run(["search", file, "--out", killed, "--workers", "2"])
        var victims: Set<Int32> = []
        try waitUntil("two workers are there to be killed") {
            guard victims.count < 2, run.process.isRunning else { return true }
            guard FileManager.default.fileExists(atPath: killed + "/study.sqlite"),
                let reader = try? StudyReader(directory: killed), let rows = try? reader.trials(),
                rows.contains(where: { $0.state == .running })
            else { return false }
            if let worker = Program.workers(of: run.process.processIdentifier).first(where: { !victims.contains($0) }) {
                kill(worker, SIGKILL)
                victims.insert(worker)
            }
            return victims.count == 2
        }
        #expect(try run.finish().status == 0)
        try Self.expectSound(killed)
        #expect(try Outcome(killed) == expected)
        let failures = try StudyReader(directory: killed).records().compactMap { record in
            if case .attemptFailed = record.fact { record.fact.payload["signal"] } else { nil }
        }
        #expect(failures.allSatisfy { $0 == 9 } && failures.count <= victims.count)

        let interrupted = folder.path("interrupted")
        let first = try Program.Run(["search", file, "--out", interrupted, "--workers", "2"])
        try waitUntil("a trial is complete") {
            guard first.process.isRunning else { return true }
            return (try? StudyReader(directory: interrupted).trials().contains { $0.state == .complete }) ?? false
        }
        first.process.interrupt()
        let stopped = try first.finish()
        #expect(stopped.status == 1)
        #expect(stopped.errors.contains("halcyon resume"))
        let before = try StudyReader(directory: interrupted).trials()
        #expect(before.allSatisfy { $0.state == .complete || $0.state == .waiting })
        #expect(try Program.run("resume", interrupted).status == 0)
        try Self.expectSound(interrupted)
        #expect(try Outcome(interrupted) == expected)
        let after = try StudyReader(directory: interrupted).trials()
        for row in before where row.state == .complete {
            #expect(after[row.number].finishedAt == row.finishedAt, "trial \(row.number) ran again")
        }
    }

    @Test func halvingWithALagIsTheSameForAnyNumberOfWorkers() throws {
        let folder = try Folder()
        let more = "lag: 3\nfidelity: {kind: asha, resource: steps, rungs: [15, 60], reduction: 2}"
        let file = try folder.write("e.yaml", Self.experiment(trials: 8, more: more))
        var outcomes: [Outcome] = []
        for workers in ["1", "2"] {
            let directory = folder.path("w" + workers)
            #expect(try Program.run("search", file, "--out", directory, "--workers", workers).status == 0)
            try Self.expectSound(directory)
            outcomes.append(try Outcome(directory))
        }
        #expect(outcomes[0].candidates == outcomes[1].candidates)
        #expect(outcomes[0].states == outcomes[1].states)
        #expect(outcomes[0].quality == outcomes[1].quality)
        #expect(outcomes[0].states.contains(.complete) && outcomes[0].states.contains(.pruned))
    }

    @Test func aLargerBudgetGoesOnAndAModelIsUsable() throws {
        let folder = try Folder()
        let study = folder.path("study")
        let file = try folder.write("e.yaml", Self.experiment(trials: 2, more: "keep: front"))
        #expect(try Program.run("search", file, "--out", study).status == 0)
        #expect(try Program.run("search", file, "--out", study).status == 2, "a folder with a study is refused")
        #expect(try Program.run("resume", study, "--trials", "4").status == 0)
        #expect(try StudyReader(directory: study).trials().count == 4)

        let front = try Program.run("pareto", study, "--format", "json").lines.map { try Document.parse($0, file: "front") }
        let best = try #require(try front.max { try $0.required("psnr_db").double() < $1.required("psnr_db").double() })
        let number = try best.required("number").int()
        let model = "\(study)#\(number)"
        try FileManager.default.createDirectory(atPath: folder.path("images"), withIntermediateDirectories: true)
        let picture = try Pictures.save(folder.path("images/leaves.png"))
        let evaluated = try Program.run("evaluate", model, "--data", folder.path("images"), "--sigma", "25", "--json")
        let result = try Document.parse(evaluated.output, file: "evaluate")
        #expect(try result.required("psnr_db").double() > result.required("noisy_psnr_db").double() + 1)
        let denoised = try Program.run("denoise", model, picture, folder.path("out.png"), "--reference", picture, "--json")
        #expect(denoised.status == 0, "\(denoised.errors)")
        #expect(FileManager.default.fileExists(atPath: folder.path("out.png")))

        // One flipped byte in the network is refused, and the error names the file.
        let path = "\(study)/trials/\(number)/model.h5"
        var bytes = try #require(FileManager.default.contents(atPath: path))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        let refused = try Program.run("evaluate", model, "--data", folder.path("images"), "--sigma", "25")
        #expect(refused.status == 2)
        #expect(refused.errors.contains("model.h5"))
    }

    @Test func aBrokenPipeAndTooManyWorkersAreNoTrouble() throws {
        let folder = try Folder()
        let study = folder.path("study")
        let file = try folder.write("e.yaml", Self.experiment(steps: 5, trials: 2, more: "lag: 1\nlimits: {retries: 0}"))
        // Nobody reads what it says: the study is done all the same.
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "(\"$0\" \"$@\" 2>&1; echo $? > '\(study)-status') | true", Program.path, "search", file, "--out", study]
        try process.run()
        process.waitUntilExit()
        try waitUntil("the search ends") { FileManager.default.fileExists(atPath: study + "-status") }
        try waitUntil("its status is written") { try String(contentsOfFile: study + "-status", encoding: .utf8) == "0\n" }
        try Self.expectSound(study)
        let more = try Program.run("resume", study, "--trials", "3", "--workers", "4")
        #expect(more.status == 0 && more.errors.contains("lag of 1 keeps at most 1 busy") && more.errors.contains(", 1 worker,"))
    }

    @Test func impossibleNumbersAreRefusedAndLeaveTheStudyAlone() throws {
        let folder = try Folder()
        let file = try folder.write("e.yaml", Self.experiment(steps: 5, trials: 1))
        for words in [
            ["search", file, "--out", folder.path("s"), "--seconds", "1e19"], ["search", file, "--out", folder.path("s"), "--seed=-1"],
            ["search", file, "--out", folder.path("s"), "--trials", "9223372036854775807"],
            ["train", "SearchSpaces/references/dncnn8x32.yaml", "--experiment", file, "--out", folder.path("t"), "--seed=-1"],
        ] {
            let run = try Program.Run(words).finish()
            #expect(run.status == 2, "\(words): \(run.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path("s")))
    }

    @Test func aStudyWhoseTrialsFailEndsWithOne() throws {
        let folder = try Folder()
        let study = folder.path("study")
        let more = "limits: {retries: 0}\ncommand: [/bin/false]"
        let file = try folder.write("e.yaml", Self.experiment(steps: 5, trials: 100, more: more))
        let run = try Program.run("search", file, "--out", study, "--workers", "1")
        #expect(run.status == 1 && run.errors.contains("8 trials in a row failed"), "\(run.errors)")
        #expect(run.errors.contains("halcyon resume"))
    }

    @Test func aStudyWithNothingToTryIsTheInputsFault() throws {
        let folder = try Folder()
        let text = Self.experiment(steps: 5, trials: 3).replacingOccurrences(of: "at-most: 40000", with: "at-most: 1")
        let run = try Program.run("search", folder.write("e.yaml", text), "--out", folder.path("study"), "--workers", "1")
        #expect(run.status == 2 && run.output.isEmpty, "\(run.errors)")
        for part in ["e.yaml:", "no network of the space can be tried", "infeasible: parameters is", "loosen the constraints"] {
            #expect(run.errors.contains(part), "\(part) in \(run.errors)")
        }
    }

    /// Too few to be called hopeless: the study still ends with 1 and says why.
    @Test func aStudyWhoseFewTrialsAllFailEndsWithOne() throws {
        let folder = try Folder()
        let more = "limits: {retries: 0}\ncommand: [/bin/false]"
        let file = try folder.write("e.yaml", Self.experiment(steps: 5, trials: 2, more: more))
        let run = try Program.run("search", file, "--out", folder.path("study"), "--workers", "1")
        #expect(run.status == 1 && run.errors.contains("every trial failed; the last one: "), "\(run.errors)")
    }

    @Test func aStudyHasOneController() throws {
        let folder = try Folder()
        let study = folder.path("study")
        let file = try folder.write("e.yaml", Self.experiment(steps: 100_000, trials: 1))
        let run = try Program.Run(["search", file, "--out", study, "--workers", "1"])
        try waitUntil("the search runs") { (try? StudyReader(directory: study).trials().first?.state == .running) ?? false }
        let second = try Program.run("resume", study)
        #expect(second.status == 2)
        #expect(second.errors.contains("process \(run.process.processIdentifier)"))
        let workers = Program.workers(of: run.process.processIdentifier)
        #expect(workers.count == 1)
        kill(run.process.processIdentifier, SIGKILL)
        _ = try run.finish()
        try waitUntil("the orphan ends by itself") { workers.allSatisfy { kill($0, 0) != 0 } }
        let state = try StudyReader(directory: study).trials()
        #expect(state.count == 1 && !state[0].state.isFinal, "nothing that was recorded is lost")
    }
}
