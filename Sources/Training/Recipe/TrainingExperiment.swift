import Documents
import Imaging
import Networks

/// What an experiment file says about networks: data, noise, recipe and the size at which costs and latency are told.
/// The study's own keys (objectives, strategy, budget) are read elsewhere and passed over here.
package struct TrainingExperiment: Sendable {
    /// Where and how latency is measured: `{size: 256x256, threads: 1, precision: f32}`.
    package struct Latency: Sendable, Equatable {
        package var height = 256
        package var width = 256
        package var threads = 1
        package var precision = Recipe.Precision.f32

        package init() {}

        init(_ document: Document) throws {
            try document.allowOnly(["size", "threads", "precision"])
            if let size = try document.optional("size") { (height, width) = try Self.size(size) }
            threads = try document.optional("threads")?.int("threads", in: 1...1024) ?? threads
            precision = try document.optional("precision")?.word("precision", as: Recipe.Precision.self) ?? precision
        }

        /// Reads `HEIGHTxWIDTH`.
        private static func size(_ document: Document) throws -> (Int, Int) {
            let text = try document.string("size")
            let parts = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
            guard parts.count == 2, let height = parts[0], let width = parts[1] else { throw document.fail("size: expected HEIGHTxWIDTH, found \"\(text)\"", hint: "for example 256x256") }
            do {
                try checkSizes(height: height, width: width)
            } catch let error as InputError {
                throw document.fail("size: \(error.message)", hint: error.hint)
            }
            return (height, width)
        }
    }

    /// From a step on, other pictures, as real pairs after synthetic noise (Guo et al. 2019, "Toward convolutional blind denoising of real
    /// photographs", section 3.4, in turn instead of mixed): `{from-step: 1500, train: {kind: pairs, ...}, learning-rate: 1e-4}`.
    package struct SecondStage: Sendable {
        /// Steps of the first stage.
        package var fromStep: Int
        package var train: DatasetDescription
        package var noise: (any NoiseModel)?
        /// The schedule's highest rate, from which it runs anew; the recipe's unless said.
        package var learningRate: Double?
    }

    package var train: DatasetDescription
    package var validation: DatasetDescription
    /// Nil where the training pictures are pairs.
    package var noise: (any NoiseModel)?
    package var recipe: Recipe
    /// What validation measures: PSNR and SSIM, and what `metrics` asks for beside them.
    package var metrics: [ImageMetric]
    package var secondStage: SecondStage?
    package var latency: Latency
    /// What is told of a network before its training.
    package var scores: [ZeroCostScore]
    /// The seed of generated pictures, the experiment's own.
    package var seed: UInt64

    /// Reads `data`, `noise`, `recipe`, `metrics`, `second-stage`, `latency`, `zero-cost` and `seed` of an experiment.
    /// - Parameters:
    ///   - environment: the values of `${NAME}` in paths.
    ///   - baseFolder: the folder against which relative paths resolve.
    ///   - recipe: another recipe's document instead of the experiment's.
    package init(
        _ document: Document, environment: [String: String], baseFolder: String, recipe recipeDocument: Document? = nil
    ) throws {
        let place = DatasetPlace(baseFolder: baseFolder, environment: environment)
        let data = try document.required("data")
        try data.allowOnly(["train", "validation"])
        train = try DatasetDescription(parsing: data.required("train"), as: .training, in: place)
        validation = try DatasetDescription(parsing: data.required("validation"), as: .validation, in: place)
        noise = try Self.noise(document, for: train)
        recipe = try Recipe(recipeDocument ?? document.required("recipe"))
        let more = try document.optional("metrics").map { try readMetrics($0, in: place) } ?? []
        metrics = standardMetrics + more.filter { metric in !standardMetrics.contains { $0.name == metric.name } }
        latency = try document.optional("latency").map(Latency.init) ?? Latency()
        scores = try document.optional("zero-cost").map(Self.scores) ?? []
        let (first, steps) = (train, recipe.steps)
        secondStage = try document.optional("second-stage").map { try Self.secondStage($0, after: first, steps: steps, in: place) }
        try Self.checkScenes(validation, apartFrom: [train, secondStage?.train].compactMap { $0 }, in: data)
        seed = UInt64(try document.optional("seed")?.int("seed", in: 0...Int.max) ?? 1)
    }

    /// Refuses to measure on scenes that the training sees.
    private static func checkScenes(_ validation: DatasetDescription, apartFrom train: [DatasetDescription], in data: Document) throws {
        guard let held = try validation.kind.scenes() else { return }
        for seen in train {
            guard let shared = try seen.kind.scenes()?.intersection(held).min() else { continue }
            throw (data["validation"] ?? data).fail(
                "the scene \"\(shared)\" is in the training pictures too", hint: "take other folds: folds: 5, take: [1] here, take: [2, 3, 4, 5] there")
        }
    }

    /// The `noise` of a description's pictures.
    private static func noise(_ document: Document, for train: DatasetDescription) throws -> (any NoiseModel)? {
        guard train.kind.isPaired else { return try parseNoiseModel(document.required("noise")) }
        if let noise = try document.optional("noise") {
            throw noise.fail("noise: the training pictures are pairs, which have their own", hint: "leave `noise` out")
        }
        return nil
    }

    private static func scores(_ list: Document) throws -> [ZeroCostScore] {
        try list.array("zero-cost").map { try pick($0, "a score of zero-cost", zeroCostScores, \.name) }
    }

    private static func secondStage(
        _ document: Document, after first: DatasetDescription, steps: Int, in place: DatasetPlace
    ) throws -> SecondStage {
        try document.allowOnly(["from-step", "train", "noise", "learning-rate"])
        let step = try document.required("from-step"), source = try document.required("train")
        let fromStep = try step.int("from-step", in: 1...Int.max)
        guard fromStep < steps else {
            throw step.fail("from-step: \(fromStep), but the training has \(steps) steps", hint: "lower it below the recipe's steps")
        }
        let train = try DatasetDescription(parsing: source, as: .training, in: place)
        guard train.crop == first.crop else {
            throw (source["crop"] ?? source).fail(
                "crop: \(train.crop ?? 0), but the first stage has \(first.crop ?? 0)", hint: "both stages train one program: give one crop")
        }
        return SecondStage(
            fromStep: fromStep, train: train, noise: try noise(document, for: train),
            learningRate: try document.optional("learning-rate")?.double("learning-rate", in: 1e-12...1e3))
    }

    /// The side of the training patches.
    package var crop: Int { train.crop ?? DatasetDescription.defaultTrainingCrop }
}
