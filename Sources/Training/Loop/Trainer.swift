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
    /// The network's parameters and buffers, and frozen ones that the loss brings along.
    package let parameters: ParameterStore
    package let gradients: GradientStore
    /// Of the size of patches that the last step had.
    package private(set) var program: Program
    /// Steps done.
    package internal(set) var step = 0
    /// Seconds that its steps took, as whoever runs them tells.
    package var seconds = 0.0
    package internal(set) var curve: LearningCurve
    private let device: CPUDevice
    private var executable: Executable
    private let graph: Graph
    private let objective: TrainingObjective
    private let options: CompileOptions
    /// The side of the patches that `program` is for.
    private var compiledCrop: Int
    /// The seconds that the whole schedule takes; nil where it goes by steps.
    private let scheduleSeconds: Double?
    let moments: AdamState
    /// The sum of the gradients of a step's parts.
    private let sum: FloatBuffer?
    /// The average of the trainable parameters over the steps, in the store's layout.
    let average: FloatBuffer?
    /// The network alone, as `network` gives it; nil where that is `parameters`.
    let networkStore: ParameterStore?
    private let batches: BatchPrefetcher
    private let second: TrainingStage?
    /// Names the recipe, the noise, the pictures and the weights that the loss brings along: a checkpoint goes on under the same ones only.
    let settingsDigest: String

    /// Builds and compiles the training program and draws the initial weights.
    /// - Parameters:
    ///   - recipe: the candidate's own settings already over the experiment's.
    ///   - images: the training pictures, with the architecture's channels, none smaller than `crop`.
    ///   - noise: nil where the pictures are pairs.
    ///   - crop: the side of the patches.
    ///   - second: other pictures from a step on.
    ///   - early: the parts before, with the last step of each, ascending.
    ///   - scheduleSeconds: the schedule's length in `seconds`, for a training that ends by time; the learning rate is then that of the step
    ///     at the same part of the recipe's.
    /// - Throws: `InputError` when the network does not fit patches of this size.
    package init(
        _ architecture: Architecture, recipe: Recipe, images: ImageSet, noise: (any NoiseModel)?, crop: Int, seed: UInt64,
        second: TrainingStage? = nil, early: [EarlyTraining] = [], scheduleSeconds: Double? = nil,
        options: CompileOptions = CompileOptions()
    ) throws {
        precondition(second == nil || early.isEmpty && scheduleSeconds == nil, "a second stage begins at a step, on patches of one size")
        self.architecture = architecture
        self.recipe = recipe
        var options = options
        options.precision = recipe.precision
        options.recompute = recipe.recompute
        self.seed = seed
        curve = LearningCurve(steps: recipe.steps)
        self.second = second
        self.scheduleSeconds = scheduleSeconds
        self.options = options
        func source(_ images: ImageSet, _ noise: (any NoiseModel)?, _ crop: Int) -> BatchSource {
            precondition(images.size(0).channels == architecture.network.inputChannels, "pictures with the network's channels")
            return BatchSource(
                images: images, noise: noise, crop: crop, batchSize: recipe.batch, augmentation: recipe.augment, supervision: recipe.supervision, seed: seed)
        }
        for set in [images, second?.images].compactMap({ $0 }) { try Self.check(set, recipe, crop: crop) }
        for part in early { try Self.check(part.images, recipe, crop: part.crop) }
        var parts = early.map { (through: $0.throughStep, source: source($0.images, noise, $0.crop)) }
        parts.append((second?.fromStep ?? .max, source(images, noise, crop)))
        if let second { parts.append((.max, source(second.images, second.noise, crop))) }
        batches = BatchPrefetcher(parts: parts)
        graph = try buildGraph(architecture)
        compiledCrop = batches.crop(of: 1)
        let shapes = try Self.inputShapes(of: architecture, recipe: recipe, crop: compiledCrop)
        do {
            let loss = try recipe.loss.objective(
                for: architecture, budget: recipe.depthBudget, isMasked: recipe.supervision == .noise2void)
            objective = loss.objective
            program = try Compiler.compileTraining(graph, objective, inputs: shapes, options: options)
            device = CPUDevice(threads: options.threads)
            let stream = RandomStream(seed: seed).split("parameters")
            parameters = ParameterStore(program.parameters, stream: stream)
            for tensor in loss.frozen { parameters.set(tensor.name, tensor.values) }
            var settings: Document = .object([
                ("recipe", recipe.identity(lossWeights: loss.frozen)), ("noise", noise?.document ?? .null), ("crop", .int(crop)),
                ("images", images.document),
            ])
            settings["second-stage"] = second?.document
            if !early.isEmpty { settings["early"] = .array(early.map(\.document)) }
            settings["schedule-seconds"] = scheduleSeconds.map(Document.float)
            settingsDigest = settings.digest
            gradients = GradientStore(for: parameters)
            executable = try device.load(program, parameters: parameters, gradients: gradients)
        } catch let error as ShapeError {
            throw Self.misfit(compiledCrop, error)
        }
        moments = AdamState(for: parameters)
        sum = recipe.accumulate > 1 ? FloatBuffer(count: parameters.trainable.count) : nil
        average = recipe.averaging > 0 ? FloatBuffer(count: parameters.trainable.count) : nil
        average?.copy(from: parameters.trainable)
        let isAlone = average == nil && program.parameters == graph.parameters
        networkStore = isAlone ? nil : ParameterStore(graph.parameters, stream: RandomStream(seed: seed).split("parameters"))
    }

    deinit { batches.end() }

    /// Compiles the program for the patches of a step. The parameters are those of the network, whatever the size.
    private func compile(for step: Int) throws {
        let crop = batches.crop(of: step)
        do {
            let shapes = try Self.inputShapes(of: architecture, recipe: recipe, crop: crop)
            program = try Compiler.compileTraining(graph, objective, inputs: shapes, options: options)
            executable = try device.load(program, parameters: parameters, gradients: gradients)
            compiledCrop = crop
        } catch let error as ShapeError {
            throw Self.misfit(crop, error)
        }
    }

    /// The network's parameters and buffers as they are measured and kept: the averaged ones where the recipe averages. Changed by
    /// the next steps at the latest when it is asked for again.
    package var network: ParameterStore {
        guard let networkStore else { return parameters }
        // Its parameters come first in the training's store; what a loss trains beside them, behind.
        networkStore.trainable.copy(fromStartOf: average ?? parameters.trainable)
        for name in networkStore.names where networkStore.view(name)?.specification.trainable == false {
            networkStore.set(name, parameters.values(of: name))
        }
        networkStore.markChanged()
        return networkStore
    }

    /// Trains until `resource` steps are done in all, or `isDone`, or `shouldStop` says so after a step.
    /// - Parameters:
    ///   - isDone: asked before each step: whether the resource was reached before so many steps, as of a training that ends by time.
    ///   - around: called with each step's work, which it must run once: the place of a lock.
    ///   - onStep: called after each step; an error ends the training and is passed on.
    /// - Returns: whether the resource was reached.
    /// - Throws: `TrainingDiverged` when the loss, or a parameter at the end, is not finite; the weights are then of no use.
    @discardableResult
    package func run(
        to resource: Int, isDone: () -> Bool = { false }, around: (() throws -> Void) throws -> Void = { try $0() },
        onStep: (Step) throws -> Void = { _ in }, shouldStop: () -> Bool = { false }
    ) throws -> Bool {
        while step < resource, !isDone() {
            if shouldStop() { return false }
            if batches.crop(of: step + 1) != compiledCrop { try around { try self.compile(for: self.step + 1) } }
            var loss: Float = 0
            try around { loss = try self.advance(isLast: self.step + 1 >= resource) }
            guard loss.isFinite else { throw TrainingDiverged(step: step, reason: "the loss is \(loss)") }
            try onStep(Step(step: step, loss: loss, curveEntry: curve.add(step: step, loss: Double(loss))))
        }
        // The last step's pass may have broken what its loss, taken before the pass, does not show.
        guard parameters.isFinite else { throw TrainingDiverged(step: step, reason: "parameters are not finite") }
        return true
    }

    /// Forward, backward and the optimizer's pass on the next batch; the loss before the pass. Unless it is the last one, the batch
    /// of the step after it is made meanwhile; nothing runs any more when it returns.
    /// - Throws: `InputError` where a picture cannot be read any more.
    private func advance(isLast: Bool) throws -> Float {
        defer { batches.finish() }
        try batches.take(step: step + 1)
        step += 1
        let parts = recipe.accumulate
        var loss = 0.0
        for part in 0..<parts {
            load(part: part, of: batches.taken)
            if !isLast, part == parts - 1 { batches.prefetch(step: step + 1) }
            executable.run()
            loss += Double(executable.output("loss")[0])
            guard let sum else { continue }
            if part == 0 { sum.copy(from: gradients.buffer) } else { sum.add(gradients.buffer) }
        }
        let mean = Float(loss / Double(parts))
        guard mean.isFinite else { return mean }
        if let sum {
            sum.scale(by: 1 / Float(parts))
            gradients.buffer.copy(from: sum)
        }
        if let clip = recipe.clip {
            let norm = gradients.buffer.norm
            if norm > clip { gradients.buffer.scale(by: Float(clip / norm)) }
        }
        var learningRate = recipe.learningRate(at: scheduleStep)
        if let second, step > second.fromStep { learningRate = second.learningRate(at: step, recipe) }
        recipe.optimizer.pass(device, parameters, gradients, moments, recipe, learningRate, step)
        // The first steps, whose parameters are nobody's wish, are forgotten sooner.
        average?.average(keeping: Float(min(recipe.averaging, Double(1 + step) / Double(10 + step))), with: parameters.trainable)
        return mean
    }

    /// Where the schedule stands: at the step that is done, or at the same part of the recipe's steps as of its seconds.
    private var scheduleStep: Int {
        guard let scheduleSeconds else { return step }
        return min(1 + Int(min(seconds / scheduleSeconds, 1) * Double(recipe.steps)), recipe.steps)
    }

    /// Copies one part of a batch into the inputs of the step's program.
    private func load(part: Int, of batch: BatchSource.Buffers) {
        func copy(_ source: UnsafeMutableBufferPointer<Float>, to name: String) -> UnsafeMutableBufferPointer<Float>? {
            guard program.inputs[name] != nil else { return nil }
            let input = executable.input(name)
            _ = input.update(fromContentsOf: source[part * input.count..<(part + 1) * input.count])
            return input
        }
        _ = copy(batch.noisy, to: "image")
        _ = copy(batch.target, to: "target")
        _ = copy(batch.mask, to: "mask")
        if let map = copy(batch.levels, to: "noise-map") {
            for i in map.indices { map[i] /= 255 }
        }
    }
}
