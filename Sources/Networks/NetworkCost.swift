import Documents
import Engine

/// Refuses batches of images that are not compiled: a guard against slips in a size.
/// - Throws: an `InputError` without location.
package func checkSizes(height: Int, width: Int, batch: Int = 1) throws {
    let sizes = 1...32768
    guard sizes.contains(height), sizes.contains(width), sizes.contains(batch), batch * height * width <= 1 << 28 else {
        throw InputError(
            "a batch of \(batch) images of \(height)x\(width) is out of range", hint: "sizes are from 1 to 32768, and at most 2^28 pixels")
    }
}

/// What a network costs at a size, without running it. A dynamic one: its full depth, and in training all its exits and the router.
package struct NetworkCost: Sendable, Equatable {
    /// The architecture's name, or the start of its hash.
    package let architecture: String
    /// Trainable elements.
    package let parameters: Int
    /// Multiply-accumulates of one forward pass of the whole batch; three times that for a training step.
    package let macs: Int
    /// The memory that it takes, in bytes (`CPUDevice.peakBytes`).
    package let peakBytes: Int
    package let family: String
    /// `Architecture.architectureHash`.
    package let hash: String

    /// Builds and compiles the network for images `[batch, height, width, C]`; nothing is run.
    /// - Parameter training: the cost of a training step with the mean squared error, instead of inference.
    /// - Throws: `InputError` where the network cannot take the size.
    package init(of architecture: Architecture, height: Int, width: Int, batch: Int = 1, training: Bool = false) throws {
        try checkSizes(height: height, width: width, batch: batch)
        let shapes = architecture.inputShapes(height: height, width: width, batch: batch)
        do {
            let cost: GraphCost
            if training {
                let graph = try buildGraph(architecture)
                let target: Shape = [batch, height, width, architecture.network.inputChannels]
                let inputs = shapes.merging(["target": target]) { known, _ in known }
                let objective = try architecture.objective(.l2, budget: 1)
                peakBytes = try CPUDevice().peakBytes(of: Compiler.compileTraining(graph, objective, inputs: inputs))
                cost = try graph.forInference().cost(inputs: shapes)
            } else {
                let path = try architecture.inferenceGraph(exit: architecture.exitCount - 1)
                peakBytes = try CPUDevice().peakBytes(of: Compiler.compile(path, inputs: shapes))
                cost = try path.cost(inputs: shapes)
            }
            parameters = cost.parameters
            macs = training ? 3 * cost.macs : cost.macs
        } catch let error as ShapeError {
            throw InputError("the network cannot take images of \(height)x\(width): \(error.description)", hint: "use a larger size")
        }
        family = architecture.family
        hash = architecture.architectureHash
        self.architecture = architecture.name ?? String(hash.prefix(12))
    }

    /// The multiply-accumulates of one image alone: nothing is compiled.
    package static func macs(of architecture: Architecture, height: Int, width: Int) throws -> Int {
        try architecture.inferenceGraph(exit: architecture.exitCount - 1).cost(
            inputs: architecture.inputShapes(height: height, width: width, batch: 1)
        ).macs
    }

    /// `architecture, parameters, macs, peak_bytes, family, hash`.
    package var document: Document {
        [
            "architecture": .string(architecture), "parameters": .int(parameters), "macs": .int(macs),
            "peak_bytes": .int(peakBytes), "family": .string(family), "hash": .string(hash),
        ]
    }
}

extension Architecture {
    /// The shapes of the graph's inputs for a batch of images of this size.
    package func inputShapes(height: Int, width: Int, batch: Int) -> [String: Shape] {
        var shapes: [String: Shape] = ["image": [batch, height, width, network.inputChannels]]
        if network.hasNoiseMap { shapes["noise-map"] = [batch, height, width, 1] }
        return shapes
    }
}
