import Documents
import Foundation
import Imaging
import RandomStreams
import Testing
import Training

@Suite struct SecondStageTests {
    private static let text = """
        halcyon: 1
        data:
          train: {kind: dead-leaves, images: 4, size: 32, crop: 16}
          validation: {kind: pairs, path: PAIRS, noisy: "*_real.png", clean: "*_mean.png"}
        noise: {kind: gaussian, sigma: 25}
        recipe: {steps: 8, batch: 2, learning-rate: 1e-3}
        second-stage:
          from-step: 4
          train: {kind: pairs, path: PAIRS, noisy: "*_real.png", clean: "*_mean.png", crop: 16}
          learning-rate: 1e-4
        """

    private func experiment(_ text: String = text, folder: String = ".") throws -> TrainingExperiment {
        try TrainingExperiment(Document.parse(text, file: "e.yaml"), environment: [:], baseFolder: folder)
    }

    private func withPairs(_ body: (String) throws -> Void) throws {
        try Samples.withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder + "/PAIRS", withIntermediateDirectories: true)
            for number in 0..<3 {
                let clean = DeadLeaves(size: 24, channels: 1).image(RandomStream(seed: 7).split(number))
                try clean.save("\(folder)/PAIRS/\(number)_mean.png")
                try EvaluationNoise.philox(seed: 1).noisy(clean, sigma: 30, index: number).save("\(folder)/PAIRS/\(number)_real.png")
            }
            try body(folder)
        }
    }

    private func trainer(_ experiment: TrainingExperiment, staged: Bool = true) throws -> Trainer {
        let stage = try staged ? experiment.secondStage.map { TrainingStage($0, images: try $0.train.open(channels: 1, seed: 1)) } : nil
        return try Trainer(
            Samples.architecture(), recipe: experiment.recipe, images: experiment.train.open(channels: 1, seed: 1), noise: experiment.noise,
            crop: 16, seed: 3, second: stage)
    }

    /// The first steps are those of a training without a second stage; then other pictures and another rate come.
    @Test func thePicturesChangeAtTheStep() throws {
        try withPairs { folder in
            let experiment = try experiment(folder: folder)
            let staged = try trainer(experiment), plain = try trainer(experiment, staged: false)
            var losses: [[Float]] = [[], []]
            try staged.run(to: 8, onStep: { losses[0].append($0.loss) })
            try plain.run(to: 8, onStep: { losses[1].append($0.loss) })
            #expect(losses[0][..<4] == losses[1][..<4] && losses[0][4] != losses[1][4])

            let interrupted = try trainer(experiment)
            try interrupted.run(to: 5)
            let resumed = try trainer(experiment)
            try resumed.restore(interrupted.checkpoint(), path: "c.h5")
            try resumed.run(to: 8)
            #expect(resumed.checkpoint() == staged.checkpoint())
            #expect(try inputError { try plain.restore(interrupted.checkpoint(), path: "c.h5") } != nil)
        }
    }

    @Test func realPairsAreMeasuredAsTheyWereTaken() throws {
        try withPairs { folder in
            let experiment = try experiment(folder: folder)
            let pairs = try experiment.validation.open(channels: 1, seed: 1)
            let quality = try evaluateModel(
                Denoiser(Samples.architecture(), seed: 1), images: pairs, conditions: experiment.validation.conditions, noise: .philox(seed: 1))
            #expect(quality.images.map(\.condition) == ["recorded", "recorded", "recorded"])
            for (index, entry) in quality.images.enumerated() {
                let noisy = try #require(try pairs.noisy(index))
                #expect(try entry.noisyPSNR == peakSignalToNoise(noisy, pairs.image(index)) && abs(entry.sigma - 28) < 4)
            }
            #expect(!quality.means.keys.contains { $0.contains("@") })
        }
    }

    @Test func severalLevelsHaveTheirOwnMeans() throws {
        let images = try Samples.pictures(2)
        let means = try evaluateModel(
            Denoiser(Samples.architecture(), seed: 1), images: images, conditions: [.sigma(15), .sigma(50)], noise: .philox(seed: 1)
        ).means
        for name in ["psnr_db", "ssim", "noisy_psnr_db"] {
            let (both, light, heavy) = (try #require(means[name]), try #require(means[name + "@15"]), try #require(means[name + "@50"]))
            #expect(light > heavy && abs(both - (light + heavy) / 2) < 1e-9)
        }
        #expect(abs((means["noisy_psnr_db@15"] ?? 0) - 24.6) < 1)
    }

    @Test(arguments: [
        ("from-step: 4", "from-step: 8", 8, "recipe's steps"), ("crop: 16}\n  learning", "crop: 12}\n  learning", 9, "first stage"),
        ("  learning-rate: 1e-4", "  noise: {kind: gaussian, sigma: 5}", 10, "pairs"), ("from-step: 4", "from: 4", 8, "from-step"),
    ])
    func faultsAreLocated(_ good: String, _ bad: String, _ line: Int, _ words: String) throws {
        let error = try #require(try inputError { _ = try experiment(Self.text.replacing(good, with: bad)) })
        #expect(error.location?.line == line && "\(error)".contains(words), "\(error)")
    }
}
