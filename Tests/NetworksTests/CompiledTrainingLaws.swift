import Documents
import Engine
import Networks
import RandomStreams
import Testing

/// A compiled training step against the Float64 interpreter: loss, every gradient and every running statistic.
@Suite struct CompiledTrainingLaws {
    /// The largest error of some numbers, relative to the largest of what is expected.
    private func error(_ found: [Float], _ expected: [Double]) -> Double {
        let scale = expected.map(abs).max() ?? 0
        return zip(found, expected).map { abs(Double($0) - $1) }.max()! / (scale + 1e-3)
    }

    @Test(arguments: sampleNetworks.indices) func aStepEqualsTheInterpreter(_ number: Int) throws {
        let sample = sampleNetworks[number]
        let architecture = try Architecture(["network": sample])
        let graph = try buildGraph(architecture)
        var shapes = architecture.inputShapes(height: 9, width: 11, batch: 2)
        shapes["target"] = shapes["image"]
        let objective = try architecture.objective(.l2, budget: 0.5)
        let (training, wanted, _) = graph.training(objective)
        // Drawn in double and rounded, so that both sides start from the same numbers.
        let random = RandomCase(training, height: 9, width: 11, batch: 2, seed: UInt64(200 + number))
        func rounded(_ tensors: [String: Tensor<Double>]) -> [String: Tensor<Double>] {
            tensors.mapValues { tensor in tensor.map { Double(Float($0)) } }
        }
        let (inputs, parameters) = (rounded(random.inputs), rounded(random.parameters))
        let expected = ReferenceInterpreter<Double>(training).run(inputs: inputs, parameters: parameters)
        #expect(wanted.count == graph.parameters.count { $0.trainable })

        // As it is, with rewrites, image by image, and in strips of pixels too.
        let all = [
            CompileOptions(fusion: false), CompileOptions(), CompileOptions(partBytes: 1), CompileOptions(partBytes: 1, stripBytes: 1),
        ]
        for options in all {
            let store = ParameterStore(graph.parameters, stream: RandomStream(seed: 0))
            for (name, tensor) in parameters { store.set(name, tensor.elements.map(Float.init)) }
            let gradients = GradientStore(for: store)
            let program = try Compiler.compileTraining(graph, objective, inputs: shapes, options: options)
            let executable = try CPUDevice().load(program, parameters: store, gradients: gradients)
            for (name, tensor) in inputs { _ = executable.input(name).update(fromContentsOf: tensor.elements.map(Float.init)) }
            executable.run()
            for (name, value) in training.outputs {
                #expect(error(Array(executable.output(name)), expected[value.index].elements) < 1e-4, "\(name) of \(sample.json), \(options)")
            }
            for (parameter, value) in wanted {
                let name = graph.parameters[parameter].name
                let worst = error(gradients.values(of: name), expected[value.index].elements)
                if worst < 1e-3 { continue }
                // Where the gradient is a small rest of large terms, the definition itself in Float32 is no nearer.
                func single(_ tensors: [String: Tensor<Double>]) -> [String: Tensor<Float>] {
                    tensors.mapValues { Tensor($0.shape, $0.elements.map(Float.init)) }
                }
                let twin = ReferenceInterpreter<Float>(training).run(inputs: single(inputs), parameters: single(parameters))
                #expect(worst < 4 * error(twin[value.index].elements, expected[value.index].elements), "the gradient of \(name) of \(sample.json), \(options)")
            }
            for update in training.updates {
                let name = graph.parameters[update.parameter].name
                let worst = error(store.values(of: name), expected[update.value.index].elements)
                #expect(worst < 1e-4, "\(name) of \(sample.json), \(options)")
            }
        }
    }

    /// A batch in parts on two threads has the bits of the same parts on one; a network that mixes images is left whole.
    @Test(arguments: ["mobile8x32", "swin2x4x48", "dncnn8x32", "unetpp3x16"]) func partsAreTheSameOnAnyThreads(_ name: String) throws {
        let architecture = try reference(name), batch = 3
        let graph = try buildGraph(architecture)
        var shapes = architecture.inputShapes(height: 16, width: 16, batch: batch)
        shapes["target"] = shapes["image"]
        var results: [Step] = []
        for threads in [1, 2] {
            let program = try Compiler.compileTraining(
                graph, loss: PixelLoss(.l2), inputs: shapes, options: CompileOptions(threads: threads, partBytes: 1))
            let isMixed = graph.nodes.contains { $0.operation is BatchNormalization }
            #expect(program.parts == (isMixed ? 1 : batch) && program.inputShapes == shapes)
            guard !isMixed else { return }
            results.append(try Step(program, graph, threads: threads))
        }
        #expect(results[0] == results[1])
    }

    /// A chain's convolutions normalize what they read: only the last layer, which is no wide one, has a normalized map.
    @Test func chainsKeepOneMapALayer() throws {
        let architecture = try reference("dncnn8x32")
        let graph = try buildGraph(architecture)
        let shape: Shape = [2, 24, 24, 1]
        let program = try Compiler.compileTraining(graph, loss: PixelLoss(.l2), inputs: ["image": shape, "target": shape])
        let names = program.body.map { type(of: $0.operation).name }
        #expect(names.count { $0 == "normalized-convolution" } == 5 && names.count { $0 == "batch-normalization" } == 1)
        // The seven layers' outputs, the last normalized map, and gradients beside them.
        #expect(program.arenaCount < 12 * shape.pixels * 32)
    }

    /// Normalized maps that are made again are the same to the last bit, and so is the step. 3x3 convolutions keep none anyway.
    @Test(arguments: [(5, 0.7), (3, 1)]) func recomputationSavesMemoryAlone(_ kernel: Int, _ part: Double) throws {
        let block: Document = ["block": "plain", "kernel": .int(kernel), "normalization": "batch"]
        let chain: Document = ["kind": "chain", "width": 32, "blocks": .array(Array(repeating: block, count: 6))]
        let architecture = try Architecture(["network": ["skeleton": chain]])
        let graph = try buildGraph(architecture)
        var shapes = architecture.inputShapes(height: 24, width: 24, batch: 2)
        shapes["target"] = shapes["image"]
        for precision in [Precision.f32, .bf16] {
            let programs = try [false, true].map { recompute in
                try Compiler.compileTraining(
                    graph, loss: PixelLoss(.l2), inputs: shapes, options: CompileOptions(precision: precision, recompute: recompute))
            }
            let results = try programs.map { try Step($0, graph) }
            #expect(results[0].output == results[1].output)
            #expect(results[0].gradients == results[1].gradients)
            #expect(results[0].parameters == results[1].parameters)
            let (kept, renewed) = (programs[0].arenaCount, programs[1].arenaCount)
            #expect(Double(renewed) <= part * Double(kept), "\(renewed) of \(kept)")
        }
    }

    /// What one run of a program leaves, from parameters and inputs that are always the same.
    private struct Step: Equatable {
        var output: [Float]
        var loss: [Float]
        var gradients: [Float]
        var parameters: [Float]

        init(_ program: Program, _ graph: Graph, threads: Int = 1) throws {
            let store = ParameterStore(graph.parameters, stream: RandomStream(seed: 3))
            let gradientStore = GradientStore(for: store)
            let executable = try CPUDevice(threads: threads).load(program, parameters: store, gradients: gradientStore)
            var stream = RandomStream(seed: 4)
            for input in ["image", "target"] {
                let buffer = executable.input(input)
                for index in buffer.indices { buffer[index] = Float(stream.uniform()) }
            }
            executable.run()
            output = Array(executable.output("image"))
            loss = Array(executable.output("loss"))
            gradients = gradientStore.buffer.values
            parameters = graph.parameters.map(\.name).flatMap(store.values(of:))
        }
    }

    @Test func theSamplesHaveEveryConvention() {
        let texts = sampleNetworks.map(\.json)
        for part in ["\"noise-map\":true", "\"input-channels\":3", "leaky-relu", "\"dense\"", "residual", "size-multiple", "unetpp"] {
            #expect(texts.contains { $0.contains(part) }, "\(part)")
        }
    }
}
