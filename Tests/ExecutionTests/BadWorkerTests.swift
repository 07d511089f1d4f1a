import Execution
import Foundation
import Testing
import Trials

/// Each way in which a worker can be bad costs one attempt, with its reason in plain words; the study goes on to its end.
/// Real processes: see `ScriptedWorker`.
@Suite(.serialized) struct BadWorkerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var hello = "hello"
        var bad: String
        /// What the reason of the lost attempt says; nil when nothing is lost.
        var reason: String?
        var limits = "{}"
        var testDescription: String { name }

        init(_ name: String, hello: String = "hello", _ bad: String, _ reason: String?, limits: String = "{}") {
            (self.name, self.hello, self.bad, self.reason, self.limits) = (name, hello, bad, reason, limits)
        }
    }

    static let impatient = "{stall-seconds: 0.7}"
    static let result = #"{"message":"result","trial":1,"attempt":1,"resource":400,"points":[{"point":0,"metrics":"#

    static let cases: [Case] = [
        Case("a garbage line", "started; echo 'lorem ipsum'; sleep 1000", "no message"),
        Case("a line that is no text", "started; printf '\\377\\376\\001\\n'; sleep 1000", "no message"),
        Case("a list", "echo '[1, 2]'; sleep 1000", "no message"),
        Case("deep nesting", "printf '{\"message\":'; head -c 900000 /dev/zero | tr '\\0' '['; echo; sleep 1000", "no message"),
        Case("an unknown message", "echo '{\"message\":\"dance\"}'; sleep 1000", "expected one of"),
        Case("half a line, then an exit", "started; printf '{\"message\":\"resu'; exit 0", "in the middle of a line"),
        Case("half a line, then silence", "started; printf '{\"message\":\"resu'; sleep 1000", "no sign of life", limits: impatient),
        Case("a wrong version", hello: "say '{\"message\":\"hello\",\"version\":2,\"pid\":1,\"environment\":{}}'", "sleep 1000", "speaks version 1"),
        Case("no hello", hello: ":", "started; sleep 1000", "expected \"hello\" first"),
        Case("no word at all", hello: ":", "sleep 1000", "did not say \"hello\" within 0.7 s", limits: "{start-seconds: 0.7}"),
        Case("two hellos", "hello; sleep 1000", "\"hello\" twice"),
        Case("a result of another trial", "started; result_of 7 1; sleep 1000", "said \"result\" of trial 7, attempt 1: it was asked for trial 1, attempt 1"),
        Case("a result of another attempt", "started; result_of 1 2; sleep 1000", "attempt 2: it was asked for trial 1, attempt 1"),
        Case("a result without a start", "result; sleep 1000", "\"result\" before \"started\""),
        Case("a result of another resource", "started; result_of 1 1 7", "reached resource 7 where 400 was asked"),
        Case("a metric that is no number", "started; say '\(result){\"psnr_db\":NaN}}]}'; sleep 1000", "expected a number"),
        Case("an infinite metric", "started; say '\(result){\"psnr_db\":1e999}}]}'; sleep 1000", "expected a finite number"),
        Case("a missing objective", "started; say '\(result){\"ssim\":0.5}}]}'", "lacks the objective \"psnr_db\""),
        Case("a stop that nobody asked for", "started; say '{\"message\":\"stopped\",\"trial\":1,\"attempt\":1}'", "without being asked"),
        Case("an endless line", "started; head -c 2000000000 /dev/zero; sleep 1000", "longer than"),
        Case("endless messages", "started; yes '{\"message\":\"measurement\",\"trial\":1,\"attempt\":1,\"point\":0,\"metric\":\"a\",\"resource\":1,\"value\":1}'", "more than 20000 messages"),
        Case("endless empty lines", "started; yes ''", "no sign of life", limits: impatient),
        Case("endless heartbeats", "started; while :; do beat 1 training; done", "made no progress for 0.7 s", limits: "{progress-seconds: 0.7}"),
        Case("steps back and forth", "started; while :; do beat 2 training; beat 1 training; done", "made no progress", limits: "{progress-seconds: 0.7}"),
        Case("a step beyond the end", "started; i=400; while :; do i=$((i+1)); beat $i training; done", "made no progress", limits: "{progress-seconds: 0.7}"),
        Case("a closed output", "started; exec 1>&-; sleep 1000", "closed its standard output"),
        Case("a stopped process", "started; kill -STOP $$", "no sign of life", limits: impatient),
        Case("deaf to SIGTERM", "trap '' TERM INT HUP; started; while :; do sleep 1000; done", "no sign of life", limits: impatient),
        Case("children that hold its pipes", "started; sleep 1000 & exit 3", "exited with code 3"),
        Case("children in a session of their own", "started; setsid sleep 20 & sleep 0.2; exit 3", "exited with code 3"),
        Case("an exit without a result", "started; echo 'that was all' >&2; exit 0", "exited with code 0 before its result: that was all"),
        Case("killed", "started; kill -9 $$", "signal 9 (Killed)"),
        Case("a crash", "started; kill -11 $$", "signal 11 (Segmentation fault)"),
        Case("too much memory", "started; x=$(head -c 300000000 /dev/zero | tr '\\0' x); sleep 1000", "(memory)", limits: "{memory: 100MB}"),
        Case("too long, with progress", "started; i=0; while :; do i=$((i+1)); beat $((i/99)) training; sleep 0.01; done", "trial-seconds", limits: "{trial-seconds: 0.7}"),
        // These lose nothing.
        Case("dead right after its result", "started; result; kill -9 $$", nil),
        Case("a result in small pieces", "started; result | while IFS= read -r line; do printf '%.20s' \"$line\"; sleep 0.1; printf '%s\\n' \"${line#????????????????????}\"; done", nil),
        Case("noise on standard error", "head -c 300000000 /dev/zero >&2; started; result", nil),
    ]

    @Test(arguments: cases) func costsOneAttempt(_ it: Case) throws {
        let before = ScriptedWorker.peakBytes
        let outcome = try ScriptedWorker.run(
            ScriptedWorker.script(hello: it.hello, bad: it.bad), limits: it.limits)
        ScriptedWorker.expectAllRight(outcome, it.name)
        #expect(outcome.failures.map(\.trial) == (it.reason == nil ? [] : [1]), "\(it.name): \(outcome.failures)")
        if let reason = it.reason, let told = outcome.failures.first?.reason { #expect(told.contains(reason), "\(it.name): \(told)") }
        #expect(outcome.study.trials[1].attempts == (it.reason == nil ? 1 : 2), "\(it.name)")
        #expect(outcome.logBytes < (1 << 20) + 200, "\(it.name): a log of \(outcome.logBytes) bytes")
        #expect(ScriptedWorker.peakBytes - before < 300 << 20, "\(it.name): the controller's memory grew")
    }

    /// The first result stands. Whether the second costs the next trial an attempt depends on when it is heard.
    @Test func aResultTwiceCountsOnce() throws {
        let again = "started; result; result_of $trial $attempt 400 99"
        let outcome = try ScriptedWorker.run(ScriptedWorker.script(bad: again, isBad: "true"), limits: "{retries: 0}")
        ScriptedWorker.expectAllRight(outcome, "a result twice")
        #expect(outcome.failures.isEmpty, "\(outcome.failures)")
    }

    /// Heartbeats come from another thread: one that is late is no lie.
    @Test func aLateHeartbeatIsNoLie() throws {
        let outcome = try ScriptedWorker.run(
            ScriptedWorker.script(bad: "", isBad: "false", good: "started; result; beat 400 training"), limits: "{retries: 0}")
        ScriptedWorker.expectAllRight(outcome, "a late heartbeat")
        let pids = outcome.facts.filter { if case .workerStarted = $0 { true } else { false } }
        #expect(pids.count == 2, "a worker was replaced")
    }

    /// Twice in a row without a checkpoint: the trial is at fault. With one between them it goes on.
    @Test func twoAttemptsWithoutACheckpointAreAFailure() throws {
        let dying = try ScriptedWorker.run(ScriptedWorker.script(bad: "started; exit 5", isBad: "[ $trial = 1 ]"))
        #expect(dying.study.trials.map(\.state) == [.complete, .fail, .complete, .complete, .complete, .complete])
        #expect(dying.study.trials[1].attempts == 2 && dying.study.trials[1].failure == "the worker exited with code 5")

        let slow = try ScriptedWorker.run(
            ScriptedWorker.script(bad: "started; checkpoint $((attempt * 100)); exit 5", isBad: "[ $trial = 1 ] && [ $attempt -lt 4 ]"))
        ScriptedWorker.expectAllRight(slow, "a checkpoint each time")
        #expect(slow.study.trials[1].attempts == 4 && slow.failures.count == 3)
        let starts = slow.facts.compactMap { if case .attemptStarted(1, _, _, _, let from) = $0 { from == nil ? 0 : 1 } else { nil } }
        #expect(starts == [0, 1, 1, 1])
    }

    /// Every worker is bad once in three attempts, in every way in turn: nothing is lost and nothing counted twice.
    @Test func badWorkersEverywhere() throws {
        let ways = ["exit 1", "echo rubbish; sleep 1000", "kill -9 $$", "started; result_of 99 1; sleep 1000", "started; printf '{'; exit 0"]
        let choice = ways.enumerated().map { "\($0)) \($1);;" }.joined(separator: " ")
        let outcome = try ScriptedWorker.run(
            ScriptedWorker.script(bad: "case $((trial % \(ways.count))) in \(choice) esac", isBad: "[ $((trial % 3)) = 0 ] && [ $attempt = 1 ]"),
            trials: 30, workers: 4)
        ScriptedWorker.expectAllRight(outcome, "bad workers everywhere")
        #expect(outcome.failures.map(\.trial).sorted() == Array(stride(from: 0, to: 30, by: 3)))
    }
}
