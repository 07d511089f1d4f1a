/// The gate in front of a 1x1 convolution that nothing else reads multiplies its weights, and a smooth activation that alone reads it
/// is applied to pixels that were just written. For inference: training needs both maps again.
let fusePointwise = GraphRewrite(name: "fuse-pointwise", concerns: { $0 is ChannelScale || $0 is SmoothActivation }) { source in
    let consumers = source.onlyConsumers
    return source.rewritten { node, inputs, graph in
        if let convolution = node.operation as? Convolution, consumers[node.inputs[0].index] != nil,
            let scale = graph.producer(of: inputs[0]), scale.operation is ChannelScale, suits(graph, inputs[1])
        {
            let operation = PointwiseConvolution(convolution: convolution, isGated: true)
            return graph.apply(operation, [scale.inputs[0]] + inputs[1...] + [scale.inputs[1]], path: node.path)
        }
        guard let activation = node.operation as? SmoothActivation, consumers[node.inputs[0].index] != nil,
            let made = graph.producer(of: inputs[0]), var operation = pointwise(made.operation), suits(graph, made.inputs[1])
        else { return nil }
        operation.activation = activation.kind
        return graph.apply(operation, made.inputs, path: made.path)
    }
}

private func suits(_ graph: Graph, _ weight: ValueID) -> Bool { graph.weightShape(weight).map(PointwiseKernel.suits) ?? false }

/// A convolution that can have a smooth activation; nil where there is none.
private func pointwise(_ operation: any Operation) -> PointwiseConvolution? {
    let found = operation as? PointwiseConvolution ?? (operation as? Convolution).map { PointwiseConvolution(convolution: $0) }
    return found.flatMap { $0.convolution.activation == .none && $0.activation == nil ? $0 : nil }
}
