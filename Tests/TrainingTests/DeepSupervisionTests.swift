import Documents
import Engine
import Foundation
import Imaging
import Networks
import Testing
import Training

/// UNet++ whose nodes of full size are all supervised.
@Suite struct DeepSupervisionTests {
    static func candidate(normalization: String = "batch") -> Document {
        [
            "network": [
                "skeleton": [
                    "kind": "unetpp", "levels": 4, "width": 2, "deep-supervision": true,
                    "nodes": ["block": "plain", "normalization": .string(normalization)],
                ]
            ]
        ]
    }

    /// Pruned to exit j, nodes (i, k) with i + k > j + 1 and the other exits may hold anything.
    @Test func whatIsPrunedIsNotRun() throws {
        let noisy = Samples.colours.channel(0)
        for exit in 0..<3 {
            let network = try Denoiser(Architecture(Self.candidate()), seed: 4)
            network.exit = exit
            let expected = try network.denoise(noisy)
            #expect(try network.denoise(noisy, exit: exit) == expected)
            for name in network.parameters.names {
                let digits = name.hasPrefix("node") ? name.dropFirst(4).prefix(3).split(separator: "_").compactMap { Int($0) } : []
                let isOther = (name.hasPrefix("exit") && !name.hasPrefix("exit\(exit + 1).")) || (name.hasPrefix("out") && exit < 2)
                guard isOther || digits.reduce(0, +) > exit + 1 else { continue }
                network.parameters.set(name, network.parameters.values(of: name).map { _ in .nan })
            }
            #expect(try network.denoise(noisy) == expected, "exit \(exit)")
        }
        let network = try Denoiser(Architecture(Self.candidate()), seed: 4)
        #expect(try network.denoise(noisy) == network.denoise(noisy, exit: 2), "the last unless one is named")
    }

    /// After a training each depth denoises, and so does the whole, which is what is measured.
    @Test func everyDepthLearns() throws {
        var recipe = Recipe(steps: 150)
        recipe.learningRate = 5e-3
        let trainer = try Samples.trainer(Architecture(Self.candidate()), recipe: recipe)
        try trainer.run(to: recipe.steps)
        let denoiser = try Denoiser(trainer.architecture, parameters: trainer.network)
        let images = try Samples.pictures(2, size: 48, seed: 9)
        let noise = try EvaluationNoise(parsing: "philox:0")
        for exit in [0, 1, 2] {
            denoiser.exit = exit
            let means = try evaluateModel(denoiser, images: images, conditions: [.sigma(25)], noise: noise).means
            let gain = try #require(means["psnr_db"]) - #require(means["noisy_psnr_db"])
            #expect(gain > 2, "exit \(exit): \(gain) dB")
        }
    }

    /// A teacher is asked once and gives each hint once, however many images learn from it: a network that is its own teacher has a
    /// loss of 0 in the exit that the teacher shows, and in its hints.
    @Test func everyExitLearnsFromOneTeacher() throws {
        try Samples.withFolder { folder in
            let architecture = try Architecture(Self.candidate(normalization: "none"))
            let path = folder + "/own.h5"
            try ModelFile(
                architecture: architecture.canonicalDocument, tensors: Samples.trainer(architecture).network.namedTensors
            ).write(to: path)
            func loss(_ features: Document, _ term: Document) throws -> Float {
                var recipe = Recipe(steps: 1)
                recipe.loss = try TrainingLoss(["teacher": ["path": .string(path), "features": features, "feature-weight": term]])
                var loss: Float = -1
                try Samples.trainer(architecture, recipe: recipe).run(to: 1, onStep: { loss = $0.loss })
                return loss
            }
            let first = try loss(["node0_0"], 1), second = try loss(["node0_0", "node1_0"], 1000)
            #expect(first > 0, "the other exits differ from the teacher's image")
            #expect(first == second, "hints of oneself are met")
        }
    }
}
