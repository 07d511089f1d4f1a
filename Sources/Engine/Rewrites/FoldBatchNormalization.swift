/// Inference-mode batch norm after a convolution becomes part of the convolution's weight and bias:
/// w' = w gamma / sqrt(variance + epsilon), b' = beta + (b - mean) gamma / sqrt(variance + epsilon).
let foldBatchNormalization = GraphRewrite(name: "fold-batch-normalization") { source in
    let consumers = source.onlyConsumers
    return source.rewritten { node, inputs, graph in
        guard let norm = node.operation as? BatchNormalization, norm.statistics == .running,
            let producer = source.producer(of: node.inputs[0]), var convolution = producer.operation as? Convolution,
            convolution.activation == .none, consumers[node.inputs[0].index] != nil,
            let made = graph.producer(of: inputs[0])
        else { return nil }
        let (gamma, beta, mean, variance) = (inputs[1], inputs[2], inputs[3], inputs[4])
        let weight = graph.apply(
            FoldedWeight(epsilon: norm.epsilon), made.inputs[1], gamma, variance, path: "\(producer.path).folded-weight")
        let bias = graph.apply(
            FoldedBias(epsilon: norm.epsilon), [gamma, beta, mean, variance] + made.inputs.dropFirst(2),
            path: "\(producer.path).folded-bias")[0]
        convolution.activation = norm.activation
        return [graph.apply(convolution, made.inputs[0], weight, bias, path: producer.path)]
    }
}
