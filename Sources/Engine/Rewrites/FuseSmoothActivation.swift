/// A smooth activation that only a depthwise convolution reads is applied by that convolution as it reads; one that is read by a
/// global pooling, and by others, makes the means itself.
let fuseSmoothActivation = GraphRewrite(name: "fuse-smooth-activation", concerns: { $0 is SmoothActivation }) { source in
    let consumers = source.onlyConsumers
    let live = source.live
    var poolings: [Int: Graph.Node] = [:]
    for node in source.nodes where node.operation is GlobalAveragePooling && live.contains(node.outputs[0].index) {
        poolings[node.inputs[0].index] = node
    }
    func isRead(by node: Graph.Node) -> Bool {
        guard let activation = source.producer(of: node.inputs[0]), activation.operation is SmoothActivation,
            let convolution = node.operation as? DepthwiseConvolution, convolution.inputActivation == nil
        else { return false }
        return consumers[node.inputs[0].index] != nil
    }
    var means: [Int: ValueID] = [:]
    return source.rewritten { node, inputs, graph in
        if let activation = node.operation as? SmoothActivation {
            let output = node.outputs[0].index
            if let reader = consumers[output], isRead(by: reader) { return [inputs[0]] }
            guard let pooling = poolings[output] else { return nil }
            let results = graph.apply(ActivatedPooling(activation.kind), inputs, path: node.path)
            means[pooling.outputs[0].index] = results[1]
            return [results[0]]
        }
        if var convolution = node.operation as? DepthwiseConvolution, isRead(by: node),
            let activation = source.producer(of: node.inputs[0])?.operation as? SmoothActivation
        {
            convolution.inputActivation = activation.kind
            return graph.apply(convolution, inputs, path: node.path)
        }
        if node.operation is GlobalAveragePooling, let mean = means[node.outputs[0].index] { return [mean] }
        return nil
    }
}
