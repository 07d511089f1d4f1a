/// A training pass' batch norm with a ReLU that 3x3 convolutions alone read, forward and for their weights' gradients, is left to them:
/// they apply it as they read, and the map before it is all that is kept. Half of the memory of a chain, and a pass over each map
/// less; the same bits.
///
/// For a graph that is differentiated already.
let fuseNormalization = GraphRewrite(name: "fuse-normalization", concerns: { $0 is BatchNormalization }) { source in
    var isLeft = [Bool](repeating: true, count: source.values.count)
    for value in source.outputs.map(\.value) + source.updates.map(\.value) { isLeft[value.index] = false }
    let live = source.live
    for node in source.nodes where node.outputs.contains(where: { live.contains($0.index) }) {
        let normalizes = source.normalizing(node) != nil
        for (place, value) in node.inputs.enumerated() where place > 0 || !normalizes { isLeft[value.index] = false }
    }
    var norms: [Int: [ValueID]] = [:]
    return source.rewritten { node, inputs, graph in
        let made = node.outputs[0].index
        if isLeft[made], live.contains(made), let norm = node.operation as? BatchNormalization, norm.statistics == .batch,
            norm.activation == .relu
        {
            let found = graph.apply(BatchStatistics(epsilon: norm.epsilon), [inputs[0], inputs[3], inputs[4]], path: node.path)
            norms[made] = [inputs[1], inputs[2], found[0], found[1]]
            return [inputs[0]] + found
        }
        if isLeft[made], let norm = node.operation as? RenewedNormalization, norm.activation == .relu {
            norms[made] = Array(inputs[1...])
            return [inputs[0]]
        }
        guard let norm = norms[node.inputs[0].index], let operation = source.normalizing(node) else { return nil }
        return graph.apply(operation, inputs + norm, path: node.path)
    }
}

extension Graph {
    /// The operation that a node becomes where it normalizes its first input itself; nil where it cannot.
    fileprivate func normalizing(_ node: Node) -> (any Operation)? {
        if let convolution = node.operation as? Convolution, suits(node.inputs[1], dilation: convolution.dilation) {
            return NormalizedConvolution(convolution: convolution)
        }
        if let gradient = node.operation as? ConvolutionWeightGradient, suits(node.inputs[2], dilation: gradient.dilation) {
            return NormalizedWeightGradient(gradient: gradient)
        }
        return nil
    }

    private func suits(_ weight: ValueID, dilation: Int) -> Bool {
        weightShape(weight).map { Convolution3Kernel.suits(weight: $0, dilation: dilation) } == true
    }
}
