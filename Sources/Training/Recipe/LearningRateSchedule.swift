import Foundation

/// How the learning rate goes down over a training. One line in `learningRateSchedules` each.
package struct LearningRateSchedule: Sendable {
    /// The word in a recipe.
    package let name: String
    /// The factor on the learning rate at a step, counted from 0 after the warm-up, of so many.
    package let factor: @Sendable (_ step: Int, _ steps: Int, _ recipe: Recipe) -> Double
}

/// Every schedule. Cosine: Loshchilov and Hutter, "SGDR", 2017, eq. 5, one period without restarts, down to `minimum-ratio`. Step: times
/// `step-factor` at each of `milestones`, which are parts of the training.
package let learningRateSchedules: [LearningRateSchedule] = [
    LearningRateSchedule(name: "cosine") { step, steps, recipe in
        let progress = min(Double(step) / Double(max(1, steps - 1)), 1)
        return recipe.minimumRatio + (1 - recipe.minimumRatio) * 0.5 * (1 + cos(Double.pi * progress))
    },
    LearningRateSchedule(name: "constant") { _, _, _ in 1 },
    LearningRateSchedule(name: "step") { step, steps, recipe in
        let passed = recipe.milestones.filter { Double(step) >= $0 * Double(steps) }.count
        return pow(recipe.stepFactor, Double(passed))
    },
]
