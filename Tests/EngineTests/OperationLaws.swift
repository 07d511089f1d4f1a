import Documents
import Engine
import RandomStreams
import Testing

/// Every operation of the catalogue, over all its samples.
@Suite struct OperationLaws {
    struct Case: Sendable, CustomTestStringConvertible {
        var kind: any Operation.Type
        var sample: OperationSample
        var index: Int
        var testDescription: String { "\(kind.name) \(index): \(sample.inputs.map(\.description).joined(separator: " "))" }
    }

    static let cases: [Case] = operationCatalogue.flatMap { kind in
        kind.samples.enumerated().map { Case(kind: kind, sample: $1, index: $0) }
    }

    /// Values away from zero and from each other, so that no activation or maximum sits on its kink.
    static func values(_ shape: Shape, positive: Bool, stream: RandomStream) -> [Double] {
        var stream = stream
        let order = stream.permutation(shape.count)
        return order.map { rank in
            let spread = (Double(rank) + 0.5) / Double(shape.count)
            return positive ? 0.5 + spread : 2 * spread - 1 + (spread < 0.5 ? -0.05 : 0.05)
        }
    }

    static func inputs(_ item: Case) -> [[Double]] {
        item.sample.inputs.enumerated().map { index, shape in
            values(shape, positive: item.sample.positiveInputs.contains(index), stream: RandomStream(seed: 11).split(item.testDescription).split(index))
        }
    }

    /// The graph of one operation whose inputs are graph inputs `x0`, `x1`, ...
    static func graph(_ item: Case) -> (graph: Graph, inputs: [ValueID], outputs: [ValueID]) {
        var graph = Graph()
        let inputs = item.sample.inputs.enumerated().map { graph.input("x\($0)", channels: $1.rank > 0 ? $1.channels : 1) }
        let outputs = graph.apply(item.sample.operation, inputs, path: "operation")
        for (index, output) in outputs.enumerated() { graph.outputs.append(("y\(index)", output)) }
        return (graph, inputs, outputs)
    }

    @Test func theCatalogueHasEveryNameOnceAndSamples() {
        #expect(Set(operationCatalogue.map { $0.name }).count == operationCatalogue.count)
        for kind in operationCatalogue { #expect(!kind.samples.isEmpty, "\(kind.name) has no samples") }
    }

    @Test(arguments: cases) func shapeRuleAgreesWithTheTwin(_ item: Case) throws {
        let shapes = try item.sample.operation.outputShapes(item.sample.inputs)
        let results = item.sample.operation.reference(zip(item.sample.inputs, Self.inputs(item)).map { Tensor($0, $1) })
        #expect(results.map(\.shape) == shapes)
        #expect(shapes.count == item.sample.operation.outputCount)
    }

    @Test(arguments: cases) func gradientAgreesWithFiniteDifferences(_ item: Case) throws {
        guard item.kind.isDifferentiable, (item.sample.operation as? BatchNormalization)?.statistics != .running else { return }
        var (graph, inputs, outputs) = Self.graph(item)
        let shapes = try item.sample.operation.outputShapes(item.sample.inputs)
        let seed = graph.input("upstream", channels: shapes[0].rank > 0 ? shapes[0].channels : 1)
        let found = graph.differentiate(seeds: [(outputs[0], seed)], withRespectTo: inputs)
        var tensors: [String: Tensor<Double>] = [:]
        for (index, values) in Self.inputs(item).enumerated() { tensors["x\(index)"] = Tensor(item.sample.inputs[index], values) }
        let upstream = Self.values(shapes[0], positive: false, stream: RandomStream(seed: 3))
        tensors["upstream"] = Tensor(shapes[0], upstream)
        let results = ReferenceInterpreter<Double>(graph).run(inputs: tensors, parameters: [:])

        if item.sample.operation is StopGradient {
            #expect(found.allSatisfy { $0 == nil })
            return
        }
        #expect(found.contains { $0 != nil }, "no gradient at all")
        func objective(_ changed: [Tensor<Double>]) -> Double {
            zip(item.sample.operation.reference(changed)[0].elements, upstream).reduce(0) { $0 + $1.0 * $1.1 }
        }
        for (index, gradient) in found.enumerated() {
            var moved = item.sample.inputs.indices.map { tensors["x\($0)"]! }
            let step = 1e-6
            let count = moved[index].elements.count
            for element in stride(from: 0, to: count, by: max(1, count / 40)) {
                let original = moved[index].elements[element]
                moved[index].elements[element] = original + step
                let above = objective(moved)
                moved[index].elements[element] = original - step
                let below = objective(moved)
                moved[index].elements[element] = original
                let expected = (above - below) / (2 * step)
                let computed = gradient.map { results[$0.index].elements[element] } ?? 0
                // A nil gradient claims that the output does not depend on the input, except for declared constants.
                if gradient == nil, [PixelLoss.name, ImageLoss.name, SimilarityLoss.name].contains(item.kind.name) { continue }
                #expect(abs(expected - computed) <= 1e-5 * max(1, abs(expected)), "input \(index), element \(element)")
            }
        }
    }

    /// In every version of our own kernels that this processor can run.
    @Test(arguments: cases) func kernelAgreesWithTheTwin(_ item: Case) throws {
        for name in CPUDevice.instructionSets {
            try CPUDevice.withInstructionSet(name) { () throws in
                #expect(CPUDevice.instructionSet == name)
                try kernelAgreesWithTheTwin(item, "in \(name)")
            }
        }
        try kernelAgreesWithTheTwin(item, "in \(CPUDevice.instructionSet)")
    }

    private func kernelAgreesWithTheTwin(_ item: Case, _ version: String) throws {
        let (graph, inputs, outputs) = Self.graph(item)
        _ = inputs
        let shapes = Dictionary(uniqueKeysWithValues: item.sample.inputs.enumerated().map { ("x\($0)", $1) })
        let program = try Compiler.compile(graph, inputs: shapes, options: CompileOptions(fusion: false))
        let store = ParameterStore([], stream: RandomStream(seed: 0))
        let executable = try CPUDevice().load(program, parameters: store)
        let values = Self.inputs(item)
        let expected = item.sample.operation.reference(zip(item.sample.inputs, values).map { Tensor($0, $1) })
        for run in 0..<2 {
            for (index, values) in values.enumerated() {
                let input = executable.input("x\(index)")
                for (element, value) in values.enumerated() { input[element] = Float(value) }
            }
            executable.run()
            for index in outputs.indices {
                let scale = max(1, expected[index].elements.map(abs).max()!)
                let worst = zip(executable.output("y\(index)"), expected[index].elements).map { abs(Double($0) - $1) }.max()!
                #expect(worst <= 2e-5 * scale, "output \(index), run \(run), \(version)")
            }
        }
    }

    /// The laws' values lie within 1 of zero; the hard kinds bend at 3, and exponentials must hold far out.
    @Test(arguments: SmoothActivation.Kind.allCases) func smoothActivationsHoldFarFromZero(_ kind: SmoothActivation.Kind) throws {
        let shape: Shape = [1, 1, 101, 3]
        let xs = (0..<shape.count).map { (Double($0) - Double(shape.count) / 2) * 0.13 }
        for name in CPUDevice.instructionSets {
            try CPUDevice.withInstructionSet(name) { () throws in
                for operation in [SmoothActivation(kind), SmoothActivationGradient(kind)] as [any Operation] {
                    var graph = Graph()
                    let x = graph.input("x", channels: 3), dy = graph.input("dy", channels: 3)
                    let operands = operation is SmoothActivation ? [x] : [x, dy]
                    graph.outputs.append(("y", graph.apply(operation, operands, path: "operation")[0]))
                    let program = try Compiler.compile(graph, inputs: ["x": shape, "dy": shape])
                    let executable = try CPUDevice().load(program, parameters: ParameterStore([], stream: RandomStream(seed: 0)))
                    _ = executable.input("x").update(fromContentsOf: xs.map(Float.init))
                    executable.input("dy").update(repeating: 1)
                    executable.run()
                    let inputs = [Tensor(shape, xs), Tensor(shape, repeating: 1)]
                    let expected = operation.reference(Array(inputs.prefix(operands.count)))[0].elements
                    for (found, (x, value)) in zip(executable.output("y"), zip(xs, expected)) {
                        #expect(abs(Double(found) - value) < 2e-6 * max(1, abs(x)), "\(kind) at \(x) in \(name)")
                    }
                }
            }
        }
    }

    /// A change of one pixel of the first input changes no output pixel beyond the operation's reach.
    @Test(arguments: cases) func reachBoundsInfluence(_ item: Case) throws {
        let shapes = item.sample.inputs
        let isLocal = (item.sample.operation as? BatchNormalization)?.statistics != .batch && !(item.sample.operation is PixelLoss)
        guard item.kind.isDifferentiable, isLocal, shapes[0].rank == 4, let reach = item.sample.operation.reach(shapes),
            try item.sample.operation.outputShapes(shapes)[0].rank == 4
        else { return }
        var tensors = zip(shapes, Self.inputs(item)).map { Tensor($0, $1) }
        let before = item.sample.operation.reference(tensors)[0]
        let (row, column) = (shapes[0].height / 2, shapes[0].width / 2)
        tensors[0].elements[((0 * shapes[0].height + row) * shapes[0].width + column) * shapes[0].channels] += 3
        let after = item.sample.operation.reference(tensors)[0]
        // Padding repeats pixels far away from their place; only what lies within the image counts.
        let (height, width) = item.sample.operation is Padding ? (shapes[0].height, shapes[0].width) : (before.shape.height, before.shape.width)
        let ratio = Double(shapes[0].height) / Double(before.shape.height)
        let scale = item.sample.operation is Padding || item.sample.operation is Cropping ? 1 : ratio
        for h in 0..<height {
            for w in 0..<width {
                let (down, across) = (abs(Int(Double(h) * scale) - row), abs(Int(Double(w) * scale) - column))
                guard max(down, across) > reach else { continue }
                let start = ((0 * before.shape.height + h) * before.shape.width + w) * before.shape.channels
                for c in 0..<before.shape.channels { #expect(before.elements[start + c] == after.elements[start + c], "(\(h), \(w))") }
            }
        }
    }

    /// Counted here by hand, for each kind that multiplies: outputs x taps, or pixels x weights for the backward passes.
    @Test(arguments: cases) func multiplyAccumulatesAreCounted(_ item: Case) throws {
        let inputs = item.sample.inputs
        let outputs = try item.sample.operation.outputShapes(inputs)
        var expected = 0
        switch item.kind.name {
        case "convolution", "normalized-convolution":
            for size in [inputs[0][0], inputs[0][1], inputs[0][2]] { expected = max(1, expected) * size }
            expected *= inputs[1][0] * inputs[1][1] * inputs[1][2] * inputs[1][3]
        case "convolution-input-gradient", "gated-convolution-input-gradient":
            expected = inputs[0][0] * inputs[0][1] * inputs[0][2] * inputs[1][0] * inputs[1][1] * inputs[1][2] * inputs[1][3]
        case "convolution-weight-gradient", "gated-convolution-weight-gradient", "normalized-convolution-weight-gradient":
            expected = inputs[0][0] * inputs[0][1] * inputs[0][2] * inputs[2][0] * inputs[2][1] * inputs[2][2] * inputs[2][3]
        case "depthwise-convolution", "depthwise-convolution-input-gradient":
            expected = inputs[0][0] * inputs[0][1] * inputs[0][2] * inputs[1][0] * inputs[1][2] * inputs[1][3]
        case "depthwise-convolution-weight-gradient":
            expected = inputs[0][0] * inputs[0][1] * inputs[0][2] * inputs[2][0] * inputs[2][2] * inputs[2][3]
        case "pointwise-convolution", "gated-convolution": expected = inputs[0].count * inputs[1][0]
        case "expanded-depthwise-convolution":
            // The 1x1 convolution's, and a kernel for each channel.
            let kernel = inputs.last!.rank == 4 ? inputs.last! : inputs[inputs.count - 2]
            expected = inputs[0].count * inputs[1][0] + inputs[0].pixels * kernel[0] * kernel[2] * kernel[3]
        case "window-attention":
            // Two products for each window and head: places x places x channels.
            let window = (item.sample.operation as? WindowAttention)?.window ?? 0
            let windows = inputs[0][0] * (inputs[0][1] / window) * (inputs[0][2] / window)
            expected = 2 * windows * inputs[1].count * (inputs[0][3] / 3 / inputs[1][0])
        case "window-attention-gradient":
            // The scores again, and the gradients of probabilities, q, k and v.
            expected = 5 * inputs[2].count * inputs[1][1]
        default: break
        }
        #expect(item.sample.operation.macs(inputs, outputs) == expected)
    }
}
