/// What a network costs, read from its graph.
package struct GraphCost: Sendable, Equatable {
    /// Trainable elements.
    package var parameters: Int
    /// Multiply-accumulates of one forward pass of the whole batch.
    package var macs: Int
}

extension Graph {
    /// - Throws: `ShapeError` where the shapes do not fit.
    package func cost(inputs: [String: Shape]) throws -> GraphCost {
        let shapes = try shapes(inputs: inputs)
        let live = ancestors(of: outputs.map(\.value))
        let macs = nodes.filter { $0.outputs.contains { live.contains($0.index) } }.reduce(0) { sum, node in
            sum + node.operation.macs(node.inputs.map { shapes[$0.index] }, node.outputs.map { shapes[$0.index] })
        }
        let parameters = parameters.filter(\.trainable).reduce(0) { $0 + $1.shape.count }
        return GraphCost(parameters: parameters, macs: macs)
    }
}
