/// A sum with the output of a convolution, or with the gradient of a convolution's input, that nothing else reads is made by that
/// node as it writes.
let fuseResidual = GraphRewrite(name: "fuse-residual", concerns: { $0 is Add }) { source in
    let consumers = source.onlyConsumers
    return source.rewritten { node, inputs, graph in
        guard node.operation is Add else { return nil }
        for (own, other) in [(1, 0), (0, 1)] where consumers[node.inputs[own].index] != nil {
            guard let made = graph.producer(of: inputs[own]), made.inputs.count > 1, let weight = graph.weightShape(made.inputs[1]),
                let operation = addingResidual(made.operation, weight)
            else { continue }
            return graph.apply(operation, made.inputs + [inputs[other]], path: made.path)
        }
        return nil
    }
}

/// The operation with one more input that is added to its output; nil where there is none.
private func addingResidual(_ operation: any Operation, _ weight: Shape) -> (any Operation)? {
    if var convolution = operation as? Convolution, convolution.activation == .none, !convolution.addsResidual {
        convolution.addsResidual = true
        return canAddResidual(weight, dilation: convolution.dilation) ? convolution : nil
    }
    if var gradient = operation as? ConvolutionInputGradient, !gradient.addsResidual {
        gradient.addsResidual = true
        return canAddResidual(weight, dilation: gradient.dilation) ? gradient : nil
    }
    return nil
}

extension Graph {
    /// The shape of a convolution's weight, perhaps with a batch norm folded in; nil where it is another node's output.
    func weightShape(_ value: ValueID) -> Shape? {
        switch values[value.index] {
        case .parameter(let number): parameters[number].shape
        case .node(let number, _): nodes[number].operation is FoldedWeight ? weightShape(nodes[number].inputs[0]) : nil
        case .input: nil
        }
    }
}
