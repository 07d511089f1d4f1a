import Documents
import Testing
import Training

@Suite struct RecipeTests {
    private func parse(_ text: String) throws -> Recipe { try Recipe(Document.parse(text, file: "experiment.yaml")) }

    @Test func readsTheExampleOfTheDesign() throws {
        let recipe = try parse("{loss: l1, optimizer: adam, learning-rate: 1e-3, batch: 16, steps: 2000, precision: f32}")
        #expect(recipe.loss.document == "l1" && recipe.optimizer.name == "adam" && recipe.schedule.name == "cosine")
        #expect(recipe.learningRate == 1e-3 && recipe.batch == 16 && recipe.steps == 2000 && recipe.augment == .symmetric)
    }

    @Test(arguments: ["l1", "l2", "mse", "charbonnier", "ssim"]) func aLossIsAWordOrASum(_ word: String) throws {
        let loss = try parse("{steps: 1, loss: \(word)}").loss.document
        #expect(loss == (word == "mse" ? "l2" : .string(word)))
        #expect(try parse("{steps: 1, loss: {\(word): 1}}").loss.document == loss)
        let sum = try parse("{steps: 1, loss: {\(word): 0.25, teacher: {weight: 2, path: a.h5}}}").loss.document
        #expect(sum["teacher"] == ["path": "a.h5", "weight": 2.0])
        #expect(try sum.fields().count == 2)
        #expect(try TrainingLoss(sum).document == sum)
    }

    @Test(arguments: [
        ("steps: 10\nloss: l3", "experiment.yaml:2:7", "l1, l2, mse"),
        ("steps: 10\nlerning-rate: 1", "experiment.yaml:2:1", "learning-rate"),
        ("steps: 0", "experiment.yaml:1:8", "at least 1"),
        ("loss: l1", "experiment.yaml:1:1", "\"steps\" is missing"),
        ("steps: 10\nbatch: many", "experiment.yaml:2:8", "an integer"),
        ("steps: 10\nwarm-up: 10", "experiment.yaml:2:10", "the training has 10"),
        ("steps: 10\nprecision: f16", "experiment.yaml:2:12", "f32"),
        ("steps: 10\nbeta2: 1", "experiment.yaml:2:8", "from"),
        ("steps: 10\nloss: {l1: 1, l3: 2}", "experiment.yaml:2:15", "l3"),
        ("steps: 10\nloss: {l1: -1}", "experiment.yaml:2:12", "from"),
        ("steps: 10\nloss: {l1: {weight: 1, path: a}}", "experiment.yaml:2:24", "path"),
        ("steps: 10\nloss: perceptual", "experiment.yaml:2:7", "VGG16"),
        ("steps: 10\nloss: {teacher: 1}", "experiment.yaml:2:17", "missing"),
        ("steps: 10\nloss: {perceptual: {path: a, layers: [relu9_1]}}", "experiment.yaml:2:39", "relu1_1"),
        ("steps: 10\nbatch: 6\naccumulate: 4", "experiment.yaml:3:13", "divisor"),
        ("steps: 10\nmilestones: [0.7, 0.2]", "experiment.yaml:2:13", "growing"),
        ("steps: 10\nema: 1", "experiment.yaml:2:6", "from"),
        ("steps: 10\naugment: {scale: 9}", "experiment.yaml:2:18", "from"),
        ("steps: 10\nsupervision: none", "experiment.yaml:2:14", "noise2noise"),
        ("steps: 10\nclip: 0", "experiment.yaml:2:7", "from"),
    ])
    func faultsAreLocated(_ text: String, _ location: String, _ words: String) throws {
        let error = try #require(try inputError { _ = try parse(text) })
        #expect(error.description.hasPrefix(location), "\(error)")
        #expect(error.description.contains(words) || words == "at least 1" && error.description.contains("from 1"), "\(error)")
    }

    @Test func aCandidateChangesOnlyWhatItMay() throws {
        let recipe = try parse("{steps: 100, batch: 16}")
        let changed = try recipe.overridden(by: ["learning-rate": 0.01, "batch": 8, "loss": "mse"])
        #expect(changed.learningRate == 0.01 && changed.batch == 8 && changed.loss.document == "l2" && changed.steps == 100)
        #expect(try recipe.overridden(by: nil).batch == 16)
        for key in ["steps", "precision"] {
            let training = try Document.parse("\(key): 5", file: "candidate.yaml")
            let error = try #require(try inputError { _ = try recipe.overridden(by: training) })
            #expect(error.location?.file == "candidate.yaml")
        }
        #expect(try inputError { _ = try recipe.overridden(by: ["epochs": 3]) } != nil)
    }

    @Test func everyScheduleStartsAtTheFullRateAndNeverExceedsIt() throws {
        for schedule in learningRateSchedules {
            let recipe = try parse("{steps: 11, minimum-ratio: 0.01}")
            #expect(schedule.factor(0, 11, recipe) == 1)
            for i in 0...10 { #expect((0.01 - 1e-12...1).contains(schedule.factor(i, 11, recipe)), "\(schedule.name)") }
        }
    }

    @Test func cosineRunsOverAllStepsAfterTheWarmUp() throws {
        let recipe = try parse("{steps: 101, learning-rate: 2, minimum-ratio: 0.1}")
        #expect(recipe.learningRate(at: 1) == 2)
        #expect(abs(recipe.learningRate(at: 51) - 1.1) < 1e-12)
        #expect(abs(recipe.learningRate(at: 101) - 0.2) < 1e-12)
        let warm = try parse("{steps: 111, learning-rate: 2, minimum-ratio: 0.1, warm-up: 10}")
        #expect(warm.learningRate(at: 5) == 1 && warm.learningRate(at: 10) == 2 && warm.learningRate(at: 11) == 2)
        #expect(abs(warm.learningRate(at: 111) - 0.2) < 1e-12)
        let falling = try parse("{steps: 104, learning-rate: 2, schedule: step, warm-up: 4, milestones: [0.5, 0.9], step-factor: 0.5}")
        #expect([5, 54, 55, 94, 95, 104].map { falling.learningRate(at: $0) } == [2, 2, 1, 1, 0.5, 0.5])
        let constant = try parse("{steps: 10, learning-rate: 2, schedule: constant}")
        #expect((1...10).allSatisfy { constant.learningRate(at: $0) == 2 })
    }

    /// What a checkpoint's digest is made of tells every setting, and only those that differ from what was before them.
    @Test func theDocumentTellsEverySetting() throws {
        let plain = try parse("{steps: 10}").document
        for text in [
            "clip: 1.0", "accumulate: 4", "ema: 0.99", "momentum: 0.5", "milestones: [0.25]", "step-factor: 0.5", "optimizer: sgd",
            "schedule: step", "loss: charbonnier", "supervision: noise2void", "augment: false", "augment: {rotation: 10.0, hue: 5.0}",
        ] {
            let changed = try parse("{steps: 10, \(text)}").document
            #expect(changed != plain)
            #expect(try Recipe(changed).document == changed, "\(text)")
        }
        #expect(["clip", "accumulate", "ema", "momentum", "milestones", "step-factor"].allSatisfy { plain[$0] == nil })
    }

    @Test func anExperimentsNetworkKeysAreRead() throws {
        let text = """
            halcyon: 1
            data:
              train: {kind: dead-leaves, images: 2, size: 32, crop: 16}
              validation: {kind: folder, path: "${PICTURES}/Set", sigmas: [25]}
            noise: {kind: gaussian, sigma: 25}
            recipe: {steps: 5}
            latency: {size: 64x48, threads: 1}
            strategy: {kind: random}
            """
        let document = try Document.parse(text, file: "e.yaml")
        let experiment = try TrainingExperiment(document, environment: ["PICTURES": "/p"], baseFolder: "/b")
        #expect(experiment.latency.height == 64 && experiment.latency.width == 48 && experiment.train.crop == 16)
        #expect(experiment.validation.conditions.map(\.label) == ["25"] && experiment.seed == 1)
        for (good, bad) in [("size: 64x48", "size: 64"), ("size: 64x48", "size: 0x4"), ("size: 64x48", "size: 40000x8"), ("size: 64x48", "size: 30000x30000"), ("threads: 1", "threads: 0")] {
            let broken = try Document.parse(text.replacing(good, with: bad), file: "e.yaml")
            let error = try inputError { _ = try TrainingExperiment(broken, environment: ["PICTURES": "/p"], baseFolder: "/b") }
            #expect(error?.location?.line == 7, "\(bad)")
        }
    }
}
