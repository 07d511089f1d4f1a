import Documents
import Engine
import Imaging
import Networks
import RandomStreams

/// The loss or the parameters left the finite numbers: another attempt from the same seed would end alike.
package struct TrainingDiverged: Error, Sendable, CustomStringConvertible {
    package var step: Int
    /// What is not finite, for example `the loss is nan`.
    package var reason: String
    package var description: String { "the training diverged: \(reason) at step \(step)" }
}

/// Trains one network on the calling thread.
///
/// Initial weights come from stream (seed, "parameters"), the batch of a step from (seed, step): the seed and the content of
/// the checkpoint that it starts from determine every bit, wherever it was interrupted.
package final class Trainer {
    /// A step that was done.
    package struct Step: Sendable, Equatable {
        package var step: Int
        package var loss: Float
        /// A window of the learning curve that ended with this step.
        package var curveEntry: LearningCurve.Entry?
    }

    package let architecture: Architecture
    package let recipe: Recipe
    package let seed: UInt64
    package let parameters: ParameterStore
    package let gradients: GradientStore
    package let program: Program
    /// Steps done.
    package private(set) var step = 0
    package private(set) var curve: LearningCurve
    private let device: CPUDevice
    private let executable: Executable
    private let moments: AdamState
    private let batches: BatchPrefetcher
    /// Names the recipe, the noise and the pictures: a checkpoint goes on under the same ones only.
    private let settingsDigest: String

    /// Builds and compiles the training program and draws the initial weights.
    /// - Parameters:
    ///   - recipe: the candidate's own settings already over the experiment's.
    ///   - images: the training pictures, with the architecture's channels, none smaller than `crop`.
    ///   - crop: the side of the patches.
    /// - Throws: `InputError` when the network does not fit patches of this size.
    package init(
        _ architecture: Architecture, recipe: Recipe, images: ImageSet, noise: any NoiseModel, crop: Int, seed: UInt64,
        options: CompileOptions = CompileOptions()
    ) throws {
        self.architecture = architecture
        self.recipe = recipe
        var options = options
        options.precision = recipe.precision
        self.seed = seed
        curve = LearningCurve(steps: recipe.steps)
        let source = BatchSource(
            images: images, noise: noise, crop: crop, batchSize: recipe.batch, augments: recipe.augment, seed: seed)
        batches = BatchPrefetcher(source)
        settingsDigest = Document.object([
            ("recipe", recipe.document), ("noise", noise.document), ("crop", .int(crop)), ("images", images.document),
        ]).digest
        precondition(source.channels == architecture.network.inputChannels, "pictures with the network's channels")
        let graph = try buildGraph(architecture)
        let shapes = try Self.inputShapes(of: architecture, recipe: recipe, crop: crop)
        do {
            program = try Compiler.compileTraining(
                graph, architecture.objective(recipe.loss.kind, budget: recipe.depthBudget), inputs: shapes, options: options)
            device = CPUDevice(threads: options.threads)
            parameters = ParameterStore(graph.parameters, stream: RandomStream(seed: seed).split("parameters"))
            gradients = GradientStore(for: parameters)
            executable = try device.load(program, parameters: parameters, gradients: gradients)
        } catch let error as ShapeError {
            throw Self.misfit(crop, error)
        }
        moments = AdamState(for: parameters)
    }

    deinit { batches.end() }

    /// The shapes of a training step's inputs.
    /// - Throws: `InputError` when the network does not fit patches of this size.
    package static func inputShapes(of architecture: Architecture, recipe: Recipe, crop: Int) throws -> [String: Shape] {
        var shapes = architecture.inputShapes(height: crop, width: crop, batch: recipe.batch)
        do {
            _ = try buildGraph(architecture).shapes(inputs: shapes)
        } catch let error as ShapeError {
            throw misfit(crop, error)
        }
        shapes["target"] = shapes["image"]
        return shapes
    }

    private static func misfit(_ crop: Int, _ error: ShapeError) -> InputError {
        InputError(
            "the network cannot be trained on patches of \(crop)x\(crop): \(error.description)",
            hint: "use larger patches, or a network of fewer levels")
    }

    /// Trains until `resource` steps are done in all, or `shouldStop` says so after a step.
    /// - Parameters:
    ///   - around: called with each step's work, which it must run once: the place of a lock.
    ///   - onStep: called after each step; an error ends the training and is passed on.
    /// - Returns: whether the resource was reached.
    /// - Throws: `TrainingDiverged` when the loss, or a parameter at the end, is not finite; the weights are then of no use.
    @discardableResult
    package func run(
        to resource: Int, around: (() -> Void) throws -> Void = { $0() }, onStep: (Step) throws -> Void = { _ in },
        shouldStop: () -> Bool = { false }
    ) throws -> Bool {
        while step < resource {
            if shouldStop() { return false }
            var loss: Float = 0
            try around { loss = self.advance(isLast: self.step + 1 >= resource) }
            guard loss.isFinite else { throw TrainingDiverged(step: step, reason: "the loss is \(loss)") }
            try onStep(Step(step: step, loss: loss, curveEntry: curve.add(step: step, loss: Double(loss))))
        }
        // The last step's pass may have broken what its loss, taken before the pass, does not show.
        guard parameters.isFinite else { throw TrainingDiverged(step: step, reason: "parameters are not finite") }
        return true
    }

    /// Forward, backward and the optimizer's pass on the next batch; the loss before the pass. Unless it is the last one, the batch
    /// of the step after it is made meanwhile; nothing runs any more when it returns.
    private func advance(isLast: Bool) -> Float {
        step += 1
        defer { batches.finish() }
        let noisy = executable.input("image")
        withUnsafeTemporaryAllocation(of: Float.self, capacity: recipe.batch) { sigmas in
            batches.batch(step: step, clean: executable.input("target"), noisy: noisy, sigmas: sigmas)
            if !isLast { batches.prefetch(step: step + 1) }
            guard architecture.network.hasNoiseMap else { return }
            let map = executable.input("noise-map")
            let pixels = map.count / recipe.batch
            for item in 0..<recipe.batch {
                let range = item * pixels..<(item + 1) * pixels
                UnsafeMutableBufferPointer(rebasing: map[range]).update(repeating: sigmas[item] / 255)
            }
        }
        executable.run()
        let loss = executable.output("loss")[0]
        guard loss.isFinite else { return loss }
        recipe.optimizer.pass(
            device, parameters, gradients, moments,
            AdamSettings(
                learningRate: recipe.learningRate(at: step), beta1: recipe.beta1, beta2: recipe.beta2,
                weightDecay: recipe.weightDecay), step)
        return loss
    }

    /// Everything that the next steps depend on.
    package func checkpoint() -> Checkpoint {
        Checkpoint(
            step: step, seed: seed, candidateHash: architecture.candidateHash, settingsDigest: settingsDigest, tensors: parameters.namedTensors,
            firstMoments: moments.firstMoments.values, secondMoments: moments.secondMoments.values, curve: curve)
    }

    /// Goes back to a checkpoint of the same candidate and seed.
    /// - Parameter path: names the file in errors.
    /// - Throws: `InputError` when it is another candidate's or another seed's, or of another recipe, noise or set of pictures.
    package func restore(_ checkpoint: Checkpoint, path: String) throws {
        guard checkpoint.candidateHash == architecture.candidateHash else {
            throw InputError(
                file: path,
                "is a checkpoint of candidate \(checkpoint.candidateHash), expected \(architecture.candidateHash)",
                hint: "a training goes on from its own checkpoint only")
        }
        guard checkpoint.seed == seed else {
            throw InputError(file: path, "is a checkpoint of seed \(checkpoint.seed), expected \(seed)", hint: "train with the same seed")
        }
        guard checkpoint.settingsDigest == settingsDigest else {
            throw InputError(
                file: path, "is a checkpoint of a training with another recipe, noise or data",
                hint: "go on with the experiment that it began with, or train anew into another folder")
        }
        let count = moments.firstMoments.count
        guard checkpoint.firstMoments.count == count, checkpoint.secondMoments.count == count, checkpoint.step >= 0 else {
            throw InputError(
                file: path, "has \(checkpoint.firstMoments.count) optimizer moments, expected \(count)",
                hint: "it was written by another version of this program: train again")
        }
        try parameters.load(checkpoint.tensors, path: path)
        moments.firstMoments.pointer.update(from: checkpoint.firstMoments, count: count)
        moments.secondMoments.pointer.update(from: checkpoint.secondMoments, count: count)
        step = checkpoint.step
        curve = checkpoint.curve
    }
}
