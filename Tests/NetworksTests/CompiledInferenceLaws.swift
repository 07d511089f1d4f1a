import Documents
import Engine
import Networks
import RandomStreams
import Testing

/// A compiled inference against the Float64 interpreter: as it is, with rewrites, and in strips of pixels, the last one shorter.
@Suite struct CompiledInferenceLaws {
    @Test(arguments: sampleNetworks.indices) func anInferenceEqualsTheInterpreter(_ number: Int) throws {
        let sample = sampleNetworks[number]
        let architecture = try Architecture(["network": sample])
        let graph = try architecture.inferenceGraph(exit: architecture.exitCount - 1)
        let random = RandomCase(graph, height: 16, width: 13, seed: UInt64(300 + number))
        let expected = random.output(graph).elements
        let scale = expected.map(abs).max()!
        let store = ParameterStore(graph.parameters, stream: RandomStream(seed: 0))
        for (name, tensor) in random.parameters { store.set(name, tensor.elements.map(Float.init)) }
        let all: [CompileOptions] = [
            CompileOptions(fusion: false), CompileOptions(), CompileOptions(stripBytes: 1), CompileOptions(threads: 2, stripBytes: 1),
        ]
        for options in all {
            let shapes = architecture.inputShapes(height: 16, width: 13, batch: 1)
            let program = try Compiler.compile(graph, inputs: shapes, options: options)
            let executable = try CPUDevice(threads: options.threads).load(program, parameters: store)
            for (name, tensor) in random.inputs { _ = executable.input(name).update(fromContentsOf: tensor.elements.map(Float.init)) }
            // Twice: strips leave their operands as they found them.
            for _ in 0..<2 {
                executable.run()
                let worst = zip(executable.output("image"), expected).map { abs(Double($0) - $1) }.max()!
                #expect(worst < 1e-4 * scale, "\(sample.json), \(options)")
            }
        }
    }
}
