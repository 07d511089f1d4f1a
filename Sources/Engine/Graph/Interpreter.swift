/// Runs a graph node by node over the reference twins: the oracle, and the debugger.
package struct ReferenceInterpreter<Scalar: ReferenceScalar> {
    package var graph: Graph

    package init(_ graph: Graph) { self.graph = graph }

    /// - Parameters:
    ///   - inputs: by name.
    ///   - parameters: by name, buffers included.
    /// - Returns: every value of the graph, by index.
    package func run(inputs: [String: Tensor<Scalar>], parameters: [String: Tensor<Scalar>]) -> [Tensor<Scalar>] {
        var results: [Tensor<Scalar>] = []
        results.reserveCapacity(graph.values.count)
        var computed: [Int: [Tensor<Scalar>]] = [:]
        for source in graph.values {
            switch source {
            case .input(let name): results.append(inputs[name]!)
            case .parameter(let number): results.append(parameters[graph.parameters[number].name]!)
            case .node(let number, let output):
                if output == 0 {
                    let node = graph.nodes[number]
                    computed[number] = node.operation.reference(node.inputs.map { results[$0.index] })
                }
                results.append(computed[number]![output])
            }
        }
        return results
    }
}
