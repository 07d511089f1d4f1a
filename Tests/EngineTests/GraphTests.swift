import Documents
import Engine
import RandomStreams
import Testing

/// A small network with every seam: padding, convolution, batch norm, ReLU, skip, pooling, upsampling, concatenation,
/// smooth activations before a depthwise convolution and before a gate.
func sampleNetwork(channels: Int = 6) -> Graph {
    var graph = Graph()
    let image = graph.input("image", channels: 1)
    let padded = graph.apply(Padding(multiple: 2, mode: .reflect), image, path: "pad")
    func convolution(_ name: String, _ x: ValueID, _ i: Int, _ o: Int, bias: Bool) -> ValueID {
        let weight = graph.parameter("\(name).weight", shape: [o, i, 3, 3], initializer: .heNormal(fanIn: i * 9, gain: 1))
        var inputs = [x, weight]
        if bias { inputs.append(graph.parameter("\(name).bias", shape: [o], initializer: .constant(0.1))) }
        return graph.apply(Convolution(), inputs, path: name)[0]
    }
    func norm(_ name: String, _ x: ValueID, _ c: Int) -> ValueID {
        let gamma = graph.parameter("\(name).weight", shape: [c], initializer: .constant(1.2))
        let beta = graph.parameter("\(name).bias", shape: [c], initializer: .constant(0.1))
        let mean = graph.parameter("\(name).running_mean", shape: [c], initializer: .constant(0.05), trainable: false)
        let variance = graph.parameter("\(name).running_var", shape: [c], initializer: .constant(0.8), trainable: false)
        let outputs = graph.apply(BatchNormalization(), [x, gamma, beta, mean, variance], path: name)
        for (offset, value) in [(2, outputs[3]), (1, outputs[4])] {
            graph.updates.append((parameter: graph.parameters.count - offset, value: value))
        }
        return outputs[0]
    }
    func relu(_ x: ValueID, _ name: String) -> ValueID { graph.apply(RectifiedLinear(), x, path: name) }
    let a = relu(convolution("a", padded, 1, channels, bias: true), "a.relu")
    let b = relu(norm("b.norm", convolution("b", a, channels, channels, bias: false), channels), "b.relu")
    let c = norm("c.norm", convolution("c", b, channels, channels, bias: true), channels)
    let sum = relu(graph.apply(Add(), a, c, path: "sum"), "sum.relu")
    let down = graph.apply(MaxPooling(), sum, path: "down")
    let deep = relu(convolution("d", down, channels, channels, bias: true), "d.relu")
    let swished = graph.apply(SmoothActivation(.hardSwish), deep, path: "f.swish")
    let kernel = graph.parameter("f.weight", shape: [channels, 1, 3, 3], initializer: .heNormal(fanIn: 9, gain: 1))
    let depthwise = graph.apply(DepthwiseConvolution(), [swished, kernel], path: "f")[0]
    let smooth = graph.apply(SmoothActivation(.gelu), depthwise, path: "g.gelu")
    let gate = graph.apply(SmoothActivation(.sigmoid), graph.apply(GlobalAveragePooling(), smooth, path: "g.mean"), path: "g.open")
    let gated = graph.apply(ChannelScale(), smooth, gate, path: "g.scale")
    let up = graph.apply(Upsampling(), gated, path: "up")
    let joined = graph.apply(Concatenation(channels: [channels, channels]), [sum, up], path: "join")[0]
    let noise = convolution("e", joined, 2 * channels, 1, bias: true)
    let clean = graph.apply(Subtract(), padded, noise, path: "residual")
    graph.outputs.append(("image", graph.apply(Cropping(), clean, image, path: "crop")))
    return graph
}

func fill(_ buffer: UnsafeMutableBufferPointer<Float>, seed: UInt64) {
    var stream = RandomStream(seed: seed)
    for index in buffer.indices { buffer[index] = Float(stream.uniform()) }
}

@Suite struct GraphTests {
    static let sizes: [Shape] = [[1, 5, 7, 1], [3, 8, 6, 1], [2, 9, 9, 1]]

    @Test(arguments: sizes) func fusedInferenceEqualsTheInterpreter(_ size: Shape) throws {
        let graph = sampleNetwork().forInference()
        let store = ParameterStore(graph.parameters, stream: RandomStream(seed: 5))
        for fusion in [false, true] {
            let program = try Compiler.compile(graph, inputs: ["image": size], options: CompileOptions(fusion: fusion))
            let executable = try CPUDevice().load(program, parameters: store)
            fill(executable.input("image"), seed: 9)
            let image = Tensor<Float>(size, Array(executable.input("image")))
            executable.run()
            let results = ReferenceInterpreter<Double>(graph).run(
                inputs: ["image": Tensor(size, image.elements.map(Double.init))],
                parameters: store.tensors.mapValues { Tensor($0.shape, $0.elements.map(Double.init)) })
            let expected = results[graph.output("image")!.index].elements
            for (found, expected) in zip(executable.output("image"), expected) { #expect(abs(Double(found) - expected) < 1e-5) }
        }
    }

    @Test func fusionRemovesBatchNormAndActivations() throws {
        let graph = sampleNetwork().forInference()
        func kinds(_ fusion: Bool) throws -> [String] {
            try Compiler.compile(graph, inputs: ["image": [1, 8, 8, 1]], options: CompileOptions(fusion: fusion)).body
                .map { type(of: $0.operation).name }
        }
        #expect(try kinds(false).filter { $0 == "batch-normalization" }.count == 2)
        let fused = try kinds(true)
        #expect(!fused.contains("batch-normalization"))
        #expect(!fused.contains("add") && !fused.contains("rectified-linear"))
        #expect(fused.contains("activated-pooling") && !fused.contains("global-average-pooling"))
        #expect(fused.filter { $0 == "smooth-activation" }.count == 1, "only the gate's stays")
    }

    /// With all rewrites and with none, against the interpreter: a training step.
    @Test(arguments: [false, true]) func trainingStepEqualsTheInterpreter(_ fusion: Bool) throws {
        let graph = sampleNetwork()
        for size in Self.sizes {
            let store = ParameterStore(graph.parameters, stream: RandomStream(seed: 6))
            let gradients = GradientStore(for: store)
            let program = try Compiler.compileTraining(
                graph, loss: PixelLoss(.l2), inputs: ["image": size, "target": size], options: CompileOptions(fusion: fusion))
            let executable = try CPUDevice().load(program, parameters: store, gradients: gradients)
            fill(executable.input("image"), seed: 1)
            fill(executable.input("target"), seed: 2)
            func double(_ name: String) -> Tensor<Double> { Tensor(size, executable.input(name).map(Double.init)) }
            let (training, wanted, _) = graph.training(loss: PixelLoss(.l2))
            let results = ReferenceInterpreter<Double>(training).run(
                inputs: ["image": double("image"), "target": double("target")],
                parameters: store.tensors.mapValues { Tensor($0.shape, $0.elements.map(Double.init)) })
            executable.run()
            #expect(abs(Double(executable.output("loss")[0]) - results[training.output("loss")!.index].elements[0]) < 1e-5)
            #expect(wanted.count == graph.parameters.filter(\.trainable).count)
            for (parameter, value) in wanted {
                let expected = results[value.index].elements
                let scale = expected.map(abs).max()!
                let found = gradients.values(of: graph.parameters[parameter].name)
                for (a, b) in zip(found, expected) { #expect(abs(Double(a) - b) <= 1e-4 * scale + 1e-7, "\(graph.parameters[parameter].name)") }
            }
            for update in training.updates {
                let found = store.values(of: graph.parameters[update.parameter].name)
                for (a, b) in zip(found, results[update.value.index].elements) { #expect(abs(Double(a) - b) < 1e-5) }
            }
        }
    }

    @Test func gradientsOfParametersAgreeWithFiniteDifferences() throws {
        let graph = sampleNetwork(channels: 3)
        let size: Shape = [2, 6, 5, 1]
        let store = ParameterStore(graph.parameters, stream: RandomStream(seed: 8))
        let (training, wanted, _) = graph.training(loss: PixelLoss(.l2))
        var stream = RandomStream(seed: 4)
        let inputs = ["image": Tensor(size, (0..<size.count).map { _ in stream.uniform() }), "target": Tensor(size, (0..<size.count).map { _ in stream.uniform() })]
        var parameters = store.tensors.mapValues { Tensor($0.shape, $0.elements.map(Double.init)) }
        let interpreter = ReferenceInterpreter<Double>(training)
        let results = interpreter.run(inputs: inputs, parameters: parameters)
        let loss = training.output("loss")!.index
        for (parameter, value) in wanted {
            let name = graph.parameters[parameter].name
            let element = stream.index(below: graph.parameters[parameter].shape.count)
            let original = parameters[name]!.elements[element]
            parameters[name]!.elements[element] = original + 1e-6
            let above = interpreter.run(inputs: inputs, parameters: parameters)[loss].elements[0]
            parameters[name]!.elements[element] = original - 1e-6
            let below = interpreter.run(inputs: inputs, parameters: parameters)[loss].elements[0]
            parameters[name]!.elements[element] = original
            #expect(abs((above - below) / 2e-6 - results[value.index].elements[element]) < 1e-6, "\(name)")
        }
    }

    @Test func sameInputsSameBits() throws {
        let graph = sampleNetwork()
        func step() throws -> [Float] {
            let store = ParameterStore(graph.parameters, stream: RandomStream(seed: 6))
            let gradients = GradientStore(for: store)
            let device = CPUDevice()
            let program = try Compiler.compileTraining(graph, loss: PixelLoss(.l1), inputs: ["image": [2, 8, 8, 1], "target": [2, 8, 8, 1]])
            let executable = try device.load(program, parameters: store, gradients: gradients)
            let state = AdamState(for: store)
            for number in 1...3 {
                fill(executable.input("image"), seed: UInt64(number))
                fill(executable.input("target"), seed: 7)
                executable.run()
                device.adam(store, gradients, state: state, settings: AdamSettings(), step: number)
            }
            return store.trainable.values + store.frozen.values
        }
        #expect(try step() == step())
    }

    @Test func inferenceFollowsTheParameters() throws {
        let graph = sampleNetwork().forInference()
        let store = ParameterStore(graph.parameters, stream: RandomStream(seed: 5))
        let executable = try CPUDevice().load(try Compiler.compile(graph, inputs: ["image": [1, 8, 8, 1]]), parameters: store)
        fill(executable.input("image"), seed: 9)
        executable.run()
        let before = Array(executable.output("image"))
        store.set("b.norm.running_var", store.values(of: "b.norm.running_var").map { $0 * 4 })
        executable.run()
        #expect(Array(executable.output("image")) != before)
        store.set("b.norm.running_var", store.values(of: "b.norm.running_var").map { $0 / 4 })
        executable.run()
        #expect(Array(executable.output("image")) == before)
    }

    @Test func shapeErrorsNameTheNode() {
        var graph = Graph()
        let image = graph.input("image", channels: 3)
        let weight = graph.parameter("w", shape: [4, 5, 3, 3], initializer: .constant(0))
        graph.outputs.append(("image", graph.apply(Convolution(), image, weight, path: "block1.conv")))
        #expect { try graph.shapes(inputs: ["image": [1, 8, 8, 3]]) } throws: { error in
            "\(error)".hasPrefix("block1.conv:") && "\(error)".contains("5 channels")
        }
    }

    @Test func aProgramThatCannotFitIsRefused() throws {
        let graph = sampleNetwork().forInference()
        let store = ParameterStore(graph.parameters, stream: RandomStream(seed: 5))
        let program = try Compiler.compile(graph, inputs: ["image": [1, 64, 64, 1]])
        let needed = try CPUDevice().peakBytes(of: program)
        _ = try CPUDevice().load(program, parameters: store, memory: needed)
        let error = try #require(throws: InputError.self) {
            try CPUDevice().load(program, parameters: store, memory: needed - 1)
        }
        #expect(error.message.contains("memory") && error.hint != nil)
        #expect(CPUDevice.physicalMemory > 1 << 28)
    }

    @Test func aStepNeedsGradientsAndMomentsToo() throws {
        let inputs: [String: Shape] = ["image": [1, 8, 8, 1], "target": [1, 8, 8, 1]]
        let program = try Compiler.compileTraining(sampleNetwork(), loss: PixelLoss(.l2), inputs: inputs)
        let trainable = program.parameters.filter(\.trainable).reduce(0) { $0 + $1.shape.count }
        var forward = program
        forward.computesGradients = false
        #expect(try CPUDevice().peakBytes(of: program) == CPUDevice().peakBytes(of: forward) + 12 * trainable)
        #expect(try CPUDevice().peakBytes(of: program) > program.arenaBytes + 16 * trainable)
    }

    @Test func finiteMeansEveryParameterAndBuffer() {
        for (name, value) in [("w", Float.nan), ("w", .infinity), ("buffer", -.infinity)] {
            let store = ParameterStore(
                [("w", true), ("buffer", false)].map {
                    ParameterSpecification(name: $0.0, shape: [37], initializer: .constant(1e30), trainable: $0.1)
                }, stream: RandomStream(seed: 0))
            #expect(store.isFinite)
            store.set(name, [Float](repeating: 0, count: 36) + [value])
            #expect(!store.isFinite)
        }
    }

    @Test func adamFollowsItsFormula() {
        let specification = ParameterSpecification(name: "w", shape: [5], initializer: .constant(0.5), trainable: true)
        let store = ParameterStore([specification], stream: RandomStream(seed: 0))
        let gradients = GradientStore(for: store)
        let state = AdamState(for: store)
        var p = 0.5, m = 0.0, v = 0.0
        for step in 1...5 {
            let g = 0.1 * Double(step) - 0.25
            for index in 0..<5 { gradients.buffer.pointer[index] = Float(g) }
            CPUDevice().adam(store, gradients, state: state, settings: AdamSettings(learningRate: 0.01), step: step)
            m = 0.9 * m + 0.1 * g
            v = 0.999 * v + 0.001 * g * g
            p -= 0.01 * (m / (1 - pow(0.9, step))) / ((v / (1 - pow(0.999, step))).squareRoot() + 1e-8)
            #expect(abs(Double(store.values(of: "w")[3]) - p) < 1e-6)
        }
    }

    private func pow(_ base: Double, _ exponent: Int) -> Double { (0..<exponent).reduce(1) { value, _ in value * base } }
}
