import Documents
import Engine
import Networks
import RandomStreams
import Testing

/// Three Adam steps of the compiled Float32 program against the Float64 interpreter, from the same numbers.
@Suite struct AdamStepLaws {
    /// Of each family the first and the last sample.
    static let samples = Dictionary(grouping: sampleNetworks) { $0["skeleton"]?["kind"]?.json ?? "" }.sorted { $0.key < $1.key }
        .flatMap { [$0.value[0], $0.value[$0.value.count - 1]] }

    @Test func everyFamilyIsThere() {
        #expect(Self.samples.count == 2 * skeletonCatalogue.count)
    }

    @Test(arguments: samples.indices) func threeStepsEqualTheInterpreters(_ number: Int) throws {
        let architecture = try Architecture(["network": Self.samples[number]])
        let graph = try buildGraph(architecture)
        let objective = try architecture.objective(.l2, budget: 0.5)
        var shapes = architecture.inputShapes(height: 9, width: 11, batch: 2)
        shapes["target"] = shapes["image"]
        let root = RandomStream(seed: UInt64(number)).split("inputs")
        let inputs = shapes.mapValues { shape in
            var stream = root.split(shape.channels)
            return Tensor<Float>(shape, (0..<shape.count).map { _ in Float(stream.uniform()) })
        }
        func exact(_ tensors: [String: Tensor<Float>]) -> [String: Tensor<Double>] {
            tensors.mapValues { Tensor($0.shape, $0.elements.map(Double.init)) }
        }
        let store = ParameterStore(forChecks: graph.parameters, seed: UInt64(number))
        var reference = ReferenceTraining<Double>(graph, objective, parameters: exact(store.tensors))
        let program = try Compiler.compileTraining(graph, objective, inputs: shapes)
        let device = CPUDevice(), gradients = GradientStore(for: store), state = AdamState(for: store)
        let executable = try device.load(program, parameters: store, gradients: gradients)
        for (name, tensor) in inputs { _ = executable.input(name).update(fromContentsOf: tensor.elements) }

        var first: [String: Tensor<Double>] = [:]
        for step in 1...3 {
            let expected = reference.advance(exact(inputs))
            executable.run()
            let found = TrainingStepValues(executable, parameters: store, gradients: gradients)
            device.adam(store, gradients, state: state, settings: AdamSettings(), step: step)
            #expect(abs(Double(found.loss) - expected.loss) < 1e-4 * expected.loss, "the loss of step \(step)")
            #expect(Set(found.buffers.keys) == Set(expected.buffers.keys))
            #expect(Set(found.gradients.keys) == Set(expected.gradients.keys))
            #expect(Set(found.outputs.keys) == Set(expected.outputs.keys))
            for (name, buffer) in expected.buffers {
                #expect(near(found.buffers[name], buffer, 1e-4), "\(name) after step \(step)")
            }
            if step == 1 { first = expected.gradients }
        }
        // Adam moves by the sign of a gradient that is rounding alone; where it is well above, the moves are equal.
        for (name, gradient) in first {
            let after = store.values(of: name), wanted = reference.parameters[name]!.elements
            let largest = gradient.elements.map(abs).max()!
            guard largest > 1e-4 else { continue }
            for index in wanted.indices where abs(gradient.elements[index]) > 0.1 * largest {
                #expect(abs(Double(after[index]) - wanted[index]) < 3e-5, "\(name)[\(index)]")
            }
        }
    }

    private func near(_ found: Tensor<Float>?, _ expected: Tensor<Double>, _ tolerance: Double) -> Bool {
        guard let found, found.shape == expected.shape else { return false }
        let scale = expected.elements.map(abs).max()! + 1e-3
        return zip(found.elements, expected.elements).allSatisfy { abs(Double($0) - $1) < tolerance * scale }
    }
}
