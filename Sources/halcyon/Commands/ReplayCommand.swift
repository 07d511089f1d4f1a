import ArgumentParser
import Documents
import Foundation
import Search
import TrialStore
import Trials

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Proves that a study's log leads to the same decisions, or shows the first difference.",
        discussion: """
            Every recorded decision (which network to start, which trial to train on, when to end) is made again from the study's
            seed and the events before it, and compared. Nothing is trained and nothing is written; a running study may be replayed.
            Exit codes: 0 equal, 1 different, 2 the study cannot be read.

            EXAMPLES
              halcyon replay runs/quickstart
              halcyon replay runs/quickstart --json
            """)

    @Argument(help: ArgumentHelp("The study's folder.", valueName: "DIR")) var directory: String
    @Flag(help: "The verdict as one JSON object.") var json = false

    func run() throws {
        let folder = URL(fileURLWithPath: directory).standardizedFileURL.path
        let experiment = try ResolvedExperiment(study: folder)
        let study = try experiment.study(in: folder, inspector: experiment.inspector(experiment.table()))
        let log = try StudyReader(directory: folder)
        let count = try log.eventCount()
        var replay = StudyReplay(study)
        var progress = WorkProgress("replayed events")
        try log.forEachRecord { record in
            if let difference = try replay.take(record.fact) {
                Terminal.clearLine()
                tell(difference)
                throw ExitCode(1)
            }
            progress.tell(replay.eventCount, of: count)
        }
        Terminal.clearLine()
        if json {
            print(
                Document.object([
                    ("equal", .bool(true)), ("events", .int(replay.eventCount)), ("decisions", .int(replay.decisionCount)),
                    ("trials", .int(replay.trialCount)),
                ]).json)
        } else {
            print(
                "\(directory): equal: \(replay.decisionCount) decisions and \(replay.trialCount) trials follow from the seed and "
                    + "the log of \(replay.eventCount) events")
        }
    }

    private func tell(_ difference: StudyReplay.Difference) {
        let proposed: Document =
            switch difference.proposed {
            case .fact(let fact): Self.document(fact)
            case .end: ["kind": "ended"]
            case .nothing: .null
            }
        let recorded = Self.document(difference.recorded)
        if json {
            print(
                Document.object([
                    ("equal", .bool(false)), ("event", .int(difference.event)), ("decision", .int(difference.decision)),
                    ("recorded", recorded), ("proposed", proposed),
                ]).json)
            return
        }
        print("\(directory): different at event \(difference.event), decision \(difference.decision)")
        print("  recorded:    \(recorded.json)")
        switch difference.proposed {
        case .fact:
            print("  re-proposed: \(proposed.json)")
            let fields = Self.differing(recorded, proposed)
            if !fields.isEmpty { print("  they differ in: \(fields.joined(separator: ", "))") }
        case .end: print("  re-proposed: nothing, the study ends here")
        case .nothing: print("  re-proposed: nothing, a result has to arrive first")
        }
        print("Was the experiment or the log changed, or the study written by another release?")
    }

    private static func document(_ fact: StudyFact) -> Document {
        var fields: [(String, Document)] = [("kind", .string(fact.kind))]
        if let trial = fact.trial { fields.append(("trial", .int(trial))) }
        if case .object(let payload) = fact.payload.value { fields += payload.map { ($0.key, $0.value) } }
        return .object(fields)
    }

    private static func differing(_ a: Document, _ b: Document) -> [String] {
        guard case .object(let first) = a.value, case .object(let second) = b.value else { return [] }
        var names = first.map(\.key)
        for field in second where !names.contains(field.key) { names.append(field.key) }
        return names.filter { a[$0]?.json != b[$0]?.json }
    }
}
