/// A 1x1 convolution that only a depthwise convolution reads is made row by row as that reads it: its output, the widest map of an
/// inverted residual, is never written. For inference: training needs the map again.
let fuseExpansion = GraphRewrite(name: "fuse-expansion", concerns: { $0 is DepthwiseConvolution }) { source in
    let consumers = source.onlyConsumers
    return source.rewritten { node, inputs, graph in
        guard let depthwise = node.operation as? DepthwiseConvolution, consumers[node.inputs[0].index] != nil,
            let made = graph.producer(of: inputs[0]), let expansion = made.operation as? Convolution, !expansion.addsResidual,
            expansion.activation == .none, let weight = graph.weightShape(made.inputs[1]), PointwiseKernel.suits(weight)
        else { return nil }
        let operation = ExpandedDepthwise(
            dilation: depthwise.dilation, inputActivation: depthwise.inputActivation, hasExpansionBias: made.inputs.count > 2)
        return graph.apply(operation, made.inputs + inputs[1...], path: node.path)
    }
}
