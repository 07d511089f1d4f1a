/// The gate in front of a 1x1 convolution that nothing else reads becomes a factor of its weights, and of its products in the backward
/// pass.
let fuseGate = GraphRewrite(name: "fuse-gate", concerns: { $0 is ChannelScale }) { source in
    let consumers = source.onlyConsumers
    return source.rewritten { node, inputs, graph in
        guard let convolution = node.operation as? Convolution, consumers[node.inputs[0].index] != nil,
            let scale = graph.producer(of: inputs[0]), scale.operation is ChannelScale,
            graph.weightShape(inputs[1]).map(PointwiseKernel.suits) == true
        else { return nil }
        let operation = GatedConvolution(convolution: convolution)
        return graph.apply(operation, [scale.inputs[0]] + inputs[1...] + [scale.inputs[1]], path: node.path)
    }
}
