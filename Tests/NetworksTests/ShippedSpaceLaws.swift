import Documents
import Engine
import Foundation
import Networks
import RandomStreams
import SearchSpaces
import Testing

/// Random architectures of every space in `SearchSpaces/` are networks that train and run: 20 of each, 300 in the long suite.
@Suite struct ShippedSpaceLaws {
    static let architectures = ProcessInfo.processInfo.environment["HALCYON_LONG_TESTS"] == "1" ? 300 : 20
    static let folder = repository.appendingPathComponent("SearchSpaces").path
    static let spaces = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".yaml") }.sorted()

    @Test func spacesAreShipped() {
        #expect(Set(Self.spaces).isSuperset(of: ["chain", "dynamic", "mixed", "mobile", "swin", "unet", "unetpp"].map { "\($0).yaml" }))
    }

    @Test(arguments: spaces) func everyNetworkTrainsAndRuns(_ file: String) throws {
        let space = try SearchSpace.load("\(Self.folder)/\(file)")
        var stream = RandomStream(seed: 77).split(file)
        for _ in 0..<Self.architectures {
            let candidate = space.resolve(space.sample(using: &stream))
            let architecture = try Architecture(candidate)
            let store = ParameterStore(try buildGraph(architecture).parameters, stream: stream.split("parameters"))
            try takesAStep(architecture, store, candidate)
            try runs(architecture, store, candidate)
        }
    }

    /// One training step at a small size: the parameters are counted alike everywhere, and each has a finite gradient.
    private func takesAStep(_ architecture: Architecture, _ store: ParameterStore, _ candidate: Document) throws {
        let graph = try buildGraph(architecture)
        let multiple = architecture.network.sizeMultiple
        let size = (8 + multiple - 1) / multiple * multiple
        let trainable = graph.parameters.filter(\.trainable)
        let count = trainable.reduce(0) { $0 + $1.shape.count }
        #expect(try NetworkCost(of: architecture, height: size, width: size).parameters == count, "\(candidate.json)")
        #expect(trainable.reduce(0) { $0 + store.values(of: $1.name).count } == count, "\(candidate.json)")

        var shapes = architecture.inputShapes(height: size, width: size, batch: 2)
        shapes["target"] = shapes["image"]
        let objective = try architecture.objective(.l1, budget: 0.7)
        #expect(graph.training(objective).gradients.count == trainable.count, "\(candidate.json)")
        let gradients = GradientStore(for: store)
        let program = try Compiler.compileTraining(graph, objective, inputs: shapes)
        let executable = try CPUDevice().load(program, parameters: store, gradients: gradients)
        for name in shapes.keys { fill(executable.input(name), name) }
        executable.run()
        #expect(isFinite(executable.output("loss")), "\(candidate.json)")
        for parameter in trainable {
            #expect(isFinite(gradients.values(of: parameter.name)), "\(parameter.name) of \(candidate.json)")
        }
        #expect(trainable.contains { gradients.values(of: $0.name).contains { $0 != 0 } }, "\(candidate.json)")
    }

    /// Images from one pixel up give a finite image of their size, or a reason why they cannot.
    private func runs(_ architecture: Architecture, _ store: ParameterStore, _ candidate: Document) throws {
        let graph = try buildGraph(architecture).forInference()
        for (height, width) in [(1, 1), (3, 5), (17, 31), (97, 131)] {
            do {
                let program = try Compiler.compile(
                    graph, inputs: architecture.inputShapes(height: height, width: width, batch: 1))
                let executable = try CPUDevice().load(program, parameters: store)
                for name in program.inputs.keys { fill(executable.input(name), name) }
                executable.run()
                let output = executable.output("image")
                #expect(output.count == height * width * architecture.network.inputChannels)
                #expect(isFinite(output), "\(height)x\(width) of \(candidate.json)")
            } catch let error as ShapeError {
                #expect(!error.description.isEmpty && height < 97, "\(height)x\(width) of \(candidate.json): \(error)")
            }
        }
    }

    private func fill(_ input: UnsafeMutableBufferPointer<Float>, _ name: String) {
        var stream = RandomStream(seed: 5).split(name)
        for index in input.indices { input[index] = Float(stream.uniform()) }
    }

    private func isFinite(_ values: some Sequence<Float>) -> Bool { values.allSatisfy { $0.isFinite } }
}
