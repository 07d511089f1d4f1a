/// A change of a graph that keeps what it computes. One file and one line in `fusionCatalogue` adds one; each is tested
/// against the graph it started from.
package struct GraphRewrite: Sendable {
    package var name: String
    /// Whether it could change a graph with such an operation: one without is passed over.
    var concerns: @Sendable (any Operation) -> Bool
    package var apply: @Sendable (Graph) -> Graph
}

/// In the order in which they are applied.
package let fusionCatalogue: [GraphRewrite] = [
    foldBatchNormalization, fuseResidual, fuseActivation, fuseSmoothActivation, fuseGate,
]

/// Those and what only an inference can do.
package let inferenceFusionCatalogue: [GraphRewrite] = fusionCatalogue + [fuseExpansion, fusePointwise]

/// How many places of a graph a rewrite changed.
package struct AppliedRewrite: Sendable, Equatable {
    package var name: String
    package var count: Int
}

extension Graph {
    /// The graph after these rewrites, and how often each changed it.
    package func applying(_ rewrites: [GraphRewrite]) -> (graph: Graph, applied: [AppliedRewrite]) {
        var graph = self
        let applied = rewrites.map { rewrite in
            guard graph.nodes.contains(where: { rewrite.concerns($0.operation) }) else { return AppliedRewrite(name: rewrite.name, count: 0) }
            let before = graph.changes
            graph = rewrite.apply(graph)
            return AppliedRewrite(name: rewrite.name, count: graph.changes - before)
        }
        return (graph, applied)
    }

    /// The same for a graph of which other values than the outputs are wanted too.
    func applying(
        _ rewrites: [GraphRewrite], keeping wanted: [ValueID]
    ) -> (graph: Graph, wanted: [ValueID], applied: [AppliedRewrite]) {
        var marked = self
        marked.outputs += wanted.map { ("wanted", $0) }
        var (graph, applied) = marked.applying(rewrites)
        let found = graph.outputs[outputs.count...].map(\.value)
        graph.outputs.removeLast(wanted.count)
        return (graph, found, applied)
    }

    /// The same graph with each node passed through `replace`, which emits into the new graph and returns the values that
    /// stand for the node's outputs. Nodes that nothing needs any more are left out. A node for which others are emitted is one of
    /// the `changes`; one that goes into them, and is only left out, is none.
    func rewritten(
        _ replace: (_ node: Node, _ inputs: [ValueID], _ graph: inout Graph) -> [ValueID]?
    ) -> Graph {
        let live = live
        var graph = Graph()
        graph.changes = changes
        var mapped: [Int: ValueID] = [:]
        for (index, source) in values.enumerated() {
            switch source {
            case .input(let name):
                mapped[index] = graph.input(name, channels: inputs.first { $0.name == name }!.channels)
            case .parameter(let number):
                let p = parameters[number]
                mapped[index] = graph.parameter(p.name, shape: p.shape, initializer: p.initializer, trainable: p.trainable)
            case .node(let number, let output):
                let node = nodes[number]
                guard output == 0, node.outputs.contains(where: { live.contains($0.index) }) else { continue }
                let inputs = node.inputs.map { mapped[$0.index]! }
                let before = graph.nodes.count
                let replaced = replace(node, inputs, &graph)
                if replaced != nil, graph.nodes.count > before { graph.changes += 1 }
                let outputs = replaced ?? graph.apply(node.operation, inputs, path: node.path)
                for (old, new) in zip(node.outputs, outputs) { mapped[old.index] = new }
            }
        }
        graph.outputs = outputs.map { ($0.name, mapped[$0.value.index]!) }
        graph.updates = updates.compactMap { update in mapped[update.value.index].map { (update.parameter, $0) } }
        return graph
    }

    /// The values that outputs and updates depend on.
    var live: Set<Int> { ancestors(of: outputs.map(\.value) + updates.map(\.value)) }

    /// For each value that exactly one live node reads, and no output or update: that node.
    var onlyConsumers: [Node?] {
        let live = live
        var (readers, last) = ([Int](repeating: 0, count: values.count), [Int](repeating: 0, count: values.count))
        for (number, node) in nodes.enumerated() where node.outputs.contains(where: { live.contains($0.index) }) {
            for input in node.inputs {
                readers[input.index] += 1
                last[input.index] = number
            }
        }
        for value in outputs.map(\.value) + updates.map(\.value) { readers[value.index] = 0 }
        return values.indices.map { readers[$0] == 1 ? nodes[last[$0]] : nil }
    }

    /// The node that makes this value as its first output.
    func producer(of value: ValueID) -> Node? {
        guard case .node(let number, 0) = values[value.index] else { return nil }
        return nodes[number]
    }

    /// The graph for inference: batch norm reads its running statistics and updates nothing.
    package func forInference() -> Graph {
        var source = self
        source.updates = []
        return source.rewritten { node, inputs, graph in
            guard var norm = node.operation as? BatchNormalization, norm.statistics == .batch else { return nil }
            norm.statistics = .running
            return graph.apply(norm, inputs, path: node.path)
        }
    }
}
