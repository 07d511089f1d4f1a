import Documents
import Testing
import Training

@Suite struct RecipeTests {
    private func parse(_ text: String) throws -> Recipe { try Recipe(Document.parse(text, file: "experiment.yaml")) }

    @Test func readsTheExampleOfTheDesign() throws {
        let recipe = try parse("{loss: l1, optimizer: adam, learning-rate: 1e-3, batch: 16, steps: 2000, precision: f32}")
        #expect(recipe.loss.name == "l1" && recipe.optimizer.name == "adam" && recipe.schedule.name == "cosine")
        #expect(recipe.learningRate == 1e-3 && recipe.batch == 16 && recipe.steps == 2000 && recipe.augment)
    }

    @Test(arguments: trainingLosses.map(\.name)) func everyLossIsAWord(_ word: String) throws {
        #expect(try parse("{steps: 1, loss: \(word)}").loss.name == word)
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
    ])
    func faultsAreLocated(_ text: String, _ location: String, _ words: String) throws {
        let error = try #require(try inputError { _ = try parse(text) })
        #expect(error.description.hasPrefix(location), "\(error)")
        #expect(error.description.contains(words) || words == "at least 1" && error.description.contains("from 1"), "\(error)")
    }

    @Test func aCandidateChangesOnlyWhatItMay() throws {
        let recipe = try parse("{steps: 100, batch: 16}")
        let changed = try recipe.overridden(by: ["learning-rate": 0.01, "batch": 8, "loss": "mse"])
        #expect(changed.learningRate == 0.01 && changed.batch == 8 && changed.loss.name == "mse" && changed.steps == 100)
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
            #expect(schedule.factor(0, 0.1) == 1)
            for i in 0...10 { #expect((0.1 - 1e-12...1).contains(schedule.factor(Double(i) / 10, 0.1)), "\(schedule.name)") }
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
        let constant = try parse("{steps: 10, learning-rate: 2, schedule: constant}")
        #expect((1...10).allSatisfy { constant.learningRate(at: $0) == 2 })
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
        #expect(experiment.validation.sigmas == [25] && experiment.seed == 1)
        for (good, bad) in [("size: 64x48", "size: 64"), ("size: 64x48", "size: 0x4"), ("size: 64x48", "size: 40000x8"), ("size: 64x48", "size: 30000x30000"), ("threads: 1", "threads: 0")] {
            let broken = try Document.parse(text.replacing(good, with: bad), file: "e.yaml")
            let error = try inputError { _ = try TrainingExperiment(broken, environment: ["PICTURES": "/p"], baseFolder: "/b") }
            #expect(error?.location?.line == 7, "\(bad)")
        }
    }
}
