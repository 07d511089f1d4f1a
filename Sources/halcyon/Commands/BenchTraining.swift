import Engine
import Networks
import RandomStreams

/// A training step (forward, mean squared error, backward, Adam) of an architecture, ready to run.
struct BenchTraining {
    let cost: GraphCost
    let executable: Executable
    let parameters: ParameterStore
    private let device: CPUDevice
    private let gradients: GradientStore
    private let state: AdamState
    private var step = 0

    /// - Throws: `ShapeError` or `InputError` where the network cannot take the size.
    init(_ architecture: Architecture, size: ImageSize, batch: Int, options: CompileOptions) throws {
        let graph = try buildGraph(architecture)
        var shapes = architecture.inputShapes(height: size.height, width: size.width, batch: batch)
        cost = try graph.cost(inputs: shapes)
        shapes["target"] = shapes["image"]
        let program = try Compiler.compileTraining(
            graph, architecture.objective(.l2, budget: 1), inputs: shapes, options: options)
        device = CPUDevice(threads: options.threads)
        parameters = ParameterStore(graph.parameters, stream: RandomStream(seed: 0))
        gradients = GradientStore(for: parameters)
        executable = try device.load(program, parameters: parameters, gradients: gradients)
        state = AdamState(for: parameters)
    }

    mutating func advance() {
        executable.run()
        optimize()
    }

    /// Adam's pass alone.
    mutating func optimize() {
        step += 1
        device.adam(parameters, gradients, state: state, settings: AdamSettings(), step: step)
    }

    /// What the pass reads (parameter, gradient, both moments) and writes (all but the gradient).
    var optimizerBytes: Int { 7 * parameters.trainable.count * MemoryLayout<Float>.stride }
}
