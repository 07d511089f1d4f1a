extension Graph {
    /// The graph without these operations: what follows one reads its first input. Updates are dropped, and so are nodes that no
    /// output needs; the parameters stay, whether they are read or not.
    package func bypassing(_ isBypassed: (any Operation) -> Bool) -> Graph {
        var source = self
        source.updates = []
        return source.rewritten { node, inputs, _ in isBypassed(node.operation) ? [inputs[0]] : nil }
    }
}
