import Foundation
import Synchronization

/// The places where a process can be made to die, for tests of what a crash leaves behind: around everything that lasts or leaves
/// the process.
///
/// Off, a failpoint costs the look at one flag. `HALCYON_FAILPOINT=NAME:N` kills the process (as `kill -9`) at the N-th passage of a
/// name, `any:N` at the N-th passage of all; `trace:FILE` appends a line for each passage instead, or as well:
/// `HALCYON_FAILPOINT=any:17,trace:/tmp/passages`. A process `halcyon worker` obeys `HALCYON_WORKER_FAILPOINT` alone.
package enum Failpoint: String, CaseIterable, Sendable {
    /// A transaction of `study.sqlite` is complete but for its commit; it is committed.
    case commitBegins = "commit-begins"
    case commitDone = "commit-done"
    /// The study's lock was taken.
    case lockTaken = "lock-taken"
    /// A whole file stands under its temporary name; it is renamed into place.
    case renameBegins = "rename-begins"
    case renameDone = "rename-done"
    /// Files of ended trials are about to be removed.
    case sweepBegins = "sweep-begins"
    /// The controller's messages.
    case controllerSends = "controller-sends"
    case controllerReceives = "controller-receives"
    /// The worker's messages.
    case workerReceives = "worker-receives"
    case workerSends = "worker-sends"
    /// A step of a training was done.
    case stepDone = "step-done"

    /// Whether the passages of this process are watched.
    fileprivate static let plan = FailpointPlan(
        CommandLine.arguments.dropFirst().first == "worker" ? "HALCYON_WORKER_FAILPOINT" : "HALCYON_FAILPOINT")
}

/// Passes a failpoint. `detail` is written to a trace, behind the name.
package func failpoint(_ point: Failpoint, _ detail: @autoclosure () -> String = "") {
    if let plan = Failpoint.plan { plan.pass(point, detail()) }
}

private final class FailpointPlan: Sendable {
    private let name: String?
    private let last: Int
    private let trace: Int32
    private let passages = Atomic<Int>(0)

    /// Nil when the variable is not there; a plan that cannot be read ends the process, since a test without it proves nothing.
    init?(_ variable: String) {
        guard let text = getenv(variable).map({ String(cString: $0) }), !text.isEmpty else { return nil }
        var (name, last, trace): (String?, Int, Int32) = (nil, 0, -1)
        for part in text.split(separator: ",") {
            let words = part.split(separator: ":", maxSplits: 1).map(String.init)
            if words.count == 2, words[0] == "trace" {
                trace = open(words[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
                if trace >= 0 { continue }
            } else if words.count == 2, let number = Int(words[1]), number > 0,
                words[0] == "any" || Failpoint(rawValue: words[0]) != nil
            {
                (name, last) = (words[0], number)
                continue
            }
            let names = ["any"] + Failpoint.allCases.map(\.rawValue)
            try? FileHandle.standardError.write(contentsOf: Data("\(variable): cannot read \"\(part)\": expected NAME:N or trace:FILE; names: \(names.joined(separator: ", "))\n".utf8))
            exit(2)
        }
        (self.name, self.last, self.trace) = (name, last, trace)
    }

    func pass(_ point: Failpoint, _ detail: String) {
        if trace >= 0 {
            let line = Array("\(point.rawValue)\(detail.isEmpty ? "" : " ")\(detail)\n".utf8)
            _ = write(trace, line, line.count)
        }
        guard name == "any" || name == point.rawValue, passages.add(1, ordering: .relaxed).newValue == last else { return }
        kill(getpid(), SIGKILL)
        while true { pause() }
    }
}
