/// A smooth activation that alone reads a 1x1 convolution is applied to pixels that were just written. For inference: training needs
/// the map in front of it again.
let fusePointwise = GraphRewrite(name: "fuse-pointwise", concerns: { $0 is SmoothActivation }) { source in
    let consumers = source.onlyConsumers
    return source.rewritten { node, inputs, graph in
        guard let activation = node.operation as? SmoothActivation, consumers[node.inputs[0].index] != nil,
            let made = graph.producer(of: inputs[0]), let convolution = made.operation as? Convolution, convolution.activation == .none,
            graph.weightShape(made.inputs[1]).map(PointwiseKernel.suits) == true
        else { return nil }
        let operation = PointwiseConvolution(convolution: convolution, activation: activation.kind)
        return graph.apply(operation, made.inputs, path: made.path)
    }
}
