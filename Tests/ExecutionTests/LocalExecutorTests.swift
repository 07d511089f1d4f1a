import Documents
import Execution
import Foundation
import Testing
import Trials

/// Real processes: small shell scripts that behave well or badly.
@Suite(.serialized) struct LocalExecutorTests {
    static let started = #"echo '{"message":"started","trial":0,"attempt":1}'; "#
    static let hello = "echo '{\"message\":\"hello\",\"version\":1,\"pid\":'$$',\"environment\":{\"host\":\"fake\"}}'\n"

    /// Runs one request with a scripted worker until the attempt ends.
    private func attempt(
        _ script: String, _ change: (inout StudySettings.Limits) -> Void = { _ in }, command: [String]? = nil,
        stop: Bool = false
    ) -> [ExecutorEvent] {
        var limits = StudySettings.Limits()
        limits.stallSeconds = 20
        change(&limits)
        let executor = LocalExecutor(
            slots: 1, command: command ?? ["/bin/sh", "-c", Self.hello + "read line\n" + script], limits: limits)
        defer { executor.shutdown() }
        executor.start(TrialRequest(trial: 0, seed: 1, candidate: ["width": 3], resource: 10), slot: 0)
        if stop { executor.stop(slot: 0) }
        var events: [ExecutorEvent] = []
        while let event = executor.next(before: Date().timeIntervalSince1970 + 30) {
            events.append(event)
            if case .message(_, let message) = event, !message.endsAttempt { continue }
            break
        }
        return events
    }

    private func failure(_ events: [ExecutorEvent]) -> AttemptFailure? {
        if case .ended(_, let failure) = events.last { failure } else { nil }
    }

    @Test func aResultArrives() {
        let events = attempt(
            Self.started + #"echo '{"message":"result","trial":0,"attempt":1,"resource":10,"points":[{"point":0,"metrics":{"psnr_db":27}}]}'; read line"#)
        #expect(events.count == 3)
        #expect(
            events.last
                == .message(
                    slot: 0, .result(trial: 0, attempt: 1, resource: 10, points: [Point(metrics: ["psnr_db": 27])])))
    }

    @Test func deathBySignalIsNamed() {
        #expect(failure(attempt("kill -9 $$"))?.signal == 9)
        #expect(failure(attempt("kill -11 $$"))?.signal == 11)
    }

    @Test func anExitIsNamedWithTheLastWords() {
        let failure = failure(attempt("echo 'no such data' >&2; exit 3"))
        #expect(failure?.exitCode == 3 && failure?.reason.contains("no such data") == true)
    }

    @Test func aStalledWorkerIsKilledWithItsChildren() {
        let failure = failure(attempt("sleep 1000") { $0.stallSeconds = 0.3 })
        #expect(failure?.signal == 9 && failure?.reason.contains("stall-seconds") == true)
    }

    @Test func anEndlessAttemptIsKilledAndWaitingDoesNotCount() {
        func beating(_ phase: String) -> String {
            "while :; do echo '{\"message\":\"heartbeat\",\"trial\":0,\"attempt\":1,\"step\":1,\"total_steps\":9,\"phase\":\"\(phase)\"}'; sleep 0.05; done"
        }
        #expect(failure(attempt(beating("training")) { $0.trialSeconds = 0.5 })?.reason.contains("trial-seconds") == true)
        let waiting =
            beating("waiting").replacingOccurrences(of: "while :", with: "i=0; while [ $((i=i+1)) -lt 20 ]")
            + #"; echo '{"message":"failed","trial":0,"attempt":1,"reason":"done"}'; read line"#
        #expect(failure(attempt(waiting) { $0.trialSeconds = 0.6 }) == nil)
    }

    @Test func tooMuchMemoryIsKilled() {
        #expect(failure(attempt("sleep 1000") { $0.memory = 1000 })?.reason.contains("(memory)") == true)
    }

    @Test func garbageCostsTheAttempt() {
        for garbage in ["echo hello world", "echo '{\"message\":\"dance\"}'", "echo '[1'", "echo '{\"message\":\"result\",\"trial\":0}'"] {
            #expect(failure(attempt(garbage + "; sleep 1000"))?.reason.contains("no message") == true)
        }
        let oversized = failure(attempt("head -c 17000000 /dev/zero | tr '\\0' x; sleep 1000"))
        #expect(oversized?.reason.contains("longer than") == true)
    }

    @Test func aWorkerThatCannotStartIsAFailedAttempt() {
        #expect(failure(attempt("", command: ["/no/such/worker"]))?.reason.contains("cannot be started") == true)
        let foreign = ["/bin/sh", "-c", #"echo '{"message":"hello","version":2,"pid":1,"environment":{}}'; sleep 1000"#]
        #expect(failure(attempt("", command: foreign))?.reason.contains("version 1") == true)
    }

    @Test func aStopIsOnTheWire() {
        let script = Self.started + #"read stop; test "$stop" = '{"stop":true}' && echo '{"message":"stopped","trial":0,"attempt":1}'; read line"#
        #expect(attempt(script, stop: true).last == .message(slot: 0, .stopped(trial: 0, attempt: 1)))
    }

    @Test func aStudyOverRealProcessesSurvivesADeath() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("halcyon-local-\(UUID())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let script =
            Self.hello + """
            while read line; do
              trial=$(echo "$line" | sed 's/.*"trial":\\([0-9]*\\),.*/\\1/')
              attempt=$(echo "$line" | sed 's/.*"attempt":\\([0-9]*\\),.*/\\1/')
              if [ $trial = 1 ] && [ $attempt = 1 ]; then kill -9 $$; fi
              echo '{"message":"started","trial":'$trial',"attempt":'$attempt'}'
              echo '{"message":"started","trial":'$trial',"attempt":'$attempt'}'
            echo '{"message":"result","trial":'$trial',"attempt":'$attempt',"resource":400,"points":[{"point":0,"metrics":{"psnr_db":2'$trial'}}]}'
            done
            """
        let settings = try Synthetic.settings(trials: 6)
        let log = MemoryLog()
        let controller = Controller(
            study: try Synthetic.study(settings, folder: directory), log: log,
            executor: LocalExecutor(slots: 2, command: ["/bin/sh", "-c", script], limits: settings.limits),
            folder: StudyFolder(path: directory))
        #expect(try controller.run().paused == false)
        #expect(controller.study.trials.map(\.state) == Array(repeating: .complete, count: 6))
        let signals = log.records().compactMap { if case .attemptFailed(_, _, let it) = $0.fact { it.signal } else { nil } }
        #expect(signals == [9])
        #expect(FileManager.default.fileExists(atPath: directory + "/trials/5/architecture.json"))
    }

    /// Each worker serves one request and goes away without a word: the next request finds it dead, or dying.
    @Test func aWorkerThatLeavesBetweenAttemptsCostsNothing() throws {
        let script =
            Self.hello + """
            read line
            trial=$(echo "$line" | sed 's/.*"trial":\\([0-9]*\\),.*/\\1/')
            attempt=$(echo "$line" | sed 's/.*"attempt":\\([0-9]*\\),.*/\\1/')
            echo '{"message":"started","trial":'$trial',"attempt":'$attempt'}'
            echo '{"message":"result","trial":'$trial',"attempt":'$attempt',"resource":400,"points":[{"point":0,"metrics":{"psnr_db":25}}]}'
            """
        for ending in ["", "\nread line; exit 3", "\nsleep 0.05"] {
            let settings = try Synthetic.settings(trials: 8, more: "limits: {retries: 0}")
            let directory = NSTemporaryDirectory() + "halcyon-execution-" + UUID().uuidString
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let controller = Controller(
                study: try Synthetic.study(settings, folder: directory), log: MemoryLog(),
                executor: LocalExecutor(slots: 2, command: ["/bin/sh", "-c", script + ending], limits: settings.limits),
                folder: StudyFolder(path: directory))
            #expect(try controller.run().paused == false)
            #expect(controller.study.trials.allSatisfy { $0.state == .complete && $0.attempts == 1 })
        }
    }

    @Test func theWorkersLoopSpeaksTheProtocol() throws {
        let (requests, messages) = (Foundation.Pipe(), Foundation.Pipe())
        let loop = WorkerLoop(
            evaluator: Patient(), environment: ["host": "test"], output: messages.fileHandleForWriting.fileDescriptor)
        let served = DispatchSemaphore(value: 0)
        let input = requests.fileHandleForReading.fileDescriptor
        Thread.detachNewThread {
            try? loop.serve(input: input)
            served.signal()
        }
        var text = ""
        func messagesUntil(_ word: String) throws -> [WorkerEvent] {
            while !(text.contains("\"\(word)\"") && text.hasSuffix("\n")) {
                text += String(decoding: messages.fileHandleForReading.availableData, as: UTF8.self)
            }
            defer { text = "" }
            return try text.split(separator: "\n").map { try WorkerEvent(line: String($0)) }
        }
        func ask(_ command: WireCommand) { requests.fileHandleForWriting.write(Data((command.line + "\n").utf8)) }

        ask(.train(TrialRequest(trial: 0, seed: 1, candidate: ["hurry": true], resource: 10)))
        let first = try messagesUntil("result")
        if case .hello = first.first {} else { Issue.record("expected hello first") }
        #expect(first.contains(.started(trial: 0, attempt: 1)))
        ask(.train(TrialRequest(trial: 1, seed: 1, candidate: ["hurry": false], resource: 10)))
        _ = try messagesUntil("started")
        ask(.stop)
        #expect(try messagesUntil("stopped").last == .stopped(trial: 1, attempt: 1))
        ask(.train(TrialRequest(trial: 2, seed: 1, candidate: ["diverge": true], resource: 10)))
        #expect(
            try messagesUntil("failed").last == .failed(trial: 2, attempt: 1, reason: "it diverged", fatal: true))
        try requests.fileHandleForWriting.close()
        #expect(served.wait(timeout: .now() + 20) == .success)
    }

    /// Gives a result at once when told to hurry, else waits to be stopped.
    private struct Patient: TrialEvaluator {
        func evaluate(
            _ request: TrialRequest, report: (WorkerEvent) throws -> Void, shouldStop: () -> Bool
        ) throws {
            if request.candidate["diverge"] != nil { throw FatalTrialError("it diverged") }
            if request.candidate["hurry"] == true {
                return try report(
                    .result(trial: request.trial, attempt: request.attempt, resource: 10, points: [Point(metrics: [:])]))
            }
            while !shouldStop() { Thread.sleep(forTimeInterval: 0.005) }
        }
    }
}
