import Documents
import Foundation
import SearchSpaces
import TrialStore
import Trials

/// Reads another study for a warm start: what its networks reached, in the decisions of this study's space.
struct StudyTransfer {
    /// More would fill the log; complete trials go first, then the later ones.
    static let limit = 1_000

    private(set) var results: [TransferredResult] = []
    /// How many results there are, and how many are no use: no point of this space, or without the objectives.
    private(set) var (found, foreign, incomplete) = (0, 0, 0)

    /// - Parameter place: where the experiment names the other study.
    /// - Throws: `InputError` where there is no study, or nothing in it can be used.
    init(_ experiment: ResolvedExperiment, from place: Document) throws {
        let folder = try place.string("study")
        guard FileManager.default.fileExists(atPath: folder + "/study.sqlite") else {
            throw place.fail("study: no study in \(folder)", hint: "name the folder that `halcyon search --out` made")
        }
        let reader = try StudyReader(directory: folder)
        let settings = try experiment.settings()
        let resolution = try WarmStartResolution(experiment)
        let (space, inspector) = (resolution.space, resolution.inspector)
        let points = try reader.points()
        let rows = try reader.trials().filter { $0.resource > 0 && $0.state != .fail && !$0.candidateHash.contains("#") }
        let last = rows.map(\.resource).max() ?? 1
        found = rows.count
        for row in rows.sorted(by: { ($0.state == .complete ? 0 : 1, -$0.number) < ($1.state == .complete ? 0 : 1, -$1.number) }) {
            guard results.count < Self.limit else { break }
            let told = (points[row.number] ?? []).filter { point in settings.objectives.allSatisfy { point.metrics[$0.metric] != nil } }
            guard told.first?.point == 0 else {
                incomplete += 1
                continue
            }
            // The same decisions in the same space, or else those of the same network here.
            var genotype = try? space.genotype(from: row.genotype)
            if let known = genotype, (try? inspector.inspect(space.resolve(known)).candidateHash) != row.candidateHash { genotype = nil }
            guard let genotype = try genotype ?? resolution.genotype(of: row.candidate) else {
                foreign += 1
                continue
            }
            results.append(
                TransferredResult(
                    study: folder, trial: row.number, genotype: genotype.document, candidateHash: row.candidateHash,
                    part: Double(row.resource) / Double(last), points: told))
        }
        results.sort { $0.trial < $1.trial }
        guard !results.isEmpty else {
            throw place.fail(
                "study: nothing in \(folder) can be used: of \(found) results \(foreign) are no points of this space, \(incomplete) lack its objectives",
                hint: "name a study with these objectives, in a space that shares networks with this one")
        }
    }

    var note: String {
        "warm start: \(results.count) of \(found) results known to the strategy"
            + (foreign > 0 ? ", \(foreign) are no points of this space" : "") + (incomplete > 0 ? ", \(incomplete) lack its objectives" : "")
    }
}
