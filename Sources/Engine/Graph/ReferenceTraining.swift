import Foundation

/// What a training step computed, by name.
package struct TrainingStepValues<Scalar: ReferenceScalar>: Sendable {
    /// Every output of the training graph, the loss among them.
    package var outputs: [String: Tensor<Scalar>]
    /// Of each trainable parameter that the loss depends on.
    package var gradients: [String: Tensor<Scalar>]
    /// The buffers after the step: batch norm's running statistics, a router's threshold.
    package var buffers: [String: Tensor<Scalar>]

    package init(outputs: [String: Tensor<Scalar>], gradients: [String: Tensor<Scalar>], buffers: [String: Tensor<Scalar>]) {
        self.outputs = outputs
        self.gradients = gradients
        self.buffers = buffers
    }

    /// The reported loss.
    package var loss: Scalar {
        guard let loss = outputs["loss"] else { preconditionFailure("a training graph has the output loss") }
        return loss.elements[0]
    }
}

/// Training steps as the definitions have them: the interpreter forward and backward, the buffers' updates, and Adam, all in
/// `Scalar`. The slow twin of a compiled training program with `CPUDevice.adam`.
package struct ReferenceTraining<Scalar: ReferenceScalar>: Sendable {
    /// Parameters and buffers as they are now.
    package private(set) var parameters: [String: Tensor<Scalar>]
    /// Steps done.
    package private(set) var step = 0
    private let interpreter: ReferenceInterpreter<Scalar>
    private let gradients: [(parameter: Int, value: ValueID)]
    private let settings: AdamSettings
    private var firstMoments: [String: Tensor<Scalar>] = [:]
    private var secondMoments: [String: Tensor<Scalar>] = [:]

    /// - Parameters:
    ///   - network: a network's training-mode graph, as it is or with fusions.
    ///   - parameters: by name, buffers included.
    package init(
        _ network: Graph, _ objective: TrainingObjective, parameters: [String: Tensor<Scalar>],
        settings: AdamSettings = AdamSettings()
    ) {
        let training = network.training(objective)
        interpreter = ReferenceInterpreter(training.graph)
        gradients = training.gradients
        self.parameters = parameters
        self.settings = settings
    }

    /// One step on a batch, the input `target` included.
    package mutating func advance(_ inputs: [String: Tensor<Scalar>]) -> TrainingStepValues<Scalar> {
        let graph = interpreter.graph
        let values = interpreter.run(inputs: inputs, parameters: parameters)
        for update in graph.updates { parameters[graph.parameters[update.parameter].name] = values[update.value.index] }
        let buffers = graph.parameters.filter { !$0.trainable }.map { ($0.name, parameters[$0.name]!) }
        let found = gradients.map { (graph.parameters[$0.parameter].name, values[$0.value.index]) }
        step += 1
        for (name, gradient) in found { adam(name, gradient) }
        return TrainingStepValues(
            outputs: Dictionary(uniqueKeysWithValues: graph.outputs.map { ($0.name, values[$0.value.index]) }),
            gradients: Dictionary(uniqueKeysWithValues: found), buffers: Dictionary(uniqueKeysWithValues: buffers))
    }

    /// The formula of `halcyon_adam`, which is PyTorch's.
    private mutating func adam(_ name: String, _ gradient: Tensor<Scalar>) {
        let (beta1, beta2) = (Scalar(settings.beta1), Scalar(settings.beta2))
        let m = Tensor.zip(firstMoments[name] ?? Tensor(gradient.shape), gradient) { beta1 * $0 + (1 - beta1) * $1 }
        let v = Tensor.zip(secondMoments[name] ?? Tensor(gradient.shape), gradient) { beta2 * $0 + (1 - beta2) * $1 * $1 }
        firstMoments[name] = m
        secondMoments[name] = v
        let rate = Scalar(settings.learningRate)
        let epsilon = Scalar(settings.epsilon)
        let stepSize = Scalar(settings.learningRate / (1 - pow(settings.beta1, Double(step))))
        let correction = Scalar((1 - pow(settings.beta2, Double(step))).squareRoot())
        let decayed = parameters[name]!.map { $0 - rate * Scalar(settings.weightDecay) * $0 }
        let direction = Tensor.zip(m, v) { $0 / ($1.squareRoot() / correction + epsilon) }
        parameters[name] = Tensor.zip(decayed, direction) { $0 - stepSize * $1 }
    }
}

extension TrainingStepValues<Float> {
    /// What a run of a compiled training program left behind, before the optimizer.
    package init(_ executable: Executable, parameters: ParameterStore, gradients: GradientStore) {
        let outputs = executable.program.outputShapes.map { ($0, Tensor($1, Array(executable.output($0)))) }
        let trainable = parameters.specifications.filter(\.trainable)
        let frozen = parameters.specifications.filter { !$0.trainable }
        self.init(
            outputs: Dictionary(uniqueKeysWithValues: outputs),
            gradients: Dictionary(
                uniqueKeysWithValues: trainable.map { ($0.name, Tensor($0.shape, gradients.values(of: $0.name))) }),
            buffers: Dictionary(uniqueKeysWithValues: frozen.map { ($0.name, Tensor($0.shape, parameters.values(of: $0.name))) }))
    }
}
