import Documents
import Engine
import Imaging
import Networks
import Testing
import Training

@Suite struct TrainerTests {
    /// Kinds of networks on which the laws hold.
    static let candidates = [
        Samples.candidate(), Samples.candidate(blocks: 2, normalization: "none"), Samples.candidate(noiseMap: true),
        [
            "network": [
                "size-multiple": 2, "predicts": "image",
                "skeleton": ["kind": "unetpp", "levels": 2, "width": 4, "nodes": ["block": "residual"]],
            ],
            "training": ["loss": "mse", "weight-decay": 0.01, "batch": 3],
        ],
    ]

    private func sameBits(_ a: Checkpoint, _ b: Checkpoint) -> Bool {
        func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }
        return a == b && bits(a.firstMoments) == bits(b.firstMoments) && bits(a.secondMoments) == bits(b.secondMoments)
            && a.tensors.allSatisfy { tensor in
                b.tensors.first { $0.name == tensor.name }.map { bits($0.values) == bits(tensor.values) } ?? false
            }
    }

    @Test(arguments: candidates) func sameSeedSameBits(_ candidate: Document) throws {
        func train(_ seed: UInt64) throws -> Checkpoint {
            let trainer = try Samples.trainer(Architecture(candidate), seed: seed)
            try trainer.run(to: 3)
            return trainer.checkpoint()
        }
        let first = try train(5)
        #expect(sameBits(first, try train(5)))
        #expect(try train(6).tensors != first.tensors)
    }

    @Test(arguments: candidates) func anInterruptedTrainingEndsWithTheSameBits(_ candidate: Document) throws {
        try Samples.withFolder { folder in
            let whole = try Samples.trainer(Architecture(candidate))
            try whole.run(to: 6)
            let first = try Samples.trainer(Architecture(candidate))
            #expect(try first.run(to: 6, shouldStop: { first.step == 3 }) == false)
            try first.checkpoint().write(to: folder + "/checkpoint.h5")
            let second = try Samples.trainer(Architecture(candidate))
            try second.restore(Checkpoint.read(folder + "/checkpoint.h5"), path: "checkpoint.h5")
            #expect(second.step == 3)
            #expect(try second.run(to: 6))
            #expect(sameBits(whole.checkpoint(), second.checkpoint()))
        }
    }

    @Test func anotherTrainingsCheckpointIsRefused() throws {
        let checkpoint = try Samples.trainer(Samples.architecture()).checkpoint()
        let other = try Samples.trainer(Samples.architecture(width: 5))
        #expect(try inputError { try other.restore(checkpoint, path: "c.h5") }?.description.contains("c.h5") == true)
        let seeded = try Samples.trainer(Samples.architecture(), seed: 9)
        #expect(try inputError { try seeded.restore(checkpoint, path: "c.h5") }?.description.contains("seed") == true)
    }

    @Test func aCheckpointGoesOnUnderItsOwnSettingsOnly() throws {
        var recipe = Recipe(steps: 6)
        recipe.batch = 2
        let checkpoint = try Samples.trainer(Samples.architecture(), recipe: recipe).checkpoint()
        try Samples.trainer(Samples.architecture(), recipe: recipe).restore(checkpoint, path: "c.h5")
        var others: [Trainer] = []
        let mse = try TrainingLoss("mse")
        for change in [{ $0.learningRate = 0.5 }, { $0.steps = 7 }, { $0.augment = .none }, { $0.loss = mse }]
            as [(inout Recipe) -> Void]
        {
            var changed = recipe
            change(&changed)
            others.append(try Samples.trainer(Samples.architecture(), recipe: changed))
        }
        others.append(try Samples.trainer(Samples.architecture(), recipe: recipe, images: Samples.pictures(5)))
        others.append(try Samples.trainer(Samples.architecture(), recipe: recipe, crop: 20))
        others.append(
            try Trainer(
                Samples.architecture(), recipe: recipe, images: Samples.pictures(), noise: GaussianNoise(sigma: 25), crop: 16,
                seed: 5))
        for other in others {
            let error = try #require(try inputError { try other.restore(checkpoint, path: "c.h5") })
            #expect(error.message.contains("c.h5") && error.message.contains("recipe") && error.hint != nil)
        }
    }

    /// The pass after the last loss may break the parameters unseen.
    @Test func brokenParametersEndTheTraining() throws {
        let trainer = try Samples.trainer(Samples.architecture())
        try trainer.run(to: 2)
        trainer.parameters.set("conv1.weight", trainer.parameters.values(of: "conv1.weight").map { _ in .infinity })
        let error = try #require(throws: TrainingDiverged.self) { try trainer.run(to: 2) }
        #expect(error.step == 2 && error.description.contains("parameters"))
    }

    @Test func theLearningCurveAveragesWindows() throws {
        var recipe = Recipe(steps: 40)
        recipe.batch = 1
        let trainer = try Samples.trainer(Samples.architecture(), recipe: recipe)
        var losses: [Double] = []
        try trainer.run(to: 5, onStep: { losses.append(Double($0.loss)) })
        #expect(trainer.curve.entries.map(\.step) == [2, 4])
        #expect(trainer.curve.entries[1].loss == (losses[2] + losses[3]) / 2 && trainer.curve.latest == losses[4])
    }

    @Test func divergenceNamesItsStep() throws {
        var recipe = Recipe(steps: 50)
        recipe.batch = 1
        recipe.learningRate = 1e3
        recipe.loss = try TrainingLoss("mse")
        let trainer = try Samples.trainer(Samples.architecture(blocks: 8, normalization: "none"), recipe: recipe)
        do {
            try trainer.run(to: 50)
            Issue.record("a learning rate of 1000 did not diverge")
        } catch let error as TrainingDiverged {
            #expect(error.step > 1 && error.step == trainer.step && error.description.contains("step \(error.step)"))
        }
    }

    @Test func aTinyNetworkLearns() throws {
        var recipe = Recipe(steps: 250)
        recipe.batch = 8
        recipe.learningRate = 5e-3
        let images = try Samples.pictures(32, size: 64)
        let architecture = try Samples.architecture(width: 8, blocks: 2)
        let trainer = try Trainer(
            architecture, recipe: recipe, images: images, noise: GaussianNoise(sigma: 25), crop: 32, seed: 1)
        try trainer.run(to: 250)
        let curve = trainer.curve.entries.map(\.loss)
        #expect(curve.count == 20 && curve[19] < 0.6 * curve[0], "\(curve)")
        let held = try DeadLeavesDataset(images: 4, size: 64).open(channels: 1, seed: 3, role: .validation)
        let quality = try evaluateModel(
            Denoiser(architecture, parameters: trainer.parameters), images: held, conditions: [.sigma(25)], noise: .philox(seed: 1)
        ).means
        let gain = (quality["psnr_db"] ?? 0) - (quality["noisy_psnr_db"] ?? 0)
        #expect(gain > 1, "\(gain) dB")
    }

    /// No clean picture stands in the loop, and the network denoises all the same.
    @Test(arguments: [Supervision.noise2noise, .noise2void, .neighbor2neighbor]) func noisyPicturesTeach(_ supervision: Supervision) throws {
        var recipe = Recipe(steps: 250)
        recipe.batch = 8
        recipe.learningRate = 5e-3
        recipe.loss = try TrainingLoss("l2")
        recipe.supervision = supervision
        let images = try Samples.pictures(32, size: 64), architecture = try Samples.architecture(width: 8, blocks: 2, normalization: "none")
        let trainer = try Trainer(architecture, recipe: recipe, images: images, noise: GaussianNoise(sigma: 40), crop: 32, seed: 1)
        try trainer.run(to: 250)
        let held = try DeadLeavesDataset(images: 4, size: 64).open(channels: 1, seed: 3, role: .validation)
        let quality = try evaluateModel(
            Denoiser(architecture, parameters: trainer.network), images: held, conditions: [.sigma(40)], noise: .philox(seed: 1)
        ).means
        let gain = (quality["psnr_db"] ?? 0) - (quality["noisy_psnr_db"] ?? 0)
        #expect(gain > 2, "\(gain) dB")
    }

    @Test func supervisionNeedsItsPictures() throws {
        var recipe = Recipe(steps: 5)
        recipe.supervision = .neighbor2neighbor
        #expect(try inputError { _ = try Samples.trainer(Samples.architecture(), recipe: recipe, crop: 20) }?.message.contains("twice the crop") == true)
        recipe.supervision = .noise2void
        recipe.loss = try TrainingLoss("ssim")
        #expect(try inputError { _ = try Samples.trainer(Samples.architecture(), recipe: recipe) }?.message.contains("noise2void") == true)
    }

    /// A batch made ahead has the bits of one made when it is needed, in any order of steps.
    @Test func prefetchedBatchesAreTheSame() throws {
        func source() throws -> BatchSource {
            BatchSource(
                images: try Samples.pictures(), noise: GaussianNoise(sigmas: 5...50), crop: 12, batchSize: 3, seed: 9)
        }
        let direct = try source(), prefetcher = BatchPrefetcher(try source())
        let expected = BatchSource.Buffers(for: direct)
        defer {
            prefetcher.end()
            expected.deallocate()
        }
        for (step, ahead) in [(1, 2), (2, 3), (3, 7), (4, 5), (5, 5), (5, 6), (6, 7)] {
            try prefetcher.take(step: step)
            let found = [prefetcher.taken.target, prefetcher.taken.noisy, prefetcher.taken.levels].map(Array.init)
            prefetcher.prefetch(step: ahead)
            try direct.batch(step: step, into: expected)
            #expect(found == [expected.target, expected.noisy, expected.levels].map(Array.init), "step \(step)")
        }
        prefetcher.finish()
    }
}
