import Engine
import RandomStreams
import Testing

/// Kernels in the forms that only whole programs use: on channels of wider maps, with rounded operands, on several threads.
@Suite struct KernelFormLaws {
    typealias Case = OperationLaws.Case

    /// Maps as slices of wider ones, and the first output made in its place in a concatenation.
    @Test(arguments: OperationLaws.cases.filter { $0.sample.operation.takesSlices }) func kernelsTakeSlices(_ item: Case) throws {
        let isMap = item.sample.inputs.map { shape in
            // A convolution's weights have four axes too.
            shape.rank == 4 && (!item.testDescription.contains("convolution") || shape.sizes[1...2] == item.sample.inputs[0].sizes[1...2])
        }
        guard isMap.contains(true) else { return }
        let (values, before, behind) = (OperationLaws.inputs(item), 3, 5)
        let expected = item.sample.operation.reference(zip(item.sample.inputs, values).map { Tensor($0, $1) })
        for version in CPUDevice.instructionSets {
            try CPUDevice.withInstructionSet(version) { () throws in
                var graph = Graph()
                var shapes: [String: Shape] = [:]
                let inputs = item.sample.inputs.enumerated().map { index, shape in
                    let channels = shape.rank > 0 ? shape.channels : 1
                    shapes["x\(index)"] = isMap[index] ? shape.with(channels: before + channels + behind) : shape
                    let input = graph.input("x\(index)", channels: channels + (isMap[index] ? before + behind : 0))
                    return isMap[index] ? graph.apply(ChannelSlice(start: before, count: channels), input, path: "slice") : input
                }
                let outputs = graph.apply(item.sample.operation, inputs, path: "operation")
                let joins = expected[0].shape.rank == 4 && !item.testDescription.contains("weight-gradient")
                if joins {
                    let negative = graph.apply(RectifiedLinear(slope: 0.5), outputs[0], path: "other")
                    let channels = expected[0].shape.channels
                    let both = graph.apply(Concatenation(channels: [channels, channels]), outputs[0], negative, path: "both")
                    graph.outputs.append(("y", both))
                } else {
                    graph.outputs.append(("y", outputs[0]))
                }
                let program = try Compiler.compile(graph, inputs: shapes)
                let executable = try CPUDevice().load(program, parameters: ParameterStore([], stream: RandomStream(seed: 0)))
                for (index, shape) in item.sample.inputs.enumerated() {
                    let input = executable.input("x\(index)")
                    input.update(repeating: .nan)
                    let width = shape.rank > 0 ? shape.channels : 1
                    for (element, value) in values[index].enumerated() {
                        let wide = (width + before + behind) * (element / width) + before + element % width
                        input[isMap[index] ? wide : element] = Float(value)
                    }
                }
                executable.run()
                let (channels, scale) = (expected[0].shape.channels, max(1, expected[0].elements.map(abs).max()!))
                let y = executable.output("y")
                let isNear = expected[0].elements.enumerated().allSatisfy { element, value in
                    let place = joins ? element / channels * 2 * channels + element % channels : element
                    return abs(Double(y[place]) - value) <= 2e-5 * scale
                }
                #expect(isNear, "in \(version)")
            }
        }
    }

    /// Operands rounded to bf16 are off by a part in 512 each; sums are exact, so the largest output is off by a few parts in a
    /// hundred at most. Every version rounds alike, but for the processor's tiles, for which 3x3 convolutions round their operands and
    /// not what Winograd's transforms make of them: they are nearer.
    @Test(arguments: OperationLaws.cases) func roundedProductsAreNear(_ item: Case) throws {
        let values = OperationLaws.inputs(item)
        let expected = item.sample.operation.reference(zip(item.sample.inputs, values).map { Tensor($0, $1) })
        let found = try CPUDevice.instructionSets.compactMap { version in
            try CPUDevice.withInstructionSet(version) { () throws in
                (version, try run(item, values, CompileOptions(fusion: false, precision: .bf16)))
            }
        }
        for (index, tensor) in expected.enumerated() {
            let scale = max(1, tensor.elements.map(abs).max()!)
            for (version, outputs) in found {
                let isNear = tensor.elements.enumerated().allSatisfy { element, value in
                    let output = outputs[index][element]
                    guard version != "amx" else { return abs(Double(output) - value) <= 0.01 * scale }
                    return abs(Double(output) - value) <= 0.05 * scale && abs(output - found[0].1[index][element]) <= 1e-2 * Float(scale)
                }
                #expect(isNear, "in \(version)")
            }
        }
    }

    /// Two and three threads share the work as one does all of it, and the same number gives the same bits.
    @Test(arguments: OperationLaws.cases) func threadsShareTheWork(_ item: Case) throws {
        let values = OperationLaws.inputs(item)
        for precision in [Precision.f32, .bf16] {
            let alone = try run(item, values, CompileOptions(fusion: false, precision: precision))
            for threads in [2, 3] {
                let options = CompileOptions(fusion: false, threads: threads, precision: precision)
                let shared = try run(item, values, options)
                #expect(try run(item, values, options) == shared)
                for (a, b) in zip(alone, shared) {
                    let scale = max(1, a.map(abs).max() ?? 1)
                    #expect(zip(a, b).allSatisfy { ($0 - $1).magnitude <= 2e-5 * scale }, "\(threads) threads, \(precision.rawValue)")
                }
            }
        }
    }

    /// A convolution that normalizes what it reads has the bits of one that reads the normalized map.
    @Test(arguments: OperationLaws.cases.filter { $0.kind.name.hasPrefix("normalized-") }) func normalizingChangesNoBits(_ item: Case) throws {
        let plain: any Operation =
            (item.sample.operation as? NormalizedConvolution)?.convolution ?? (item.sample.operation as! NormalizedWeightGradient).gradient
        var graph = Graph()
        let inputs = item.sample.inputs.enumerated().map { graph.input("x\($0)", channels: $1.channels) }
        let map = graph.apply(RenewedNormalization(activation: .relu), [inputs[0]] + inputs.suffix(4), path: "map")
        let outputs = graph.apply(plain, map + inputs.dropFirst().dropLast(4), path: "operation")
        for (index, output) in outputs.enumerated() { graph.outputs.append(("y\(index)", output)) }
        let values = OperationLaws.inputs(item)
        for version in CPUDevice.instructionSets {
            try CPUDevice.withInstructionSet(version) { () throws in
                for precision in [Precision.f32, .bf16] {
                    let options = CompileOptions(fusion: false, precision: precision)
                    #expect(try run(item, values, options) == run(item, graph, values, options), "\(version), \(precision.rawValue)")
                }
            }
        }
    }

    private func run(_ item: Case, _ values: [[Double]], _ options: CompileOptions) throws -> [[Float]] {
        try run(item, OperationLaws.graph(item).graph, values, options)
    }

    private func run(_ item: Case, _ graph: Graph, _ values: [[Double]], _ options: CompileOptions) throws -> [[Float]] {
        let shapes = Dictionary(uniqueKeysWithValues: item.sample.inputs.enumerated().map { ("x\($0)", $1) })
        let program = try Compiler.compile(graph, inputs: shapes, options: options)
        let device = CPUDevice(threads: options.threads)
        let executable = try device.load(program, parameters: ParameterStore([], stream: RandomStream(seed: 0)))
        for (index, values) in values.enumerated() { _ = executable.input("x\(index)").update(fromContentsOf: values.map(Float.init)) }
        executable.run()
        return graph.outputs.map { Array(executable.output($0.name)) }
    }
}
