import Documents
import Foundation
import Testing
import TrialStore
import Trials

/// Searches that go by the number of pictures, tell zero-cost scores, and begin with another study and with references.
@Suite(.serialized) struct WarmStartTests {
    private static func experiment(_ more: String, trials: Int) -> String {
        StudyCommandTests.experiment(steps: 12, trials: trials, more: "lag: 2\n" + more)
            .replacingOccurrences(of: "at-most: 40000", with: "at-most: 60000")
    }

    private func documents(_ run: Program.Result) throws -> [Document] {
        #expect(run.status == 0, "\(run.errors)")
        return try run.lines.map { try Document.parse($0, file: "output") }
    }

    @Test func aStudyBeginsWithAnotherAndWithReferences() throws {
        let folder = try Folder()
        let (first, second) = (folder.path("first"), folder.path("second"))
        let byImages = """
            fidelity: {kind: asha, resource: images, rungs: [4, 16], steps: [6, 12], reduction: 2}
            zero-cost: [synflow, grad_norm, naswot]
            """
        let begun = try Program.run("search", folder.write("first.yaml", Self.experiment(byImages, trials: 12)), "--out", first)
        #expect(begun.status == 0, "\(begun.errors)")
        try StudyCommandTests.expectSound(first)
        let reader = try StudyReader(directory: first)
        let told = try reader.measurements().filter { $0.measurement.resource == 0 }
        let trials = try reader.trials()
        #expect(Set(told.map { "\($0.measurement.trial) \($0.measurement.metric)" }).count == told.count && told.count == 3 * trials.count)
        #expect(Set(trials.map(\.resource)) == [4, 16])
        #expect(try reader.points().values.allSatisfy { $0[0].metrics["synflow"] != nil })
        #expect(try reader.front().allSatisfy { trials[$0.trial].resource == 16 })
        let scores = try documents(Program.run("study", "scores", first, "--json"))
        #expect(scores.map { $0["score"] } == ["parameters", "macs", "grad_norm", "synflow", "naswot"])
        #expect(scores.allSatisfy { $0["trials"] == .int(trials.count { $0.state == .complete }) })

        _ = try folder.write(
            "mine.yaml", "halcyon: 1\nname: mine\nnetwork: {skeleton: {kind: chain, width: 8, blocks: [{block: plain}, {block: plain}]}}")
        let more = "warm-start: {study: first, architectures: [mine.yaml], references: true}"
        let file = try folder.write("second.yaml", Self.experiment(more, trials: 5))
        let warm = try Program.run("search", file, "--out", second, "--workers", "1")
        #expect(warm.status == 0, "\(warm.errors)")
        #expect(warm.errors.contains("warm start: 12 of 12 results known to the strategy"))
        for note in ["does not enter: unetpp4x32: its parameters", "ffdnet-color does not enter", "mobile8x32 is no point of the space"] {
            #expect(warm.errors.contains(note), "\(warm.errors)")
        }
        try StudyCommandTests.expectSound(second)
        let rows = try StudyReader(directory: second).trials()
        #expect(rows.prefix(3).map(\.strategy) == ["given (mine)", "given (dncnn8x32)", "given (mobile8x32)"])
        #expect(rows.map(\.genotype.isNull) == [false, false, true, false, false])

        // The other study, and the architecture's file, are of no use any more.
        try FileManager.default.removeItem(atPath: first)
        try FileManager.default.removeItem(atPath: folder.path("mine.yaml"))
        for words in [["replay", second], ["study", "check", second], ["resume", second, "--trials", "6"], ["replay", second]] {
            let run = try Program.Run(words).finish()
            #expect(run.status == 0, "\(words): \(run.output) \(run.errors)")
        }
    }

    @Test func whatCannotBeBegunWithIsLocated() throws {
        let folder = try Folder()
        _ = try folder.write("large.yaml", "halcyon: 1\nnetwork: {skeleton: {kind: chain, width: 200, blocks: [{block: plain}]}}")
        for (more, what) in [
            ("{architectures: [none.yaml]}", "architectures: no such file"), ("{study: nowhere}", "study: no study in"),
            ("{architectures: [large.yaml]}", "large: its parameters, "), ("{architecture: [large.yaml]}", "did you mean \"architectures\"?"),
        ] {
            let file = try folder.write("e.yaml", Self.experiment("warm-start: \(more)", trials: 2))
            let run = try Program.run("search", file, "--out", folder.path("study"))
            #expect(run.status == 2 && run.errors.contains(what) && run.errors.contains("e.yaml:"), "\(run.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder.path("study/study.sqlite")))
        }
    }

    @Test func costTellsScores() throws {
        let run = try Program.run("cost", "SearchSpaces/references/dncnn8x32.yaml", "--zero-cost", "--json")
        for document in try documents(run) {
            for score in ["grad_norm", "synflow", "naswot"] { #expect(try document.required(score).double().isFinite) }
        }
    }
}
