import Documents
import Foundation
import TrialStore
import Trials

/// A copy of a study that can be resumed, made while a search may be running.
struct StudyBackup {
    let directory: String
    let destination: String

    /// Copies may have to be made again because trials end meanwhile.
    private static let rounds = 5

    /// Everything is made beside the destination and renamed into place when it has been checked.
    func make() throws {
        let manager = FileManager.default
        guard !manager.fileExists(atPath: destination) else {
            throw InputError(file: destination, "is there already", hint: "name a folder that does not exist yet")
        }
        let unfinished = destination + ".partial"
        if manager.fileExists(atPath: unfinished) { try manager.removeItem(atPath: unfinished) }
        defer { try? manager.removeItem(atPath: unfinished) }
        try makeFolder(unfinished)
        var check: StudyCheck?
        for _ in 0..<Self.rounds {
            // Files first: the database is then never ahead of a checkpoint, only a checkpoint behind the database, from which
            // training goes on as well. What the database names and was made meanwhile is fetched after it.
            try copyFiles(to: unfinished)
            try StudyReader(directory: directory).copy(into: unfinished)
            try copyFiles(to: unfinished)
            let found = try StudyCheck(directory: unfinished)
            check = found
            if found.isSound { break }
        }
        if let damage = check?.findings.first(where: { $0.kind == .damage }) {
            throw InputError(
                file: directory, "has no sound copy: \(damage.place): \(damage.what)", hint: "`halcyon study check \(directory)` tells more")
        }
        guard rename(unfinished, destination) == 0 else { throw fileFailure(destination, "cannot be renamed into place", code: errno) }
    }

    /// `experiment.yaml`, pictures, references and the folders of trials. Every file here is replaced as a whole, so a copy is
    /// of one moment; what goes away meanwhile is not missed by the database that is copied later.
    private func copyFiles(to copy: String) throws {
        let manager = FileManager.default
        for name in try manager.contentsOfDirectory(atPath: directory) where !name.hasPrefix("study.sqlite") && name != "lock" {
            guard name != "trials" else { continue }
            try replace(copy + "/" + name, with: directory + "/" + name)
        }
        let trials = (try? manager.contentsOfDirectory(atPath: directory + "/trials")) ?? []
        for trial in trials {
            let (source, target) = ("\(directory)/trials/\(trial)", "\(copy)/trials/\(trial)")
            try makeFolder(target)
            for name in (try? manager.contentsOfDirectory(atPath: source)) ?? [] where !name.hasSuffix(".partial") {
                try replace(target + "/" + name, with: source + "/" + name)
            }
        }
    }

    private func replace(_ target: String, with source: String) throws {
        let manager = FileManager.default
        let sources = try? manager.attributesOfItem(atPath: source)
        let targets = try? manager.attributesOfItem(atPath: target)
        if let sources, let targets, sources[.modificationDate] as? Date == targets[.modificationDate] as? Date,
            sources[.size] as? Int == targets[.size] as? Int, sources[.type] as? FileAttributeType == .typeRegular
        {
            return
        }
        do {
            if targets != nil { try manager.removeItem(atPath: target) }
            try manager.copyItem(atPath: source, toPath: target)
        } catch {
            // A file that a running search removed or replaced this moment is none of the copy.
            if !manager.fileExists(atPath: source) { return }
            throw fileFailure(target, "cannot be copied", error)
        }
    }
}
