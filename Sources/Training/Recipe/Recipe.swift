import Documents
import Engine
import Imaging

/// How a network is trained: an experiment's `recipe:`, with a candidate's `training:` settings over it.
///
/// `{loss: l1, optimizer: adam, learning-rate: 1e-3, batch: 16, steps: 2000, precision: f32}`; the README's table has every key.
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
    /// Whether normalized maps are made again for the backward pass instead of kept: the same numbers in less memory.
    package var recompute = false
    /// What the batches hold as targets.
    package var supervision = Supervision.clean
    package var schedule: LearningRateSchedule
    /// The learning rate at the end of the schedule, as a part of the highest.
    package var minimumRatio = 0.01
    /// Steps in which the learning rate first rises linearly.
    package var warmUp = 0
    /// Where schedule `step` lowers the rate, as parts of the training, and by which factor.
    package var milestones = [0.5, 0.75]
    package var stepFactor = 0.1
    package var weightDecay = 0.0
    /// The largest Euclidean norm of all gradients together; longer ones are shortened to it. Nil leaves them.
    package var clip: Double?
    /// In how many parts, one after another, a step's batch is run: the gradient is that of the whole batch, the memory that of a part.
    /// Only batch norm sees the difference.
    package var accumulate = 1
    /// The decay of the average over the steps' parameters, which is then what is measured and kept; 0 takes the last step's.
    package var averaging = 0.0
    package var momentum = 0.9
    package var beta1 = 0.9
    package var beta2 = 0.999
    /// What the mean decision of a dynamic network's router aims at: multiply-accumulates as a part of full depth's.
    package var depthBudget = defaultDepthBudget
    /// How patches are varied before the noise.
    package var augment = Augmentation.symmetric

    package static let defaultDepthBudget = 0.6
    private static let defaults = Recipe(steps: 1)

    /// What a candidate's `training:` may say: all that does not change what a step of the fidelity means.
    package static let candidateKeys = [
        "loss", "optimizer", "learning-rate", "batch", "schedule", "minimum-ratio", "warm-up", "weight-decay", "beta1",
        "beta2", "augment", "depth-budget", "milestones", "step-factor", "clip", "accumulate", "ema", "momentum",
    ]
    private static let experimentKeys = ["steps", "precision", "supervision", "recompute"]
    package static let keys = candidateKeys + experimentKeys

    /// The defaults for a number of steps: L1, Adam, cosine.
    package init(steps: Int) {
        precondition(steps > 0, "a training has steps")
        loss = TrainingLoss(PixelTerm(kind: .l1))
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
        recompute = try document.optional("recompute")?.bool("recompute") ?? recompute
        supervision = try document.optional("supervision")?.word("supervision", as: Supervision.self) ?? supervision
        try read(document)
    }

    /// This recipe with a candidate's `training:` settings; nil and null change nothing.
    package func overridden(by training: Document?) throws -> Recipe {
        guard let training, !training.isNull else { return self }
        for key in Self.experimentKeys where training[key] != nil {
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
            "loss": loss.document, "optimizer": .string(optimizer.name), "learning-rate": .float(learningRate),
            "batch": .int(batch), "steps": .int(steps), "precision": .string(precision.rawValue),
            "schedule": .string(schedule.name), "minimum-ratio": .float(minimumRatio), "warm-up": .int(warmUp),
            "weight-decay": .float(weightDecay), "beta1": .float(beta1), "beta2": .float(beta2), "augment": augment.document,
        ]
        // Left out at their defaults, as in checkpoints from before there were such settings.
        func add(_ key: String, _ value: Document, unless isDefault: Bool) { if !isDefault { document[key] = value } }
        let defaults = Self.defaults
        add("depth-budget", .float(depthBudget), unless: depthBudget == defaults.depthBudget)
        add("milestones", .array(milestones.map(Document.float)), unless: milestones == defaults.milestones)
        add("step-factor", .float(stepFactor), unless: stepFactor == defaults.stepFactor)
        add("clip", clip.map(Document.float) ?? .null, unless: clip == nil)
        add("accumulate", .int(accumulate), unless: accumulate == defaults.accumulate)
        add("ema", .float(averaging), unless: averaging == defaults.averaging)
        add("recompute", .bool(recompute), unless: recompute == defaults.recompute)
        add("supervision", .string(supervision.rawValue), unless: supervision == defaults.supervision)
        add("momentum", .float(momentum), unless: momentum == defaults.momentum)
        return document
    }

    /// What tells this recipe's trainings from others', for checkpoints. Files that the loss names count by what was read from them, not
    /// by their paths.
    func identity(lossWeights: [NamedTensor]) -> Document {
        var identity = document
        identity["recompute"] = nil
        guard !lossWeights.isEmpty else { return identity }
        var bytes: [UInt8] = []
        for tensor in lossWeights {
            bytes += Array("\(tensor.name) \(tensor.sizes)\n".utf8)
            tensor.values.withUnsafeBytes { bytes += $0 }
        }
        identity["loss"] = loss.document(withPaths: false)
        identity["loss-weights"] = .string(SHA256.hexadecimal(of: bytes))
        return identity
    }

    private mutating func read(_ document: Document) throws {
        loss = try document.optional("loss").map(TrainingLoss.init) ?? loss
        if let word = try document.optional("optimizer") { optimizer = try pick(word, "optimizer", trainingOptimizers, \.name) }
        if let word = try document.optional("schedule") { schedule = try pick(word, "schedule", learningRateSchedules, \.name) }
        learningRate = try document.optional("learning-rate")?.double("learning-rate", in: 1e-12...1e3) ?? learningRate
        batch = try document.optional("batch")?.int("batch", in: 1...65_536) ?? batch
        minimumRatio = try document.optional("minimum-ratio")?.double("minimum-ratio", in: 0...1) ?? minimumRatio
        if let value = try document.optional("warm-up") {
            warmUp = try value.int("warm-up", in: 0...Int.max)
            guard warmUp < steps else { throw value.fail("warm-up: \(warmUp) steps, but the training has \(steps)", hint: "lower it below the steps") }
        }
        if let list = try document.optional("milestones") {
            milestones = try list.array("milestones").map { try $0.double("milestones", in: 0...1) }
            guard milestones == milestones.sorted() else {
                throw list.fail("milestones: expected growing parts of the training", hint: "for example [0.5, 0.75]")
            }
        }
        stepFactor = try document.optional("step-factor")?.double("step-factor", in: 1e-6...1) ?? stepFactor
        clip = try document.optional("clip")?.double("clip", in: 1e-12...1e12) ?? clip
        averaging = try document.optional("ema")?.double("ema", in: 0...0.9999999) ?? averaging
        momentum = try document.optional("momentum")?.double("momentum", in: 0...0.9999999) ?? momentum
        accumulate = try document.optional("accumulate")?.int("accumulate", in: 1...65_536) ?? accumulate
        guard batch % accumulate == 0 else {
            throw (document["accumulate"] ?? document["batch"] ?? document).fail(
                "accumulate: a batch of \(batch) has no \(accumulate) equal parts", hint: "take a divisor of the batch")
        }
        weightDecay = try document.optional("weight-decay")?.double("weight-decay", in: 0...1) ?? weightDecay
        beta1 = try document.optional("beta1")?.double("beta1", in: 0...0.9999999) ?? beta1
        beta2 = try document.optional("beta2")?.double("beta2", in: 0...0.9999999) ?? beta2
        depthBudget = try document.optional("depth-budget")?.double("depth-budget", in: 0.05...1) ?? depthBudget
        augment = try document.optional("augment").map(Augmentation.init) ?? augment
    }

    /// The learning rate of a step, counted from 1. The warm-up ends at the full rate; the schedule then runs to the last step.
    package func learningRate(at step: Int) -> Double {
        if step <= warmUp { return learningRate * Double(step) / Double(warmUp) }
        return learningRate * schedule.factor(step - 1 - warmUp, steps - warmUp, self)
    }
}

/// The catalogue's entry that a word names.
func pick<Entry>(
    _ word: Document, _ what: String, _ catalogue: [Entry], _ name: (Entry) -> String
) throws -> Entry {
    let found = try word.word(what, of: catalogue.map(name))
    guard let entry = catalogue.first(where: { name($0) == found }) else { preconditionFailure("a listed word") }
    return entry
}
