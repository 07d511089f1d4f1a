import Documents
import Execution
import Foundation
import Search
import Testing
import Trials

/// A worker that is a shell script: good but for trial 1, or what `isBad` says.
enum ScriptedWorker {
    /// Takes a script over for `$trial` and `$attempt`: `hello`, `started`, `beat STEP PHASE`, `result` say what a good worker says.
    static func script(hello: String = "hello", bad: String, isBad: String = "[ $trial = 1 ] && [ $attempt = 1 ]", good: String = "started; beat 100 training; result") -> String {
        """
        say() { printf '%s\\n' "$1"; }
        hello() { say '{"message":"hello","version":1,"pid":'$$',"environment":{"host":"fake"}}'; }
        started() { say '{"message":"started","trial":'$trial',"attempt":'$attempt'}'; }
        beat() { say '{"message":"heartbeat","trial":'$trial',"attempt":'$attempt',"step":'$1',"total_steps":400,"phase":"'$2'"}'; }
        checkpoint() { say '{"message":"checkpoint","trial":'$trial',"attempt":'$attempt',"resource":'$1',"path":"trials/'$trial'/checkpoint.h5"}'; }
        result_of() { say '{"message":"result","trial":'$1',"attempt":'$2',"resource":'${3:-400}',"points":[{"point":0,"metrics":{"psnr_db":'${4:-2$trial}'}}]}'; }
        result() { result_of $trial $attempt; }
        greeted=
        while read line; do
          trial=$(printf '%s' "$line" | sed 's/.*"trial":\\([0-9]*\\),.*/\\1/')
          attempt=$(printf '%s' "$line" | sed 's/.*"attempt":\\([0-9]*\\),.*/\\1/')
          if \(isBad); then
            if [ -z "$greeted" ]; then greeted=1; \(hello); fi
            \(bad)
          else
            if [ -z "$greeted" ]; then greeted=1; hello; fi
            \(good)
          fi
        done
        """
    }

    struct Outcome {
        var study: Study
        var facts: [StudyFact]
        var outcome: StudyOutcome
        /// The log of trial 1.
        var logBytes: Int

        var failures: [(trial: Int, reason: String)] {
            facts.compactMap { if case .attemptFailed(let trial, _, let failure) = $0 { (trial, failure.reason) } else { nil } }
        }
    }

    /// Runs a study of six trials over two such workers.
    static func run(_ script: String, trials: Int = 6, workers: Int = 2, limits: String = "{}") throws -> Outcome {
        let directory = NSTemporaryDirectory() + "halcyon-scripted-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let settings = try Synthetic.settings(trials: trials, more: "limits: \(limits)")
        let log = MemoryLog()
        let controller = Controller(
            study: try Synthetic.study(settings, folder: directory), log: log,
            executor: LocalExecutor(slots: workers, command: ["/bin/sh", "-c", script], limits: settings.limits),
            folder: StudyFolder(path: directory))
        let outcome = try controller.run()
        let attributes = try? FileManager.default.attributesOfItem(atPath: directory + "/trials/1/log")
        return Outcome(
            study: controller.study, facts: log.records().map(\.fact), outcome: outcome,
            logBytes: (attributes?[.size] as? NSNumber)?.intValue ?? 0)
    }

    /// Every trial has its own result, once.
    static func expectAllRight(_ it: Outcome, _ name: String) {
        #expect(it.outcome.paused == false, "\(name)")
        #expect(it.study.trials.allSatisfy { $0.state == .complete }, "\(name): \(it.study.trials.map(\.state)) \(it.failures)")
        for trial in it.study.trials {
            #expect(trial.points.first?.metrics["psnr_db"] == Double("2\(trial.number)"), "\(name): trial \(trial.number)")
        }
        #expect(it.facts.results.count == it.study.trials.count, "\(name)")
    }

    /// The most memory that this process ever held, in bytes.
    static var peakBytes: Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(separator: " ").compactMap { Int($0) }.first ?? 0) * 1024
    }
}
