import Engine

/// A loss between the network's image and the clean one.
package struct TrainingLoss: Sendable, Equatable {
    /// The word in a recipe.
    package let name: String
    package let kind: PixelLoss.Kind
}

/// Every loss: means over all samples of |x - t| and (x - t)²; `mse` is another word for `l2`.
package let trainingLosses: [TrainingLoss] = PixelLoss.Kind.words.map { TrainingLoss(name: $0.word, kind: $0.kind) }
