import Engine

/// A loss between the network's image and the clean one. One line in `trainingLosses` each.
package struct TrainingLoss: Sendable, Equatable {
    /// The word in a recipe.
    package let name: String
    package let kind: PixelLoss.Kind
}

/// Every loss: means over all samples of |x - t| and (x - t)²; `mse` is another word for `l2`.
package let trainingLosses: [TrainingLoss] = [
    TrainingLoss(name: "l1", kind: .l1),
    TrainingLoss(name: "l2", kind: .l2),
    TrainingLoss(name: "mse", kind: .l2),
]
