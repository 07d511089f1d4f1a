import Documents
import Imaging

/// The later part of a training, on other pictures.
package struct TrainingStage: Sendable {
    /// Steps of the part before.
    package var fromStep: Int
    package var images: ImageSet
    package var noise: (any NoiseModel)?
    /// The schedule's highest rate; nil for the recipe's.
    package var learningRate: Double?

    package init(_ stage: TrainingExperiment.SecondStage, images: ImageSet) {
        fromStep = stage.fromStep
        self.images = images
        noise = stage.noise
        learningRate = stage.learningRate
    }

    /// What tells it from another, for a checkpoint.
    var document: Document {
        .object([
            ("from-step", .int(fromStep)), ("images", images.document), ("noise", noise?.document ?? .null),
            ("learning-rate", learningRate.map(Document.float) ?? .null),
        ])
    }

    /// Its learning rate at a step of the whole training: the schedule anew over the steps that are left, without warm-up.
    func learningRate(at step: Int, _ recipe: Recipe) -> Double {
        var recipe = recipe
        recipe.steps -= fromStep
        recipe.warmUp = 0
        recipe.learningRate = learningRate ?? recipe.learningRate
        return recipe.learningRate(at: step - fromStep)
    }
}
