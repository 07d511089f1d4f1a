import Documents
import Engine
import Imaging
import Networks
import Testing
import Training

/// What a recipe says about the optimizer's pass.
@Suite struct OptimizationTests {
    private func recipe(_ text: String) throws -> Recipe { try Recipe(Document.parse(text, file: "e.yaml")) }

    private func trained(_ text: String, steps: Int, normalization: String = "none") throws -> (losses: [Float], trainer: Trainer) {
        let trainer = try Samples.trainer(
            Samples.architecture(width: 8, blocks: 2, normalization: normalization), recipe: recipe(text), crop: 16)
        var losses: [Float] = []
        try trainer.run(to: steps, onStep: { losses.append($0.loss) })
        return (losses, trainer)
    }

    private func distance(_ a: [Float], _ b: [Float]) -> Double {
        let squares = zip(a, b).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        return (squares / b.reduce(0.0) { $0 + Double($1) * Double($1) }).squareRoot()
    }

    @Test(arguments: ["l2", "l1", "{charbonnier: 1, ssim: 0.1}"]) func fourPartsOfFourAreABatchOfSixteen(_ loss: String) throws {
        let plain = "{steps: 50, batch: 16, optimizer: sgd, momentum: 0.9, learning-rate: 0.01, weight-decay: 1e-4, loss: \(loss)"
        let whole = try trained(plain + "}", steps: 50), parts = try trained(plain + ", accumulate: 4}", steps: 50)
        #expect(whole.trainer.program.parts == 1 || parts.trainer.program.parts <= whole.trainer.program.parts)
        let apart = distance(parts.trainer.parameters.trainable.values, whole.trainer.parameters.trainable.values)
        #expect(apart < 1e-5, "\(apart)")
        let start = try trained(plain + "}", steps: 0).trainer.parameters.trainable.values
        #expect(distance(whole.trainer.parameters.trainable.values, start) > 1e-3, "it moves")
    }

    @Test func accumulatingWithAdamHasTheSameLosses() throws {
        let plain = "{steps: 50, batch: 16, learning-rate: 1e-3, loss: l1"
        let whole = try trained(plain + "}", steps: 50), parts = try trained(plain + ", accumulate: 4}", steps: 50)
        for (a, b) in zip(whole.losses, parts.losses) { #expect(abs(a - b) < 1e-4 * a) }
    }

    /// PyTorch's formula, in Double, from the gradients of each step.
    @Test func descentHasMomentumAndDecay() throws {
        let (_, trainer) = try trained(
            "{steps: 5, batch: 2, optimizer: sgd, momentum: 0.8, learning-rate: 0.1, weight-decay: 0.01, schedule: constant}", steps: 0)
        var expected = trainer.parameters.trainable.values.map { Double($0) }
        var velocity = [Double](repeating: 0, count: expected.count)
        for step in 1...5 {
            try trainer.run(to: step)
            for (i, gradient) in trainer.gradients.buffer.values.enumerated() {
                velocity[i] = 0.8 * velocity[i] + Double(gradient) + 0.01 * expected[i]
                expected[i] -= 0.1 * velocity[i]
            }
        }
        let found = trainer.parameters.trainable.values
        #expect(zip(found, expected).allSatisfy { abs(Double($0) - $1) < 1e-6 })
    }

    @Test func longGradientsAreShortened() throws {
        let text = "{steps: 3, batch: 2, optimizer: sgd, momentum: 0, learning-rate: 1, schedule: constant"
        let before = try trained(text + "}", steps: 0).trainer.parameters.trainable.values
        let free = try trained(text + "}", steps: 1).trainer.parameters.trainable.values
        let length = zip(before, free).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }.squareRoot()
        for (clip, expected) in [(length / 3, length / 3), (length * 3, length)] {
            let clipped = try trained(text + ", clip: \(clip)}", steps: 1).trainer.parameters.trainable.values
            let found = zip(before, clipped).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }.squareRoot()
            #expect(abs(found / expected - 1) < 1e-3, "\(found), expected \(expected)")
        }
    }

    /// The average of the steps' parameters is what is measured and kept; training itself goes its own way.
    @Test func averagesFollowTheParameters() throws {
        let text = "{steps: 30, batch: 2, ema: 0.5"
        let (_, trainer) = try trained(text + "}", steps: 0, normalization: "batch")
        var expected = trainer.parameters.trainable.values.map { Double($0) }
        for step in 1...30 {
            try trainer.run(to: step)
            let keeping = min(0.5, Double(1 + step) / Double(10 + step))
            for (i, value) in trainer.parameters.trainable.values.enumerated() { expected[i] += (1 - keeping) * (Double(value) - expected[i]) }
        }
        let averaged = trainer.network
        #expect(zip(averaged.trainable.values, expected).allSatisfy { abs(Double($0) - $1) < 1e-5 })
        #expect(averaged.trainable.values != trainer.parameters.trainable.values)
        #expect(averaged.frozen.values == trainer.parameters.frozen.values)
        let plain = try trained("{steps: 30, batch: 2}", steps: 30, normalization: "batch").trainer
        #expect(plain.parameters.trainable.values == trainer.parameters.trainable.values && plain.network === plain.parameters)
    }

    @Test(arguments: ["ema: 0.9, accumulate: 2, clip: 0.1", "optimizer: sgd, learning-rate: 0.01, loss: {l1: 0.5, ssim: 0.5}"])
    func anInterruptedTrainingEndsWithTheSameBits(_ settings: String) throws {
        try Samples.withFolder { folder in
            let text = "{steps: 8, batch: 4, \(settings)}"
            let whole = try trained(text, steps: 8).trainer
            try trained(text, steps: 5).trainer.checkpoint().write(to: folder + "/c.h5")
            let second = try trained(text, steps: 0).trainer
            try second.restore(Checkpoint.read(folder + "/c.h5"), path: "c.h5")
            try second.run(to: 8)
            #expect(second.checkpoint() == whole.checkpoint())
            #expect(second.network.namedTensors == whole.network.namedTensors)
        }
    }
}
