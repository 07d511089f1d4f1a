import Documents
import Foundation
import RandomStreams
import TrialStore
import Trials

/// Controllers of real studies killed again and again: at a failpoint or at a random time, then resumed, until the budget is done.
struct CrashCampaign {
    struct Tally {
        var studies = 0
        var crashes = 0
        var afterCheckpoint = 0
        var atFailpoints = 0
        var repeatedSteps = 0
        var worstRepetition = 0
        var compared = 0
        var replayed = 0
        var faults: [String] = []
    }

    /// Steps between two checkpoints.
    static let interval = 4
    /// So many crashes make a study end in reasonable time.
    static let mostCrashes = 10

    private(set) var tally = Tally()
    private let stream: RandomStream
    private var references: [String: (outcome: StudyCommandTests.Outcome, decisions: [StudyFact], passages: Int)] = [:]

    init(seed: Int) { stream = RandomStream(seed: UInt64(seed)).split("crashes") }

    /// Runs studies of all kinds in turn until there were so many crashes.
    mutating func run(crashes: Int) throws {
        while tally.crashes < crashes, tally.faults.isEmpty {
            let kind = Kind.all[tally.studies % Kind.all.count]
            try study(kind, number: tally.studies, crashes: min(Self.mostCrashes, crashes - tally.crashes))
            tally.studies += 1
            if crashes > 100 { print("\(tally.crashes) of \(crashes) crash points, \(tally.faults.count) faults") }
        }
    }

    /// The study with nothing befalling it, and how many failpoints its controller passes.
    private mutating func reference(_ kind: Kind) throws -> (outcome: StudyCommandTests.Outcome, decisions: [StudyFact], passages: Int) {
        if let known = references[kind.name] { return known }
        let folder = try Folder()
        let (study, trace) = (folder.path("study"), folder.path("trace"))
        let result = try Program.run(
            "search", folder.write("e.yaml", kind.experiment), "--out", study, "--workers", "2",
            environment: environment(folder, failpoint: "trace:\(trace)"))
        guard result.status == 0 else { throw CampaignError(what: "\(kind.name): \(result.errors)") }
        let passages = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n").count
        let found = (try StudyCommandTests.Outcome(study), try Self.decisions(StudyReader(directory: study).records()), passages)
        references[kind.name] = found
        return found
    }

    private func environment(_ folder: Folder, failpoint: String?) -> [String: String] {
        var environment = [
            "HALCYON_CHECKPOINT_STEPS": "\(Self.interval)", "HALCYON_WORKER_FAILPOINT": "trace:\(folder.path("steps"))",
            // Lock files of a quiet machine that this study has to itself.
            "TMPDIR": folder.root,
        ]
        environment["HALCYON_FAILPOINT"] = failpoint
        return environment
    }

    private mutating func study(_ kind: Kind, number: Int, crashes: Int) throws {
        var draw = stream.split(number)
        let folder = try Folder()
        let (directory, experiment) = (folder.path("study"), try folder.write("e.yaml", kind.experiment))
        let passages = try reference(kind).passages
        var (known, killed) = ([StudyRecord](), 0)
        while true {
            let arguments =
                FileManager.default.fileExists(atPath: directory + "/study.sqlite")
                ? ["resume", directory] : ["search", experiment, "--out", directory]
            let isLast = killed >= crashes
            let failpoint = !isLast && draw.flag(probability: 0.7) ? 1 + draw.index(below: passages / 3) : nil
            let run = try Program.Run(
                arguments + ["--workers", "\(1 + draw.index(below: 2))"],
                environment: environment(folder, failpoint: failpoint.map { "any:\($0)" }))
            let pid = run.process.processIdentifier
            if !isLast, failpoint == nil {
                usleep(UInt32(draw.uniform(0.02, 1.5) * 1e6))
                if run.process.isRunning { kill(pid, SIGKILL) }
            }
            let result = try run.finish()
            let wasKilled = run.process.terminationReason == .uncaughtSignal && result.status == SIGKILL
            let records = FileManager.default.fileExists(atPath: directory + "/study.sqlite") ? try Self.records(directory) : []
            if !records.starts(with: known) { fault(kind, number, "events that were in the log are gone") }
            known = records
            if wasKilled {
                killed += 1
                tally.crashes += 1
                if failpoint != nil { tally.atFailpoints += 1 }
                if Self.hasOpenCheckpoint(records.map(\.fact)) { tally.afterCheckpoint += 1 }
            } else if result.status == 0 {
                break
            } else {
                return fault(kind, number, "exit \(result.status): \(result.errors)")
            }
            if killed > 200 { return fault(kind, number, "the study does not end") }
        }
        try judge(kind, number, directory, steps: folder.path("steps"))
    }

    /// A log that is being made may not have its tables yet.
    private static func records(_ directory: String) throws -> [StudyRecord] {
        do { return try StudyReader(directory: directory).records() } catch let error as InputError {
            if "\(error)".contains("it has no tables of ours") { return [] }
            throw error
        }
    }

    private static func decisions(_ records: [StudyRecord]) -> [StudyFact] {
        records.map(\.fact).filter { fact in
            if case .rejected = fact { return true }
            return fact.isDecision
        }
    }

    /// Whether a trial that has not ended has a checkpoint.
    private static func hasOpenCheckpoint(_ facts: [StudyFact]) -> Bool {
        var open: Set<Int> = []
        for fact in facts {
            switch fact {
            case .checkpointed(let trial, _, _, _): open.insert(trial)
            case .reached(let trial, _, _, _, _, true), .failed(let trial, _), .pruned(let trial), .stopped(_, let trial): open.remove(trial)
            default: break
            }
        }
        return !open.isEmpty
    }

    private mutating func fault(_ kind: Kind, _ number: Int, _ what: String) {
        tally.faults.append("study \(number) (\(kind.name)): \(what)")
    }

    private mutating func judge(_ kind: Kind, _ number: Int, _ directory: String, steps: String) throws {
        let reader = try StudyReader(directory: directory)
        let (records, rows) = (try reader.records(), try reader.trials())
        if rows.count != 5 { fault(kind, number, "\(rows.count) trials of 5") }
        for row in rows where !row.state.isFinal { fault(kind, number, "trial \(row.number) is \(row.state.rawValue)") }
        for row in rows where row.state == .fail { fault(kind, number, "trial \(row.number) failed: \(row.failure ?? "")") }
        var reached: Set<String> = []
        for case .reached(let trial, _, let resource, _, _, _) in records.map(\.fact) where !reached.insert("\(trial)/\(resource)").inserted {
            fault(kind, number, "trial \(trial) reached \(resource) twice")
        }
        let keys = try reader.measurements().map(\.measurement).map { "\($0.trial) \($0.point) \($0.metric) \($0.resource)" }
        if Set(keys).count != keys.count { fault(kind, number, "a measurement stands twice") }
        if try reader.hypervolumes().count != rows.count { fault(kind, number, "not every trial has its hypervolume") }
        for row in rows where row.state == .complete {
            if !FileManager.default.fileExists(atPath: "\(directory)/trials/\(row.number)/model.h5") { fault(kind, number, "the network of trial \(row.number) is lost") }
        }
        try judgeSteps(kind, number, steps)
        let replay = try Program.run("replay", directory)
        if replay.status != 0 { fault(kind, number, "replay: \(replay.output)\(replay.errors)") }
        tally.replayed += 1
        guard kind.lag != nil else { return }
        let expected = try reference(kind)
        if Self.decisions(records) != expected.decisions { fault(kind, number, "the decisions are not those of the uninterrupted study") }
        if try StudyCommandTests.Outcome(directory) != expected.outcome { fault(kind, number, "results or weights are not those of the uninterrupted study") }
        tally.compared += 1
    }

    /// No attempt begins more than one interval before the furthest step of those before it.
    private mutating func judgeSteps(_ kind: Kind, _ number: Int, _ path: String) throws {
        var spans: [Int: [Int: (first: Int, last: Int)]] = [:]
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") where line.hasPrefix("step-done ") {
            let words = line.split(separator: " ").compactMap { Int($0) }
            guard words.count == 3 else { continue }
            let span = spans[words[0]]?[words[1]] ?? (.max, 0)
            spans[words[0], default: [:]][words[1]] = (min(span.first, words[2]), max(span.last, words[2]))
        }
        for (trial, attempts) in spans {
            var furthest = 0
            for (attempt, span) in attempts.sorted(by: { $0.key < $1.key }) {
                let repeated = max(0, furthest - span.first + 1)
                furthest = max(furthest, span.last)
                tally.repeatedSteps += repeated
                tally.worstRepetition = max(tally.worstRepetition, repeated)
                if repeated > Self.interval { fault(kind, number, "attempt \(attempt) of trial \(trial) repeated \(repeated) steps") }
            }
        }
    }
}

struct CampaignError: Error, CustomStringConvertible {
    var what: String
    var description: String { what }
}
