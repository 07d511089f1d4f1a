/// Normalized maps that the backward pass reads are made again for it from what is kept anyway, so that none is kept beside the map
/// that it was made from: batch-normalized networks train in about half of the memory, a few percent slower. Where 3x3 convolutions
/// alone read a map, `fuseNormalization` has none made at all.
///
/// Applied to a training graph; `forward` is the number of its values before differentiation. A map that is a part of a kept
/// concatenation, or an output, stays.
func renewNormalization(forward: Int) -> GraphRewrite {
    GraphRewrite(name: "renew-normalization", concerns: { $0 is BatchNormalization }) { source in
        var kept = Set(source.outputs.map(\.value.index))
        for node in source.nodes where node.operation is Concatenation { kept.formUnion(node.inputs.map(\.index)) }
        var renewed: [Int: ValueID] = [:]
        return source.rewritten { node, inputs, graph in
            guard node.outputs[0].index >= forward else { return nil }
            var changed = inputs
            for (place, value) in node.inputs.enumerated() where value.index < forward && !kept.contains(value.index) {
                guard let made = graph.producer(of: inputs[place]), let norm = made.operation as? BatchNormalization else { continue }
                if renewed[value.index] == nil {
                    let operands = made.inputs[0..<3] + made.outputs[1...2]
                    let again = RenewedNormalization(activation: norm.activation)
                    renewed[value.index] = graph.apply(again, Array(operands), path: "\(made.path).again")[0]
                }
                changed[place] = renewed[value.index]!
            }
            return changed == inputs ? nil : graph.apply(node.operation, changed, path: node.path)
        }
    }
}
