import Documents
import Foundation
import Testing
import TrialStore
import Trials

/// What every worker owes, whatever its language: `halcyon worker` and `Experiments/python-worker`.
@Suite(.serialized) struct WorkerLaws {
    struct Worker: Sendable, CustomTestStringConvertible {
        var name: String
        var command: [String]
        var good: Document
        /// Its training leaves the finite numbers.
        var diverging: Document
        /// No training can begin with it.
        var broken: Document
        /// Enough to be stopped in the middle of.
        var resource: Int
        var experiment: String
        var testDescription: String { name }
    }

    /// Keeps the folder of the experiment for as long as the tests run.
    private static let folder = try! Folder()

    static let halcyon = Worker(
        name: "halcyon worker", command: [Program.path, "worker"], good: chain(), diverging: chain(learningRate: 1e3, blocks: 8),
        broken: ["halcyon": 1, "network": ["skeleton": ["kind": "origami"]]], resource: 240,
        experiment: try! folder.write("experiment.yaml", StudyCommandTests.experiment(steps: 240)))

    static let python = Worker(
        name: "worker.py", command: ["python3", Program.repository + "/Experiments/python-worker/worker.py"],
        good: ["taps": 7, "rate": 0.004], diverging: ["taps": 5, "rate": 0.5], broken: ["taps": "many"], resource: 1200, experiment: "")

    static var workers: [Worker] { [halcyon] + (hasPython ? [python] : []) }

    static let hasPython: Bool = {
        let isThere = (try? Program.tool(["python3", "-c", ""]))?.status == 0
        if !isThere { print("skipped: the worker in Python needs python3") }
        return isThere
    }()

    private static func chain(learningRate: Double = 3e-3, blocks: Int = 2) -> Document {
        [
            "halcyon": 1,
            "network": [
                "skeleton": [
                    "kind": "chain", "width": 8, "head": ["normalization": "none"],
                    "blocks": .array(Array(repeating: ["block": "plain", "normalization": "none"], count: blocks)),
                ]
            ],
            "training": ["learning-rate": .float(learningRate)],
        ]
    }

    private static func request(
        _ worker: Worker, _ candidate: Document, trial: Int = 0, attempt: Int = 1, folder: Folder, from: (String, Int)? = nil
    ) throws -> TrialRequest {
        let path = folder.path("\(trial)")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return TrialRequest(
            trial: trial, attempt: attempt, seed: 11, candidate: candidate, from: from?.0, resource: worker.resource,
            previousResource: from?.1 ?? 0, folder: path, experiment: worker.experiment)
    }

    private static func begin(_ worker: Worker) throws -> Conversation {
        let conversation = try Conversation(worker.command, environment: ["HALCYON_CHECKPOINT_STEPS": "40"])
        guard case .hello(let hello)? = try conversation.next() else {
            Issue.record("\(worker.name): expected hello first")
            return conversation
        }
        #expect(hello.version == wireVersion && hello.pid == Int(conversation.process.processIdentifier))
        return conversation
    }

    private static func quality(_ event: WorkerEvent?) -> Double? {
        if case .result(_, _, _, let points) = event { points.first?.metrics["psnr_db"] } else { nil }
    }

    /// `started`, checkpoints that are there, one ending; a worker that failed lives; what diverges is told with its step.
    @Test(arguments: workers) func anAttemptHasItsOrder(_ worker: Worker) throws {
        let folder = try Folder()
        let conversation = try Self.begin(worker)
        try conversation.ask(.train(Self.request(worker, worker.broken, folder: folder)))
        guard case .failed(0, 1, let reason, false) = try conversation.until(\.endsAttempt).last else {
            return #expect(Bool(false), "a broken candidate: \(conversation.heard.last ?? "")")
        }
        #expect(!reason.isEmpty)

        try conversation.ask(.train(Self.request(worker, worker.diverging, trial: 1, folder: folder)))
        guard case .failed(1, 1, let divergence, true) = try conversation.until(\.endsAttempt).last else {
            return #expect(Bool(false), "a diverging training: \(conversation.heard.last ?? "")")
        }
        #expect(divergence.contains("diverged") && divergence.contains("at step "), "\(divergence)")

        try conversation.ask(.train(Self.request(worker, worker.good, trial: 2, attempt: 3, folder: folder)))
        let events = try conversation.until(\.endsAttempt)
        #expect(events.first { if case .heartbeat = $0 { false } else { true } } == .started(trial: 2, attempt: 3))
        #expect(events.allSatisfy { $0.attempt.map { $0 == (2, 3) } ?? false })
        let checkpoints = events.compactMap { if case .checkpoint(_, _, let resource, let path) = $0 { (resource, path) } else { nil } }
        #expect(checkpoints.count >= 3 && checkpoints.allSatisfy { FileManager.default.fileExists(atPath: $0.1) })
        #expect(checkpoints.map(\.0) == checkpoints.map(\.0).sorted() && checkpoints.last?.0 == worker.resource)
        guard case .result(2, 3, worker.resource, let points) = events.last else {
            return #expect(Bool(false), "a result: \(conversation.heard.last ?? "")")
        }
        #expect(points.map(\.point) == [0] && points[0].metrics["psnr_db"]!.isFinite && points[0].metrics["macs"]! > 0)
        try Self.expectGoldenShape(conversation.heard, exactly: worker.name == Self.halcyon.name)
        try conversation.endInput()
        try conversation.awaitEnd()
    }

    /// Each message has the fields of its golden one, of our own worker no others, in the same order, written in the same bytes.
    private static func expectGoldenShape(_ heard: [String], exactly: Bool) throws {
        let path = Program.repository + "/Experiments/worker-protocol/transcript.jsonl"
        var golden: [String: [String]] = [:]
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") where line.hasPrefix("<") {
            let message = try Document.parse(String(line.dropFirst(2)), file: path)
            golden[try message.required("message").string()] = try message.fields().map(\.key)
        }
        for line in heard {
            let message = try Document.parse(json: line, file: "worker")
            let (word, keys) = (try message.required("message").string(), try message.fields().map(\.key))
            let expected = try #require(golden[word], "\(line)")
            #expect(exactly ? keys == expected : Set(keys).isSuperset(of: expected), "\(line)")
            if exactly { #expect(try WorkerEvent(line: line).line == line) }
        }
        #expect(Set(["hello", "started", "measurement", "checkpoint", "result", "failed"]).isSubset(of: Set(try heard.map { try Document.parse(json: $0, file: "worker").required("message").string() })))
    }

    /// Stopped, or killed after any checkpoint, and gone on with: the same numbers.
    @Test(arguments: workers) func goingOnChangesNothing(_ worker: Worker) throws {
        let folder = try Folder()
        var conversation = try Self.begin(worker)
        try conversation.ask(.train(Self.request(worker, worker.good, folder: folder)))
        let expected = try #require(try Self.quality(conversation.until(\.endsAttempt).last))

        try conversation.ask(.train(Self.request(worker, worker.good, trial: 1, folder: folder)))
        try conversation.until { if case .checkpoint = $0 { true } else { false } }
        try conversation.ask(.stop)
        let stopping = try conversation.until(\.endsAttempt)
        guard case .stopped(1, 1) = stopping.last, case .checkpoint(_, _, let resource, let path)? = stopping.dropLast().last(where: { if case .checkpoint = $0 { true } else { false } }) else {
            return #expect(Bool(false), "stopped with a checkpoint: \(conversation.heard.suffix(3))")
        }
        #expect(resource < worker.resource)
        try conversation.ask(.train(Self.request(worker, worker.good, trial: 1, attempt: 2, folder: folder, from: (path, resource))))
        #expect(try Self.quality(conversation.until(\.endsAttempt).last) == expected)

        // Killed, not asked.
        try conversation.ask(.train(Self.request(worker, worker.good, trial: 2, folder: folder)))
        guard case .checkpoint(_, _, let kept, let place) = try conversation.until({ if case .checkpoint = $0 { true } else { false } }).last else { return }
        kill(conversation.process.processIdentifier, SIGKILL)
        try conversation.awaitEnd()
        conversation = try Self.begin(worker)
        try conversation.ask(.train(Self.request(worker, worker.good, trial: 2, attempt: 2, folder: folder, from: (place, kept))))
        #expect(try Self.quality(conversation.until(\.endsAttempt).last) == expected)
    }

    /// Orphans end by themselves, also in the middle of a training.
    @Test(arguments: workers) func theEndOfItsInputEndsIt(_ worker: Worker) throws {
        let folder = try Folder()
        let conversation = try Self.begin(worker)
        try conversation.ask(.train(Self.request(worker, worker.good, folder: folder)))
        try conversation.until { if case .started = $0 { true } else { false } }
        try conversation.endInput()
        try conversation.awaitEnd()
    }

    /// The search of `Experiments/python-worker`, from another folder, killed once and gone on with.
    @Test(.enabled(if: hasPython)) func aSearchInPython() throws {
        let folder = try Folder()
        let file = Program.repository + "/Experiments/python-worker/experiment.yaml"
        let quiet = folder.path("quiet")
        let run = try Program.run("search", file, "--out", quiet)
        #expect(run.status == 0, "\(run.errors)")
        let reader = try StudyReader(directory: quiet)
        let rows = try reader.trials()
        #expect(rows.count == 16 && rows.allSatisfy { $0.state.isFinal && $0.family == nil }, "\(rows.map(\.state))")
        #expect(rows.filter { $0.state == .complete }.allSatisfy { $0.metrics["psnr_db"] != nil && $0.metrics["parameters"] == $0.metrics["macs"] })
        #expect(try !reader.front().isEmpty)

        let killed = folder.path("killed")
        let first = try Program.Run(["search", file, "--out", killed])
        try waitUntil("some trials have ended") {
            guard first.process.isRunning else { return true }
            return ((try? StudyReader(directory: killed).trials().count { $0.state.isFinal }) ?? 0) >= 3
        }
        kill(first.process.processIdentifier, SIGKILL)
        _ = try first.finish()
        #expect(try Program.run("resume", killed).status == 0)
        let again = try StudyReader(directory: killed).trials()
        #expect(again.map(\.candidateHash) == rows.map(\.candidateHash))
        #expect(again.map(\.state) == rows.map(\.state))
        #expect(again.map { $0.metrics["psnr_db"] } == rows.map { $0.metrics["psnr_db"] })
    }
}
