import Documents
import Foundation
import TrialStore
import Testing

/// The noise map and sub-images are choices of a space like any other, in every command.
@Suite(.serialized) struct InputConventionTests {
    static let space = """
        halcyon: 1
        name: conventions
        template:
          halcyon: 1
          network:
            noise-map: {choice: [false, true]}
            pixel-unshuffle: {choice: [1, 2]}
            skeleton: {kind: chain, width: 8, blocks: {repeat: {block: plain}, count: {int: [1, 2]}}}
        """

    @Test func aSpaceSwitchesThemOn() throws {
        let folder = try Folder()
        let space = try folder.write("space.yaml", Self.space)
        let samples = try Program.run("space", "sample", space, "--count", "12", "--json")
        #expect(samples.status == 0, "\(samples.errors)")
        let networks = try samples.lines.map { try Document.parse($0, file: "sample").required("network") }
        for (key, values) in [("noise-map", [false, true]), ("pixel-unshuffle", [1, 2])] as [(String, [Document])] {
            for value in values { #expect(networks.contains { $0[key] == value }, "\(key) \(value.json)") }
        }
        for (index, sample) in samples.lines.enumerated() {
            #expect(try Program.run("cost", folder.write("net\(index).json", sample)).status == 0)
        }

        // A search over them: some measured network has a noise map, and is told the level.
        let experiment = StudyCommandTests.experiment(steps: 30, trials: 6)
            .replacingOccurrences(of: "\(Program.repository)/SearchSpaces/mixed.yaml", with: space)
            .replacingOccurrences(of: "gaussian, sigma: 25", with: "gaussian, sigma: [5, 50]")
            .replacingOccurrences(of: "sigmas: [25]", with: "sigmas: [15, 50]")
        let study = folder.path("study")
        let run = try Program.run("search", folder.write("experiment.yaml", experiment), "--out", study)
        #expect(run.status == 0, "\(run.errors)")
        let trials = try StudyReader(directory: study).trials()
        #expect(trials.count == 6 && trials.allSatisfy { $0.state == .complete && $0.metrics["psnr_db"] != nil })

        try FileManager.default.createDirectory(atPath: folder.path("images"), withIntermediateDirectories: true)
        let picture = try Pictures.save(folder.path("images/leaves.png"))
        var maps: Set<Bool> = []
        for trial in trials {
            let model = "\(study)#\(trial.number)"
            let file = "\(study)/trials/\(trial.number)/architecture.json"
            let hasMap = try String(contentsOfFile: file, encoding: .utf8).replacingOccurrences(of: " ", with: "").contains("\"noise-map\":true")
            maps.insert(hasMap)
            #expect(try Program.run("evaluate", model, "--data", folder.path("images"), "--sigma", "25").status == 0)
            #expect(try Program.run("denoise", model, picture, folder.path("out.png"), "--sigma", "25").status == 0)
            let untold = try Program.run("denoise", model, picture, folder.path("untold.png"))
            #expect(untold.status == (hasMap ? 2 : 0))
            if hasMap { #expect(untold.errors.contains("--sigma")) }
        }
        #expect(maps.contains(true))

        let mapped = try folder.write(
            "mapped.yaml",
            "halcyon: 1\nnetwork: {noise-map: true, pixel-unshuffle: 2, skeleton: {kind: chain, width: 8, blocks: [{block: plain}]}}\n")
        let trained = try Program.run(
            "train", mapped, "--experiment", folder.path("experiment.yaml"), "--out", folder.path("trained"))
        #expect(trained.status == 0, "\(trained.errors)")
        #expect(FileManager.default.fileExists(atPath: folder.path("trained/model.h5")))
    }
}
