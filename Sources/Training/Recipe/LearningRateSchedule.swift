import Foundation

/// How the learning rate goes down over a training. One line in `learningRateSchedules` each.
package struct LearningRateSchedule: Sendable {
    /// The word in a recipe.
    package let name: String
    /// The factor on the learning rate at a progress in 0...1, where `minimumRatio` is the factor at the end.
    package let factor: @Sendable (_ progress: Double, _ minimumRatio: Double) -> Double
}

/// Every schedule. Cosine: Loshchilov and Hutter, "SGDR", 2017, eq. 5, one period without restarts.
package let learningRateSchedules: [LearningRateSchedule] = [
    LearningRateSchedule(name: "cosine") { progress, minimum in
        minimum + (1 - minimum) * 0.5 * (1 + cos(Double.pi * progress))
    },
    LearningRateSchedule(name: "constant") { _, _ in 1 },
]
