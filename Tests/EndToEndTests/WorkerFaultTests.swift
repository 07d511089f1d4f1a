import Documents
import Foundation
import Testing
import TrialStore
import Trials

/// What becomes of workers whose controller is gone, and of trainings that cannot end well.
@Suite(.serialized) struct WorkerFaultTests {
    /// All processes that have this word in their environment, zombies not counted.
    private func processes(with word: String) -> [Int32] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { entry in
            guard let pid = Int32(entry), let environment = FileManager.default.contents(atPath: "/proc/\(entry)/environ"),
                environment.range(of: Data(word.utf8)) != nil
            else { return nil }
            return pid
        }
    }

    /// All threads of the process are stopped.
    private func isStopped(_ pid: Int32) -> Bool {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        return threads.allSatisfy { thread in
            let stat = (try? String(contentsOfFile: "/proc/\(pid)/task/\(thread)/stat", encoding: .utf8)) ?? ""
            return stat.split(separator: ")").last?.hasPrefix(" T") ?? true
        }
    }

    /// The controller dies by SIGKILL in each phase of a trial, the workers bare, behind wrappers, or stopped: none is left.
    @Test func orphansEndByThemselves() throws {
        let cases: [(phase: WorkerEvent.Phase, launcher: String, stops: Bool)] = [
            (.training, "[]", false), (.validating, "[]", false), (.measuring, "[]", false),
            (.training, "[sh, -c, '\"$0\" \"$@\"; true']", false), (.training, "[sh, -c, 'cat | \"$0\" \"$@\" | cat']", false),
            (.training, "[setsid, --wait]", false), (.training, "[]", true),
        ]
        for (index, it) in cases.enumerated() {
            let folder = try Folder()
            // Long in the phase that is wanted.
            let text = StudyCommandTests.experiment(steps: it.phase == .training ? 100_000 : 1, trials: 2, more: "workers: 1\nlauncher: \(it.launcher)")
                .replacingOccurrences(of: "images: 3, size: 48", with: it.phase == .validating ? "images: 600, size: 48" : "images: 1, size: 48")
                .replacingOccurrences(of: "size: 32x32", with: it.phase == .measuring ? "size: 768x768" : "size: 32x32")
            let file = try folder.write("e.yaml", text)
            let word = "HALCYON_ORPHAN_TEST=\(UUID())"
            let run = try Program.Run(
                ["search", file, "--out", folder.path("study")],
                environment: ["HALCYON_ORPHAN_TEST": String(word.split(separator: "=")[1])])
            try waitUntil("a worker is \(it.phase) (case \(index))") {
                guard run.process.isRunning else { return true }
                let log = (try? StudyReader(directory: folder.path("study")).records().map(\.fact)) ?? []
                return log.contains { fact in
                    switch fact {
                    case .attemptStarted: it.phase == .training
                    case .checkpointed: it.phase != .training
                    default: false
                    }
                }
            }
            usleep(it.phase == .measuring ? 300_000 : 150_000)
            let controller = run.process.processIdentifier
            let workers = processes(with: word).filter { $0 != controller }
            #expect(!workers.isEmpty, "case \(index)")
            if it.stops {
                for worker in workers { kill(worker, SIGSTOP) }
                // The system wakes a stopped orphan only if all its threads had stopped before its parent ended.
                try waitUntil("workers are stopped (case \(index))") { workers.allSatisfy(isStopped) }
            }
            kill(controller, SIGKILL)
            _ = try run.finish()
            let began = ContinuousClock.now
            // What is left would hold up each measurement of later tests on this machine.
            defer { for orphan in processes(with: word) { kill(orphan, SIGKILL) } }
            try waitUntil("orphans end (case \(index))") { processes(with: word).isEmpty }
            print("orphans of case \(index) (\(it.phase), \(it.launcher)\(it.stops ? ", stopped" : "")): gone after \(ContinuousClock.now - began)")
        }
    }

    /// A training that really diverges ends early as FAIL, with its step, in one attempt.
    @Test func aDivergedTrainingIsNotTriedAgain() throws {
        let folder = try Folder()
        let space = """
            halcyon: 1
            template:
              halcyon: 1
              network: {skeleton: {kind: chain, width: {choice: [4, 8]}, head: {normalization: none}, blocks: {repeat: {block: plain, normalization: none}, count: 8}}}
              training: {learning-rate: {choice: [0.003, 1000.0]}}
            """
        let text = StudyCommandTests.experiment(steps: 400, trials: 4, more: "limits: {retries: 3}\nworkers: 2")
            .replacingOccurrences(of: "\(Program.repository)/SearchSpaces/mixed.yaml", with: try folder.write("space.yaml", space))
            .replacingOccurrences(of: "{kind: nsga2, population: 4}", with: "{kind: random}")
        let study = folder.path("study")
        let run = try Program.run("search", folder.write("e.yaml", text), "--out", study)
        #expect(run.status == 0, "\(run.errors)")
        let rows = try StudyReader(directory: study).trials()
        #expect(rows.count == 4)
        for row in rows {
            let rate = try row.candidate.required("training").required("learning-rate").double()
            #expect(row.attempts == 1)
            guard rate > 1 else {
                #expect(row.state == .complete, "\(row.failure ?? "")")
                continue
            }
            #expect(row.state == .fail)
            let words = (row.failure ?? "").split(separator: " ")
            #expect(row.failure?.hasPrefix("the training diverged: ") == true, "\(row.failure ?? "none")")
            let step = try #require(words.last.flatMap { Int($0) }, "\(row.failure ?? "none")")
            #expect(step > 0 && step < 400, "it ended early")
        }
        #expect(rows.contains { $0.state == .fail } && rows.contains { $0.state == .complete })
    }
}
