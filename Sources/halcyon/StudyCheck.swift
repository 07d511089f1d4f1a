import Documents
import Execution
import Foundation
import Search
import Training
import TrialStore
import Trials

/// A study looked at whole: the file, the log, the tables that follow from it, and the files of its trials.
struct StudyCheck {
    struct Finding {
        /// Damage is what the study cannot be trusted or resumed with; a leftover costs disk space alone.
        enum Kind: String { case damage, leftover }

        var kind: Kind
        var place: String
        var what: String
    }

    let directory: String
    private(set) var findings: [Finding] = []
    private(set) var trials = 0

    var isSound: Bool { !findings.contains { $0.kind == .damage } }

    /// - Throws: `InputError` where there is no study to be looked at.
    init(directory: String) throws {
        self.directory = directory
        let experiment = try ResolvedExperiment(study: directory)
        let reader = try StudyReader(directory: directory)
        let file = directory + "/study.sqlite"
        func found(_ problems: () throws -> [String]) {
            do {
                for problem in try problems() { damage(file, problem) }
            } catch {
                damage(file, "\(error)")
            }
        }
        found(reader.integrityProblems)
        // A file that SQLite itself cannot follow says nothing more.
        guard isSound else { return }
        found(reader.projectionProblems)
        do {
            try checkTrials(reader, experiment)
        } catch {
            damage(file, "\(error)")
        }
    }

    private mutating func damage(_ place: String, _ what: String) { findings.append(Finding(kind: .damage, place: place, what: what)) }
    private mutating func leftover(_ place: String, _ what: String) { findings.append(Finding(kind: .leftover, place: place, what: what)) }

    /// The log leads to a state; that state's front is the table's, and its networks and checkpoints are on disk, whole.
    private mutating func checkTrials(_ reader: StudyReader, _ experiment: ResolvedExperiment) throws {
        let settings = try experiment.settings()
        var restored = StudyRestoration(try experiment.study(in: directory, inspector: NoInspector()))
        let front = try reader.restore { try restored.add($0) }
        let study = restored.study
        trials = study.trials.count
        if restored.front.entries != front {
            damage(directory + "/study.sqlite", "pareto_front: the table is not the front of the trials in the log")
        }
        let onFront = restored.front.trials
        let trainsNetworks = try experiment.trainsNetworks()
        for trial in study.trials {
            let (folder, before) = ("trials/\(trial.number)", findings.count)
            if trainsNetworks { checkFiles(of: trial, in: folder, keep: settings.keep, isOnFront: onFront.contains(trial.number)) }
            // A search that is running may have ended the trial, or driven it off the front, since its log was read.
            if findings.count > before {
                let isOnFront = try reader.front().contains { $0.trial == trial.number }
                let state = try reader.summaries(of: [trial.number]).first?.state
                if state != trial.state || isOnFront != onFront.contains(trial.number) { findings.removeSubrange(before...) }
            }
            if trial.state != .running { leftovers(in: folder) { $0.hasSuffix(".partial") } }
        }
        let known = Set(study.trials.map { "\($0.number)" })
        leftovers(in: "trials") { !known.contains($0) }
    }

    private mutating func checkFiles(of trial: StudyTrial, in folder: String, keep: StudySettings.Keep, isOnFront: Bool) {
        let (model, checkpoint) = ("\(folder)/model.h5", "\(folder)/checkpoint.h5")
        if let recorded = trial.checkpoint?.path {
            // Missing, it costs time: the trial is trained from its start again.
            read(recorded) { _ = try Checkpoint.read($0) }
        } else if trial.state.isFinal {
            leftovers(in: folder) { $0 == "checkpoint.h5" }
        } else if exists(checkpoint) {
            read(checkpoint) { _ = try Checkpoint.read($0) }
        }
        let isKept = trial.state == .complete && (keep == .all || keep == .front && isOnFront)
        if isKept {
            read(model) { _ = try ModelFile.read($0) }
        } else if trial.state.isFinal {
            leftovers(in: folder) { $0 == "model.h5" && keep != .all }
        }
    }

    private func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(directory)/\(path)" }
    private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: absolute(path)) }

    private mutating func read(_ path: String, _ body: (String) throws -> Void) {
        do {
            try body(absolute(path))
        } catch let error as InputError {
            damage(path, error.message)
        } catch {
            damage(path, "\(error)")
        }
    }

    private mutating func leftovers(in folder: String, where isOne: (String) -> Bool) {
        for name in ((try? FileManager.default.contentsOfDirectory(atPath: absolute(folder))) ?? []).sorted() where isOne(name) {
            leftover("\(folder)/\(name)", "belongs to nothing in the study")
        }
    }

    /// A study that is only looked at proposes nothing.
    private struct NoInspector: CandidateInspector {
        func inspect(_ candidate: Document) throws -> CandidateInspection { preconditionFailure("a check proposes nothing") }
    }
}
