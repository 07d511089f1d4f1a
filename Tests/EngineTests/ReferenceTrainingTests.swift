import Engine
import RandomStreams
import Testing

/// Training steps by the definitions, in Float64, against numbers of PyTorch's in double precision.
@Suite struct ReferenceTrainingTests {
    /// y = w x + b with x = 0.5, w = 0.75, b = -0.25 and the target -0.5, four steps at a rate of 0.05.
    /// Source: torch.optim.Adam and AdamW 2.15, dtype float64.
    @Test(arguments: [
        (0.0, [0.390625, 0.30250000088, 0.22600648734837567, 0.16125305969836057], 0.5526205338867629, -0.44737946784628563),
        (0.1, [0.390625, 0.30181289150400004, 0.2251829225781483, 0.1606681904149854], 0.5392408660917163, -0.4409086362547676),
    ])
    func adamIsPyTorchs(_ weightDecay: Double, _ losses: [Double], _ weight: Double, _ bias: Double) {
        var graph = Graph()
        let image = graph.input("image", channels: 1)
        let w = graph.parameter("w", shape: [1, 1, 1, 1], initializer: .constant(0))
        let b = graph.parameter("b", shape: [1], initializer: .constant(0))
        graph.outputs.append(("image", graph.apply(Convolution(), [image, w, b], path: "y")[0]))
        var training = ReferenceTraining<Double>(
            graph, TrainingObjective(PixelLoss(.l2)),
            parameters: ["w": Tensor([1, 1, 1, 1], [0.75]), "b": Tensor([1], [-0.25])],
            settings: AdamSettings(learningRate: 0.05, weightDecay: weightDecay))
        let inputs: [String: Tensor<Double>] = ["image": Tensor([1, 1, 1, 1], [0.5]), "target": Tensor([1, 1, 1, 1], [-0.5])]
        for (step, expected) in losses.enumerated() {
            let values = training.advance(inputs)
            #expect(abs(values.loss - expected) < 1e-15 * 10)
            if step == 0 { #expect(values.gradients["w"]?.elements == [0.625] && values.gradients["b"]?.elements == [1.25]) }
        }
        #expect(training.step == 4)
        #expect(abs(training.parameters["w"]!.elements[0] - weight) < 1e-14)
        #expect(abs(training.parameters["b"]!.elements[0] - bias) < 1e-14)
    }

    /// A momentum that was rounded to Float32 would be off by 1e-9.
    @Test func theRunningStatisticsAreExact() {
        let x = Tensor<Double>([1, 2, 2, 1], [0.1, 0.4, 0.9, 0.2])
        let one = Tensor<Double>([1], [1]), zero = Tensor<Double>([1], [0])
        let found = BatchNormalization().reference([x, one, zero, Tensor([1], [0.3]), Tensor([1], [2])])
        #expect(abs(found[3].elements[0] - (0.9 * 0.3 + 0.1 * 0.4)) < 1e-16)
        #expect(abs(found[4].elements[0] - (0.9 * 2 + 0.1 * 0.38 / 3)) < 1e-15)
    }

    /// The network's buffers move by the graph's updates, and only they.
    @Test func aStepTellsTheBuffersAfterIt() {
        let graph = sampleNetwork()
        let store = ParameterStore(forChecks: graph.parameters, seed: 3)
        var stream = RandomStream(seed: 4)
        let size: Shape = [2, 5, 7, 1]
        func images() -> Tensor<Float> { Tensor(size, (0..<size.count).map { _ in Float(stream.uniform()) }) }
        var training = ReferenceTraining<Float>(graph, TrainingObjective(PixelLoss(.l1)), parameters: store.tensors)
        let values = training.advance(["image": images(), "target": images()])
        let frozen = graph.parameters.filter { !$0.trainable }.map(\.name)
        #expect(Set(values.buffers.keys) == Set(frozen))
        for name in frozen { #expect(values.buffers[name] == training.parameters[name] && values.buffers[name] != store.tensors[name]) }
        #expect(Set(values.gradients.keys) == Set(graph.parameters.filter(\.trainable).map(\.name)))
        #expect(values.outputs["image"]?.shape == size)
    }
}
