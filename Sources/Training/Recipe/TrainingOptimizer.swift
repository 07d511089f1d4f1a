import Engine

/// An optimizer: one pass over the flat memory of all parameters. One line in `trainingOptimizers` each.
package struct TrainingOptimizer: Sendable {
    /// The word in a recipe.
    package let name: String
    /// The step's pass; steps count from 1.
    package let pass: @Sendable (
        _ device: CPUDevice, _ parameters: ParameterStore, _ gradients: GradientStore, _ state: AdamState, _ recipe: Recipe,
        _ learningRate: Double, _ step: Int
    ) -> Void
}

/// Every optimizer. Adam: Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1, with the weight decay apart from
/// the gradient (Loshchilov and Hutter 2019); `sgd`: stochastic gradient descent with momentum, the weight decay in the gradient.
package let trainingOptimizers: [TrainingOptimizer] = [
    TrainingOptimizer(name: "adam") { device, parameters, gradients, state, recipe, learningRate, step in
        let settings = AdamSettings(
            learningRate: learningRate, beta1: recipe.beta1, beta2: recipe.beta2, weightDecay: recipe.weightDecay)
        device.adam(parameters, gradients, state: state, settings: settings, step: step, gradientScale: 1)
    },
    TrainingOptimizer(name: "sgd") { device, parameters, gradients, state, recipe, learningRate, step in
        device.momentumDescent(
            parameters, gradients, velocity: state.firstMoments, learningRate: learningRate, momentum: recipe.momentum,
            weightDecay: recipe.weightDecay)
    },
]
