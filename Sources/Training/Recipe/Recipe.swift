import Documents
import Engine

/// How a network is trained: an experiment's `recipe:`, with a candidate's `training:` settings over it.
///
/// `{loss: l1, optimizer: adam, learning-rate: 1e-3, batch: 16, steps: 2000, precision: f32}`
package struct Recipe: Sendable {
    package typealias Precision = Engine.Precision

    package var loss: TrainingLoss
    package var optimizer: TrainingOptimizer
    package var learningRate = 1e-3
    /// Patches in a step.
    package var batch = 16
    /// Steps of a whole training; the schedule runs over all of them, wherever rungs lie.
    package var steps: Int
    package var precision = Precision.f32
    package var schedule: LearningRateSchedule
    /// The learning rate at the end of the schedule, as a part of the highest.
    package var minimumRatio = 0.01
    /// Steps in which the learning rate first rises linearly.
    package var warmUp = 0
    package var weightDecay = 0.0
    package var beta1 = 0.9
    package var beta2 = 0.999
    /// What the mean decision of a dynamic network's router aims at: multiply-accumulates as a part of full depth's.
    package var depthBudget = defaultDepthBudget
    /// Whether patches are mirrored and turned by right angles.
    package var augment = true

    package static let defaultDepthBudget = 0.6

    /// What a candidate's `training:` may say: all that does not change what a step of the fidelity means.
    package static let candidateKeys = [
        "loss", "optimizer", "learning-rate", "batch", "schedule", "minimum-ratio", "warm-up", "weight-decay", "beta1",
        "beta2", "augment", "depth-budget",
    ]
    package static let keys = candidateKeys + ["steps", "precision"]

    /// The defaults for a number of steps: L1, Adam, cosine.
    package init(steps: Int) {
        precondition(steps > 0, "a training has steps")
        loss = trainingLosses[0]
        optimizer = trainingOptimizers[0]
        schedule = learningRateSchedules[0]
        self.steps = steps
    }

    /// Reads an experiment's `recipe:`; `steps` must be there. Every fault is a located `InputError`.
    package init(_ document: Document) throws {
        try document.allowOnly(Self.keys)
        self.init(steps: try document.required("steps").int("steps", in: 1...1_000_000_000))
        if let precision = try document.optional("precision") {
            self.precision = try precision.word("precision", as: Precision.self)
        }
        try read(document)
    }

    /// This recipe with a candidate's `training:` settings; nil and null change nothing.
    package func overridden(by training: Document?) throws -> Recipe {
        guard let training, !training.isNull else { return self }
        for key in ["steps", "precision"] where training[key] != nil {
            throw (training[key] ?? training).fail(
                "a candidate's training settings cannot change \"\(key)\"", hint: "set it in the experiment's recipe")
        }
        try training.allowOnly(Self.candidateKeys)
        var recipe = self
        try recipe.read(training)
        return recipe
    }

    /// Every setting, defaults and other words for the same resolved: equal trainings have equal documents.
    package var document: Document {
        var document: Document = [
            "loss": .string(loss.kind.rawValue), "optimizer": .string(optimizer.name), "learning-rate": .float(learningRate),
            "batch": .int(batch), "steps": .int(steps), "precision": .string(precision.rawValue),
            "schedule": .string(schedule.name), "minimum-ratio": .float(minimumRatio), "warm-up": .int(warmUp),
            "weight-decay": .float(weightDecay), "beta1": .float(beta1), "beta2": .float(beta2), "augment": .bool(augment),
        ]
        // Left out at its default, as in checkpoints from before there were dynamic networks.
        if depthBudget != Self.defaultDepthBudget { document["depth-budget"] = .float(depthBudget) }
        return document
    }

    private mutating func read(_ document: Document) throws {
        if let word = try document.optional("loss") { loss = try pick(word, "loss", trainingLosses, \.name) }
        if let word = try document.optional("optimizer") { optimizer = try pick(word, "optimizer", trainingOptimizers, \.name) }
        if let word = try document.optional("schedule") { schedule = try pick(word, "schedule", learningRateSchedules, \.name) }
        learningRate = try document.optional("learning-rate")?.double("learning-rate", in: 1e-12...1e3) ?? learningRate
        batch = try document.optional("batch")?.int("batch", in: 1...65_536) ?? batch
        minimumRatio = try document.optional("minimum-ratio")?.double("minimum-ratio", in: 0...1) ?? minimumRatio
        if let value = try document.optional("warm-up") {
            warmUp = try value.int("warm-up", in: 0...Int.max)
            guard warmUp < steps else { throw value.fail("warm-up: \(warmUp) steps, but the training has \(steps)", hint: "lower it below the steps") }
        }
        weightDecay = try document.optional("weight-decay")?.double("weight-decay", in: 0...1) ?? weightDecay
        beta1 = try document.optional("beta1")?.double("beta1", in: 0...0.9999999) ?? beta1
        beta2 = try document.optional("beta2")?.double("beta2", in: 0...0.9999999) ?? beta2
        depthBudget = try document.optional("depth-budget")?.double("depth-budget", in: 0.05...1) ?? depthBudget
        augment = try document.optional("augment")?.bool("augment") ?? augment
    }

    private func pick<Entry>(
        _ word: Document, _ what: String, _ catalogue: [Entry], _ name: (Entry) -> String
    ) throws -> Entry {
        let found = try word.word(what, of: catalogue.map(name))
        guard let entry = catalogue.first(where: { name($0) == found }) else { preconditionFailure("a listed word") }
        return entry
    }

    /// The learning rate of a step, counted from 1. The warm-up ends at the full rate; the schedule then runs to the last step.
    package func learningRate(at step: Int) -> Double {
        if step <= warmUp { return learningRate * Double(step) / Double(warmUp) }
        let progress = Double(step - 1 - warmUp) / Double(max(1, steps - 1 - warmUp))
        return learningRate * schedule.factor(min(progress, 1), minimumRatio)
    }
}
