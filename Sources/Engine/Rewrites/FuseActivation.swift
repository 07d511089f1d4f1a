/// ReLU after a convolution or a batch norm that nothing else reads is applied by that node itself.
let fuseActivation = GraphRewrite(name: "fuse-activation", concerns: { $0 is RectifiedLinear }) { source in
    let consumers = source.onlyConsumers
    func isFused(_ producer: Graph.Node) -> Bool {
        guard let relu = consumers[producer.outputs[0].index]?.operation as? RectifiedLinear, relu.slope == 0 else { return false }
        return (producer.operation as? Convolution)?.activation == FusedActivation.none
            || (producer.operation as? BatchNormalization)?.activation == FusedActivation.none
    }
    return source.rewritten { node, inputs, graph in
        if var convolution = node.operation as? Convolution, isFused(node) {
            convolution.activation = .relu
            return graph.apply(convolution, inputs, path: node.path)
        }
        if var norm = node.operation as? BatchNormalization, isFused(node) {
            norm.activation = .relu
            return graph.apply(norm, inputs, path: node.path)
        }
        if node.operation is RectifiedLinear, let producer = source.producer(of: node.inputs[0]), isFused(producer) {
            return [inputs[0]]
        }
        return nil
    }
}
