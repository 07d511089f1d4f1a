import Documents
import Engine
import Foundation
import Imaging
import Networks
import RandomStreams
import Testing
import Training

/// Losses as whole training graphs: gradients of the parameters against finite differences in Float64, the compiled program against both.
@Suite struct LossTests {
    private static let architecture: Document = Samples.candidate(width: 3, blocks: 1, normalization: "none")

    /// Checks the gradient of some parameters of a small network on random images of 12x12.
    private func check(_ loss: TrainingLoss, _ candidate: Document = Self.architecture, side: Int = 12, elements: Int = 12) throws {
        let architecture = try Architecture(candidate)
        let (objective, frozen) = try loss.objective(for: architecture, budget: 0.6)
        let graph = try buildGraph(architecture)
        let shapes = ["image", "target", "noise-map"].reduce(into: [String: Shape]()) { $0[$1] = [2, side, side, 1] }
        let program = try Compiler.compileTraining(graph, objective, inputs: shapes)
        let store = ParameterStore(forChecks: program.parameters, seed: 3)
        for tensor in frozen { store.set(tensor.name, tensor.values) }
        let inputs = shapes.mapValues { shape -> Tensor<Double> in
            var stream = RandomStream(seed: 8).split(shape.count)
            return Tensor(shape, (0..<shape.count).map { _ in stream.uniform() })
        }
        var target = RandomStream(seed: 9)
        var given = inputs
        given["target"] = Tensor(shapes["target"]!, (0..<shapes["target"]!.count).map { _ in target.uniform() })

        let (training, wanted, _) = graph.training(objective)
        var parameters = store.tensors.mapValues { Tensor($0.shape, $0.elements.map { Double($0) }) }
        func run() -> [Tensor<Double>] { ReferenceInterpreter<Double>(training).run(inputs: given, parameters: parameters) }
        let lossValue = try #require(training.output("loss"))
        let exact = run()

        let gradients = GradientStore(for: store)
        let executable = try CPUDevice().load(program, parameters: store, gradients: gradients)
        for name in program.inputs.keys {
            for (i, value) in given[name]!.elements.enumerated() { executable.input(name)[i] = Float(value) }
        }
        executable.run()
        let reported = exact[lossValue.index].elements[0]
        #expect(abs(Double(executable.output("loss")[0]) - reported) < 1e-4 * max(reported, 1e-3))

        for entry in wanted {
            let name = training.parameters[entry.parameter].name
            let computed = exact[entry.value.index].elements, fast = gradients.values(of: name)
            let scale = max(computed.map(abs).max() ?? 0, 1e-6)
            for (a, b) in zip(fast, computed) { #expect(abs(Double(a) - b) < 2e-3 * scale, "\(name)") }
            for element in stride(from: 0, to: computed.count, by: max(1, computed.count * wanted.count / elements)) {
                let original = parameters[name]!.elements[element]
                let values = [1e-5, -1e-5].map { step -> Double in
                    parameters[name]!.elements[element] = original + step
                    return run()[lossValue.index].elements[0]
                }
                parameters[name]!.elements[element] = original
                let expected = (values[0] - values[1]) / 2e-5
                #expect(abs(expected - computed[element]) < 1e-4 * scale, "\(name) \(element): \(computed[element]), expected \(expected)")
            }
        }
    }

    @Test(arguments: ["l1", "l2", "charbonnier", "ssim", "{l1: 0.84, l2: 0.16}", "{charbonnier: 1, ssim: 0.3, l2: 2}"])
    func gradientsAgreeWithFiniteDifferences(_ text: String) throws {
        try check(TrainingLoss(Document.parse(text, file: "e.yaml")))
    }

    /// Deep supervision: every exit's convolution has a gradient, that of the mean of the exits' losses.
    @Test(arguments: ["l1", "{charbonnier: 1, ssim: 0.3}"]) func everyExitIsSupervised(_ text: String) throws {
        try check(TrainingLoss(Document.parse(text, file: "e.yaml")), DeepSupervisionTests.candidate(normalization: "none"), elements: 24)
    }

    @Test func aSumIsTheSumOfItsTerms() throws {
        func first(_ text: String) throws -> Float {
            var recipe = Recipe(steps: 1)
            recipe.loss = try TrainingLoss(Document.parse(text, file: "e.yaml"))
            var loss: Float = 0
            try Samples.trainer(Samples.architecture(), recipe: recipe).run(to: 1, onStep: { loss = $0.loss })
            return loss
        }
        let parts = try ["l1", "charbonnier", "ssim"].map(first)
        #expect(abs(try first("{l1: 0.5, charbonnier: 2, ssim: 0.1}") - (0.5 * parts[0] + 2 * parts[1] + 0.1 * parts[2])) < 1e-5)
    }

    @Test func perceptualGradientsAgreeWithFiniteDifferences() throws {
        guard let shared = Samples.shared else { return print("SKIPPED: there is no ../shared/weights") }
        let path = shared + "/weights/vgg16_conv1_1-conv3_3_f16.safetensors"
        try check(
            TrainingLoss(["perceptual": ["weight": 1e-4, "path": .string(path), "layers": ["relu1_2", "relu2_2"]]]), side: 8, elements: 4)
    }

    /// A teacher that the student is: no loss. Its weights are frozen and belong to no file of the student's.
    @Test func aTeacherIsASecondTarget() throws {
        try Samples.withFolder { folder in
            let teacher = try Samples.architecture(width: 6, blocks: 2, noiseMap: true)
            let trainer = try Samples.trainer(teacher)
            try trainer.run(to: 2)
            let path = folder + "/model.h5"
            try ModelFile(architecture: teacher.canonicalDocument, tensors: trainer.network.namedTensors).write(to: path)
            let loss = try TrainingLoss(["l2": 0.5, "teacher": ["weight": 0.25, "path": .string(path)]])
            try check(loss)

            var recipe = Recipe(steps: 3)
            recipe.batch = 2
            recipe.loss = loss
            let student = try Samples.trainer(Samples.architecture(normalization: "none"), recipe: recipe)
            let frozen = student.parameters.names.filter { $0.hasPrefix("loss.teacher.") }
            #expect(frozen.count == trainer.network.names.count)
            let before = frozen.map { student.parameters.values(of: $0) }
            try student.run(to: 3)
            #expect(frozen.map { student.parameters.values(of: $0) } == before)
            #expect(student.network.names == student.checkpoint().tensors.map(\.name) && !student.network.names.contains { $0.hasPrefix("loss") })
            let again = try Samples.trainer(Samples.architecture(normalization: "none"), recipe: recipe)
            try again.restore(student.checkpoint(), path: "c.h5")
            #expect(again.network.namedTensors == student.network.namedTensors)

            // Noise-free, a network that is its own teacher differs from it in nothing.
            var own = Recipe(steps: 1)
            own.loss = try TrainingLoss(["teacher": ["path": .string(folder + "/own.h5")]])
            let plain = try Samples.architecture(normalization: "none")
            let untrained = try Samples.trainer(plain)
            try ModelFile(architecture: plain.canonicalDocument, tensors: untrained.network.namedTensors).write(to: folder + "/own.h5")
            var distance: Float = 1
            try Samples.trainer(plain, recipe: own).run(to: 1, onStep: { distance = $0.loss })
            #expect(distance == 0)
        }
    }

    /// Features too: with a learned convolution where the channels differ, whose gradient is checked with the others', and which a
    /// checkpoint holds and a model does not.
    @Test func aTeacherGivesHints() throws {
        try Samples.withFolder { folder in
            let teacher = try Samples.architecture(width: 5, blocks: 2), trainer = try Samples.trainer(teacher)
            try trainer.run(to: 2)
            let path = folder + "/model.h5"
            try ModelFile(architecture: teacher.canonicalDocument, tensors: trainer.network.namedTensors).write(to: path)
            let loss = try TrainingLoss(["l2": 0.5, "teacher": ["weight": 0.25, "path": .string(path), "features": ["block1": "block2"], "feature-weight": 0.4]])
            try check(loss, elements: 24)
            let reread = try TrainingLoss(loss.document)
            #expect(reread.document == loss.document && loss.document["teacher"]?["features"]?["block1"] == "block2")

            for (recipeLoss, hints) in [(loss, ["loss.hint1.weight", "loss.hint1.bias"]), (try TrainingLoss(["teacher": ["path": .string(path), "features": ["conv0"]]]), [])] {
                var recipe = Recipe(steps: 4)
                (recipe.batch, recipe.loss, recipe.averaging) = (2, recipeLoss, 0.5)
                // As wide as the teacher, the second needs no convolution.
                let width = hints.isEmpty ? 5 : 4
                func student() throws -> Trainer { try Samples.trainer(Samples.architecture(width: width, normalization: "batch"), recipe: recipe) }
                let whole = try student(), first = try student(), second = try student()
                let before = hints.map { whole.parameters.values(of: $0) }
                try whole.run(to: 4)
                for (name, values) in zip(hints, before) { #expect(whole.parameters.values(of: name) != values, "\(name) is trained") }
                #expect(!whole.network.names.contains { $0.hasPrefix("loss.") })
                #expect(whole.checkpoint().tensors.map(\.name).filter { $0.hasPrefix("loss.") }.sorted() == hints.sorted())
                try first.run(to: 2)
                try first.checkpoint().write(to: folder + "/c.h5")
                try second.restore(Checkpoint.read(folder + "/c.h5"), path: "c.h5")
                try second.run(to: 4)
                #expect(second.checkpoint() == whole.checkpoint() && second.network.namedTensors == whole.network.namedTensors)
            }
            for (features, words) in [
                ("[blok1]", "did you mean \"block1\""), ("{block1: block9}", "the teacher has no part"), ("[]", "at least one"), ("[block1, block1]", "different parts"),
            ] {
                let error = try inputError {
                    let document = try Document.parse("\n{teacher: {path: \(path), features: \(features)}}", file: "e.yaml")
                    _ = try TrainingLoss(document).objective(for: Samples.architecture(), budget: 0.6)
                }
                #expect(error?.description.contains(words) == true && error?.location?.line == 2, "\(String(describing: error))")
            }
            // A map of half the size is no hint.
            let deep = try Architecture(["network": ["skeleton": ["kind": "unetpp", "levels": 2, "width": 4, "nodes": ["block": "plain"]]]])
            let store = ParameterStore(try buildGraph(deep).parameters, stream: RandomStream(seed: 1))
            try ModelFile(architecture: deep.canonicalDocument, tensors: store.namedTensors).write(to: folder + "/deep.h5")
            let error = try inputError {
                _ = try TrainingLoss(["teacher": ["path": .string(folder + "/deep.h5"), "features": ["block1": "node1_0"]]])
                    .objective(for: Samples.architecture(), budget: 0.6)
            }
            #expect(error?.message.contains("32x32") == true, "\(String(describing: error))")
        }
    }

    /// What tells a training from another is what the teacher is, not where its file lies.
    @Test func checkpointsKnowATeacherByItsContent() throws {
        try Samples.withFolder { folder in
            let plain = try Samples.architecture(normalization: "none")
            func teacher(_ name: String, seed: UInt64) throws {
                let tensors = ParameterStore(try buildGraph(plain).parameters, stream: RandomStream(seed: seed)).namedTensors
                try ModelFile(architecture: plain.canonicalDocument, tensors: tensors).write(to: "\(folder)/\(name).h5")
            }
            func student(_ name: String) throws -> Trainer {
                var recipe = Recipe(steps: 2)
                recipe.batch = 2
                recipe.loss = try TrainingLoss(["l1": 1, "teacher": ["path": .string("\(folder)/\(name).h5")]])
                return try Samples.trainer(plain, recipe: recipe)
            }
            try teacher("here", seed: 1)
            try teacher("there", seed: 1)
            try teacher("other", seed: 2)
            let begun = try student("here")
            try begun.run(to: 1)
            try student("there").restore(begun.checkpoint(), path: "c.h5")
            #expect(try inputError { try student("other").restore(begun.checkpoint(), path: "c.h5") }?.message.contains("another recipe") == true)
            try teacher("here", seed: 3)
            #expect(try inputError { try student("here").restore(begun.checkpoint(), path: "c.h5") } != nil)
        }
    }

    @Test func whatDoesNotFitIsTold() throws {
        try Samples.withFolder { folder in
            let gray = try Samples.architecture()
            let colour = try Architecture(["network": ["input-channels": 3, "skeleton": ["kind": "chain", "width": 4, "blocks": []]]])
            let model = ModelFile(
                architecture: colour.canonicalDocument, tensors: ParameterStore(try buildGraph(colour).parameters, stream: RandomStream(seed: 1)).namedTensors)
            try model.write(to: folder + "/colour.h5")
            try SafetensorsFile.write([NamedTensor(name: "conv1_1.weight", sizes: [1], values: [1])], to: folder + "/half.safetensors")
            for (text, words) in [
                ("{teacher: {path: \(folder)/colour.h5}}", "3 channels"), ("{teacher: {path: \(folder)/none.h5}}", "no such file"),
                ("{perceptual: {path: \(folder)/half.safetensors}}", "conv1_1.weight"), ("{perceptual: {path: \(folder)/none}}", "no such file"),
            ] {
                let loss = try TrainingLoss(Document.parse("\n" + text, file: "e.yaml"))
                let error = try #require(try inputError { _ = try loss.objective(for: gray, budget: 0.6) })
                #expect("\(error)".contains(words) && error.location?.line == 2, "\(error)")
            }
            let dynamic = try Architecture(Document.load(Samples.repository + "/Experiments/dynamic-depth/architecture.yaml"))
            let error = try inputError { _ = try TrainingLoss("ssim").objective(for: dynamic, budget: 0.6) }
            #expect(error?.message.contains("charbonnier") == true)
        }
    }
}
