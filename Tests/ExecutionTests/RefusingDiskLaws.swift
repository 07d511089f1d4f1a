import Documents
import Execution
import Foundation
import Search
import Testing
import TrialStore
import Trials

/// A disk that refuses: the study pauses, nothing is acted on that is not in the log, and it goes on as if nothing had been.
@Suite struct RefusingDiskLaws {
    /// A log whose disk refuses some commits.
    private final class RefusingLog: TrialLog {
        let inner = MemoryLog()
        private let refused: Range<Int>
        private(set) var attempts = 0

        init(_ commits: [StudyCommit] = [], refused: Range<Int>) {
            for commit in commits { inner.append(commit) }
            self.refused = refused
        }

        func append(_ commit: StudyCommit) throws {
            defer { attempts += 1 }
            if refused.contains(attempts) { throw StorageFailure(file: "/study/study.sqlite", "database or disk is full") }
            inner.append(commit)
        }

        func records() -> [StudyRecord] { inner.records() }
    }

    /// Refuses to start what is not in the log.
    private final class WatchingExecutor: Executor {
        let inner: SimulatedExecutor
        let log: any TrialLog
        var unlogged = 0
        init(_ inner: SimulatedExecutor, _ log: any TrialLog) { (self.inner, self.log) = (inner, log) }

        var slots: Int { inner.slots }
        func start(_ request: TrialRequest, slot: Int) {
            let isLogged = (try? log.records())?.contains { record in
                if case .attemptStarted(request.trial, request.attempt, slot, request.resource, _) = record.fact { true } else { false }
            }
            if isLogged != true { unlogged += 1 }
            inner.start(request, slot: slot)
        }
        func stop(slot: Int) { inner.stop(slot: slot) }
        func kill(slot: Int) { inner.kill(slot: slot) }
        func next(before deadline: Double) -> ExecutorEvent? { inner.next(before: deadline) }
        func shutdown() { inner.shutdown() }
    }

    private func run(
        _ settings: StudySettings, _ log: any TrialLog, evaluator: any TrialEvaluator = Synthetic.Evaluator()
    ) throws -> (outcome: StudyOutcome, study: Study, unlogged: Int) {
        let simulated = SimulatedExecutor(
            slots: 2, evaluator: evaluator, clock: VirtualClock(try log.records().last?.at ?? 0),
            duration: { 0.1 + Double($0.trial % 3) + Double($0.resource - $0.previousResource) * 0.01 })
        let executor = WatchingExecutor(simulated, log)
        let controller = Controller(
            try StudyRestoration(Synthetic.study(settings), log: log), log: log, executor: executor, clock: simulated.clock)
        return (try controller.run(), controller.study, executor.unlogged)
    }

    @Test(arguments: ["{kind: full}", Synthetic.asha]) func aFullDiskAtAnyCommitPausesAndLosesNothing(_ fidelity: String) throws {
        let settings = try Synthetic.settings(strategy: "{kind: nsga2, population: 4}", fidelity: fidelity, trials: 10, lag: 3)
        let whole = RefusingLog(refused: 0..<0)
        #expect(try run(settings, whole).outcome.storageFailure == nil)
        let expected = whole.records().map(\.fact)
        for first in 0..<whole.attempts {
            // Full for one commit alone, for three, and until somebody makes space.
            for count in [1, 3, 1 << 40] {
                let full = RefusingLog(refused: first..<(first + count))
                let paused = try run(settings, full)
                #expect(paused.outcome.paused || full.inner.commits.count == whole.attempts)
                #expect(paused.outcome.storageFailure?.contains("disk is full") == true, "commit \(first)")
                #expect(paused.unlogged == 0, "something was started before it was in the log")
                let committed = full.records()
                if count > 3 { #expect(committed == Array(whole.records().prefix(committed.count))) }

                let rest = RefusingLog(full.inner.commits, refused: 0..<0)
                let resumed = try run(settings, rest)
                #expect(!resumed.outcome.paused && resumed.outcome.storageFailure == nil && resumed.unlogged == 0)
                let facts = rest.records().map(\.fact)
                #expect(Array(rest.records().prefix(committed.count)) == committed, "what was committed stays")
                #expect(facts.decisions == expected.decisions && facts.results == expected.results, "full from commit \(first) on")
                #expect(Set(facts.measurementKeys).count == facts.measurementKeys.count)
                #expect(resumed.study.trials.allSatisfy { $0.state == .complete || $0.state == .pruned })
            }
        }
    }

    /// Workers meet the full disk first: their trials are not at fault.
    private struct FullDisk: TrialEvaluator {
        let trials: Set<Int>
        func evaluate(_ request: TrialRequest, report: (WorkerEvent) throws -> Void, shouldStop: () -> Bool) throws {
            if trials.contains(request.trial) { throw StorageFailure(file: "/study/trials/\(request.trial)/checkpoint.h5", "no space") }
            try Synthetic.Evaluator().evaluate(request, report: report, shouldStop: shouldStop)
        }
    }

    @Test func aWorkersFullDiskCostsNoAttempt() throws {
        let settings = try Synthetic.settings(trials: 12, more: "limits: {retries: 0}")
        let log = MemoryLog()
        for _ in 0..<3 {
            let paused = try run(settings, log, evaluator: FullDisk(trials: [4, 5, 6]))
            #expect(paused.outcome.paused && paused.outcome.storageFailure?.contains("checkpoint.h5: no space") == true)
            #expect(!paused.outcome.hopeless && paused.study.trials.allSatisfy { $0.state != .fail && $0.state != .running })
        }
        let resumed = try run(settings, log)
        #expect(!resumed.outcome.paused && resumed.study.trials.count == 12)
        #expect(resumed.study.trials.allSatisfy { $0.state == .complete })
        #expect(!log.records().contains { if case .attemptFailed = $0.fact { true } else { false } })
    }

    /// Whoever lost the study to another controller says so and stops; what it still had to say is not written.
    @Test func aControllerThatWasTakenOverStops() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("halcyon-taken-\(UUID())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let settings = try Synthetic.settings(trials: 12)
        final class TakenLater: TrialLog {
            let inner: StudyStore
            let take: () throws -> Void
            var commits = 0
            init(_ inner: StudyStore, _ take: @escaping () throws -> Void) { (self.inner, self.take) = (inner, take) }
            func append(_ commit: StudyCommit) throws {
                commits += 1
                if commits == 6 { try take() }
                try inner.append(commit)
            }
            func records() throws -> [StudyRecord] { try inner.records() }
        }
        var second: StudyStore?
        let log = TakenLater(try StudyStore(directory: directory)) { second = try StudyStore(directory: directory) }
        #expect(throws: StudyTakenOver.self) { try run(settings, log) }
        let store = try #require(second)
        #expect(log.commits == 6)
        let before = try store.records()
        let resumed = try run(settings, store)
        #expect(!resumed.outcome.paused && resumed.study.trials.allSatisfy { $0.state == .complete })
        #expect(Array(try store.records().prefix(before.count)) == before)
    }

    /// A controller that was killed between a commit and its sweep left files behind: the next one removes them, and no others.
    @Test func filesOfTheLastCommitAreSweptByTheNextController() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("halcyon-sweep-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let settings = try Synthetic.settings(fidelity: Synthetic.asha, trials: 20, lag: 2, more: "keep: front")
        let whole = MemoryLog()
        try Synthetic.run(settings, workers: 2, log: whole)
        for cut in 1...whole.commits.count {
            let commits = Array(whole.commits.prefix(cut))
            let restored = try StudyRestoration(Synthetic.study(settings), log: MemoryLog(commits))
            let before = try StudyRestoration(Synthetic.study(settings), log: MemoryLog(Array(commits.dropLast())))
            let fronts = [before.front.entries, restored.front.entries].map { Set($0.map(\.trial)) }
            // What stands there when the sweep of the last commit never began.
            for trial in restored.study.trials {
                let folder = "\(directory)/trials/\(trial.number)"
                try? FileManager.default.removeItem(atPath: folder)
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                let wasOpen = before.study.trials.indices.contains(trial.number) && !before.study.trials[trial.number].state.isFinal
                let names = (wasOpen ? ["checkpoint.h5", "model.h5"] : []) + (fronts[0].contains(trial.number) ? ["model.h5"] : [])
                for name in names { _ = FileManager.default.createFile(atPath: folder + "/" + name, contents: nil) }
            }
            var paused = settings
            paused.budget.seconds = 0
            let executor = SimulatedExecutor(
                slots: 1, evaluator: Synthetic.Evaluator(), clock: VirtualClock(commits.last?.records.last?.at ?? 0), duration: { _ in 1 })
            let again = try StudyRestoration(Synthetic.study(paused), log: MemoryLog(commits))
            _ = try Controller(
                again, log: MemoryLog(commits), executor: executor, clock: executor.clock, folder: StudyFolder(path: directory)
            ).run()
            for trial in restored.study.trials where trial.state.isFinal {
                let folder = "\(directory)/trials/\(trial.number)"
                #expect(!FileManager.default.fileExists(atPath: folder + "/checkpoint.h5"), "cut \(cut), trial \(trial.number)")
                let isKept = fronts[1].contains(trial.number)
                #expect(FileManager.default.fileExists(atPath: folder + "/model.h5") == isKept, "cut \(cut), trial \(trial.number)")
            }
        }
    }
}
