import Engine

/// An optimizer: one pass over the flat memory of all parameters. One line in `trainingOptimizers` each.
package struct TrainingOptimizer: Sendable {
    /// The word in a recipe.
    package let name: String
    /// The step's pass; steps count from 1.
    package let pass: @Sendable (
        _ device: CPUDevice, _ parameters: ParameterStore, _ gradients: GradientStore, _ state: AdamState,
        _ settings: AdamSettings, _ step: Int
    ) -> Void
}

/// Every optimizer. Adam: Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.
package let trainingOptimizers: [TrainingOptimizer] = [
    TrainingOptimizer(name: "adam") { device, parameters, gradients, state, settings, step in
        device.adam(parameters, gradients, state: state, settings: settings, step: step, gradientScale: 1)
    }
]
