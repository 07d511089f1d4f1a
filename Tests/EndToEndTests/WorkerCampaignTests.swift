import Documents
import Foundation
import RandomStreams
import Testing
import TrialStore
import Trials

/// Workers are killed, stopped and made to babble at random moments of small real trainings: nothing is lost, nothing counted
/// twice, and what is complete has the same weights as if nobody had touched it.
///
/// `HALCYON_INJURIES` says how many (300 with `make test-long`), `HALCYON_CAMPAIGN_SEED` which.
@Suite(.serialized) struct WorkerCampaignTests {
    private static let environment = ProcessInfo.processInfo.environment
    static let injuries = environment["HALCYON_INJURIES"].flatMap { Int($0) } ?? (environment["HALCYON_LONG_TESTS"] == "1" ? 300 : 9)
    static let seed = environment["HALCYON_CAMPAIGN_SEED"].flatMap { UInt64($0) } ?? 1

    static let experiment = StudyCommandTests.experiment(
        steps: 240, trials: 10, more: "keep: all\nworkers: 2\nlimits: {stall-seconds: 4}"
    ).replacingOccurrences(of: "{kind: nsga2, population: 4}", with: "{kind: random}")

    enum Injury: String, CaseIterable {
        case killed, stopped, slowed, garbage, halfALine, anotherTrial, anotherHello

        /// What is put into the worker's own stream of messages.
        var words: String? {
            switch self {
            case .killed, .stopped, .slowed: nil
            case .garbage: "\u{1}\u{2} no message \u{fffd}\n"
            case .halfALine: "{\"message\":\"result\",\"tri"
            case .anotherTrial: "{\"message\":\"result\",\"trial\":999,\"attempt\":1,\"resource\":240,\"points\":[{\"point\":0,\"metrics\":{\"psnr_db\":99,\"macs\":1}}]}\n"
            case .anotherHello: "{\"message\":\"hello\",\"version\":1,\"pid\":1,\"environment\":{}}\n"
            }
        }

        /// Does it to a worker; false when that was not possible.
        func hurt(_ worker: Int32, for seconds: Double) -> Bool {
            switch self {
            case .killed: return kill(worker, SIGKILL) == 0
            case .stopped: return kill(worker, SIGSTOP) == 0
            case .slowed:
                guard kill(worker, SIGSTOP) == 0 else { return false }
                usleep(UInt32(seconds * 1e6))
                kill(worker, SIGCONT)
                return true
            case .garbage, .halfALine, .anotherTrial, .anotherHello:
                guard let pipe = Self.messagePipe(of: worker) else { return false }
                let descriptor = open(pipe, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
                guard descriptor >= 0 else { return false }
                defer { close(descriptor) }
                let bytes = Array((words ?? "").utf8)
                return write(descriptor, bytes, bytes.count) == bytes.count
            }
        }

        /// The descriptor that a worker keeps for its messages: a pipe that is none of its standard streams.
        private static func messagePipe(of worker: Int32) -> String? {
            func target(_ name: String) -> String? { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(worker)/fd/\(name)") }
            let standard = ["0", "1", "2"].map(target)
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(worker)/fd")) ?? []
            return names.first { name in target(name).map { $0.hasPrefix("pipe:") && !standard.contains($0) } ?? false }
                .map { "/proc/\(worker)/fd/\($0)" }
        }
    }

    @Test func nothingIsLostWhateverBecomesOfWorkers() throws {
        let folder = try Folder()
        let file = try folder.write("e.yaml", Self.experiment)
        let environment = ["HALCYON_CHECKPOINT_STEPS": "20"]
        let quiet = folder.path("quiet")
        #expect(try Program.run("search", file, "--out", quiet, environment: environment).status == 0)
        let expected = try StudyReader(directory: quiet).trials()
        #expect(expected.count == 10 && expected.allSatisfy { $0.state == .complete && $0.attempts == 1 })

        var stream = RandomStream(seed: Self.seed)
        var counts: [String: Int] = [:]
        var (done, studies, lost, failed, afterCheckpoint) = (0, 0, 0, 0, 0)
        while done < Self.injuries, studies < Self.injuries + 3 {
            studies += 1
            let study = folder.path("study")
            let run = try Program.Run(["search", file, "--out", study], environment: environment)
            var hurt = 0
            while run.process.isRunning, done + hurt < Self.injuries {
                usleep(UInt32(stream.uniform(0, 1) * 700_000))
                let injury = Injury.allCases[Int(stream.uniform(0, 1) * Double(Injury.allCases.count)) % Injury.allCases.count]
                let draw = stream.uniform(0, 1)
                let workers = Program.workers(of: run.process.processIdentifier).sorted()
                guard !workers.isEmpty, FileManager.default.fileExists(atPath: study + "/trials/1") else { continue }
                let worker = workers[min(workers.count - 1, Int(draw * Double(workers.count)))]
                guard injury.hurt(worker, for: 0.1 + draw) else { continue }
                counts[injury.rawValue, default: 0] += 1
                hurt += 1
            }
            let result = try run.finish()
            #expect(result.status == 0, "study \(studies) of seed \(Self.seed): \(result.errors)")
            done += hurt
            let told = try check(study, expected: expected, quiet: quiet)
            #expect(told.lost <= hurt, "\(hurt) injuries cost \(told.lost) attempts (study \(studies) of seed \(Self.seed))")
            (lost, failed, afterCheckpoint) = (lost + told.lost, failed + told.failed, afterCheckpoint + told.afterCheckpoint)
            try FileManager.default.removeItem(atPath: study)
        }
        #expect(done == Self.injuries)
        print(
            "\(done) injuries in \(studies) studies of 10 trials (seed \(Self.seed)): "
                + counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
                + "; \(lost) attempts lost, \(afterCheckpoint) of them went on from a checkpoint, \(failed) trials FAIL; 0 results lost, 0 twice")
    }

    /// - Returns: attempts lost, those that went on from a checkpoint, trials that failed.
    private func check(_ study: String, expected: [TrialRow], quiet: String) throws -> (lost: Int, afterCheckpoint: Int, failed: Int) {
        let reader = try StudyReader(directory: study)
        let rows = try reader.trials()
        let facts = try reader.records().map(\.fact)
        #expect(rows.map(\.candidateHash) == expected.map(\.candidateHash))
        var told = (lost: 0, afterCheckpoint: 0, failed: 0)
        for (row, quietRow) in zip(rows, expected) {
            let own = facts.filter { $0.trial == row.number }
            let results = own.count { if case .reached = $0 { true } else { false } }
            switch row.state {
            case .complete:
                #expect(results == 1)
                #expect(row.metrics["psnr_db"] == quietRow.metrics["psnr_db"], "trial \(row.number)")
                func weights(_ directory: String) -> Data? { FileManager.default.contents(atPath: "\(directory)/trials/\(row.number)/model.h5") }
                #expect(weights(quiet) != nil && weights(quiet) == weights(study), "the weights of trial \(row.number)")
            case .fail:
                told.failed += 1
                #expect(results == 0)
                #expect(Self.lastTwoSavedNothing(own), "trial \(row.number) failed too early")
            default: Issue.record("trial \(row.number) is \(row.state.rawValue)")
            }
            told.lost += own.count { if case .attemptFailed = $0 { true } else { false } }
            told.afterCheckpoint += own.count { if case .attemptStarted(_, _, _, _, .some) = $0 { true } else { false } }
        }
        let keys = try reader.measurements().map { "\($0.measurement.trial) \($0.measurement.point) \($0.measurement.metric) \($0.measurement.resource)" }
        #expect(Set(keys).count == keys.count, "a measurement stands twice")
        return told
    }

    /// Whether a trial's last two attempts failed and neither saved a checkpoint beyond what it began with.
    private static func lastTwoSavedNothing(_ facts: [StudyFact]) -> Bool {
        var (best, attempts) = (0, [(saved: Bool, failed: Bool)]())
        for fact in facts {
            switch fact {
            case .attemptStarted: attempts.append((false, false))
            case .checkpointed(_, _, let resource, _):
                if resource > best { attempts[attempts.count - 1].saved = true }
                best = max(best, resource)
            case .attemptFailed: attempts[attempts.count - 1].failed = true
            default: break
            }
        }
        return attempts.count >= 2 && attempts.suffix(2).allSatisfy { $0.failed && !$0.saved }
    }
}
