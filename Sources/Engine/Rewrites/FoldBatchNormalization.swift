/// Inference-mode batch norm after a convolution becomes part of the convolution's weight and bias:
/// w' = w gamma / sqrt(variance + epsilon), b' = beta + (b - mean) gamma / sqrt(variance + epsilon).
package let foldBatchNormalization = GraphRewrite(name: "fold-batch-normalization", concerns: { $0 is BatchNormalization }) { source in
    let consumers = source.onlyConsumers
    return source.rewritten { node, inputs, graph in
        guard let norm = node.operation as? BatchNormalization, norm.statistics == .running,
            let producer = source.producer(of: node.inputs[0]), consumers[node.inputs[0].index] != nil,
            let convolution = folding(norm, into: producer.operation), let made = graph.producer(of: inputs[0])
        else { return nil }
        let (gamma, beta, mean, variance) = (inputs[1], inputs[2], inputs[3], inputs[4])
        let weight = graph.apply(
            FoldedWeight(epsilon: norm.epsilon), made.inputs[1], gamma, variance, path: "\(producer.path).folded-weight")
        let bias = graph.apply(
            FoldedBias(epsilon: norm.epsilon), [gamma, beta, mean, variance] + made.inputs.dropFirst(2),
            path: "\(producer.path).folded-bias")[0]
        return [graph.apply(convolution, [made.inputs[0], weight, bias], path: producer.path)[0]]
    }
}

/// The convolution that does a batch norm's activation too; nil where it cannot.
private func folding(_ norm: BatchNormalization, into operation: any Operation) -> (any Operation)? {
    if var convolution = operation as? Convolution, convolution.activation == .none {
        convolution.activation = norm.activation
        return convolution
    }
    return operation is DepthwiseConvolution && norm.activation == .none ? operation : nil
}
