/// What an operation's `gradient` works with.
package struct GradientBuilder {
    package internal(set) var graph: Graph
    package let node: Graph.Node
    /// The gradients of the node's outputs; nil where none arrives.
    package let outputGradients: [ValueID?]

    package var inputs: [ValueID] { node.inputs }
    package var outputs: [ValueID] { node.outputs }

    package mutating func apply(_ operation: any Operation, _ inputs: ValueID..., name: String = "gradient") -> ValueID {
        graph.apply(operation, inputs, path: "\(node.path).\(name)")[0]
    }

    package mutating func applyAll(_ operation: any Operation, _ inputs: ValueID..., name: String = "gradient") -> [ValueID] {
        graph.apply(operation, inputs, path: "\(node.path).\(name)")
    }
}

extension Graph {
    /// Reverse-mode differentiation by graph extension.
    ///
    /// - Parameters:
    ///   - seeds: values with the gradients that arrive at them from outside; a loss `[]` may have none, it is its own source.
    ///   - targets: the inputs or parameters to differentiate with respect to.
    /// - Returns: the gradient of each target, nil where the seeds do not depend on it.
    package mutating func differentiate(
        seeds: [(value: ValueID, gradient: ValueID?)], withRespectTo targets: [ValueID]
    ) -> [ValueID?] {
        var gradients: [Int: ValueID] = [:]
        var losses: Set<Int> = []
        for seed in seeds {
            if let gradient = seed.gradient { gradients[seed.value.index] = gradient } else { losses.insert(seed.value.index) }
        }
        let reaching = dependents(of: targets)
        for number in nodes.indices.reversed() {
            let node = nodes[number]
            let wanted = node.outputs.contains { gradients[$0.index] != nil || losses.contains($0.index) }
            guard wanted, node.inputs.contains(where: { reaching.contains($0.index) }) else { continue }
            var builder = GradientBuilder(graph: self, node: node, outputGradients: node.outputs.map { gradients[$0.index] })
            let found = node.operation.gradient(&builder)
            self = builder.graph
            for (input, gradient) in zip(node.inputs, found) {
                guard let gradient, reaching.contains(input.index) else { continue }
                if let earlier = gradients[input.index] {
                    gradients[input.index] = apply(Add(), earlier, gradient, path: "\(node.path).gradient.sum")
                } else {
                    gradients[input.index] = gradient
                }
            }
        }
        return targets.map { gradients[$0.index] }
    }

    /// Which values depend on the given ones, themselves included.
    private func dependents(of roots: [ValueID]) -> Set<Int> {
        var found = Set(roots.map(\.index))
        for node in nodes where node.inputs.contains(where: { found.contains($0.index) }) {
            for output in node.outputs { found.insert(output.index) }
        }
        return found
    }

    /// The training graph: the objective over a new input `target`, the gradients of all trainable parameters, those that
    /// the objective adds among them, and the reported loss as the output `loss`.
    ///
    /// - Returns: the graph, for each trainable parameter its number and the value of its gradient, and how many values there were
    ///   before differentiation.
    package func training(
        _ objective: TrainingObjective
    ) -> (graph: Graph, gradients: [(parameter: Int, value: ValueID)], forward: Int) {
        var graph = marked(for: objective)
        let target = graph.input("target", channels: inputs[0].channels)
        let losses = objective.build(&graph, target)
        let trainable = graph.parameters.indices.filter { graph.parameters[$0].trainable }
        let targets = trainable.map { number in
            ValueID(index: graph.values.firstIndex(of: .parameter(number))!)
        }
        let forward = graph.values.count
        let found = graph.differentiate(seeds: losses.minimized.map { ($0, nil) }, withRespectTo: targets)
        graph.outputs.append(("loss", losses.reported))
        return (graph, zip(trainable, found).compactMap { number, gradient in gradient.map { (number, $0) } }, forward)
    }

    /// The training graph of one loss of the output `image`.
    package func training(loss: PixelLoss) -> (graph: Graph, gradients: [(parameter: Int, value: ValueID)], forward: Int) {
        training(TrainingObjective(loss))
    }
}

/// What a training step minimizes, built onto a network's graph.
package struct TrainingObjective: Sendable {
    package struct Losses {
        /// Scalars whose sum is minimized.
        package var minimized: [ValueID]
        /// The scalar that a learning curve shows.
        package var reported: ValueID

        package init(minimized: [ValueID], reported: ValueID) {
            self.minimized = minimized
            self.reported = reported
        }
    }

    /// Parts of the network whose values `build` finds as outputs of these names. Fusions leave outputs as they are.
    package let parts: [(output: String, part: String)]
    /// Adds the losses between the graph's outputs and the target to the graph.
    package let build: @Sendable (inout Graph, _ target: ValueID) -> Losses

    package init(parts: [(output: String, part: String)] = [], _ build: @escaping @Sendable (inout Graph, _ target: ValueID) -> Losses) {
        self.parts = parts
        self.build = build
    }

    /// One loss of the output `image`.
    package init(_ loss: PixelLoss) {
        self.init { graph, target in
            guard let image = graph.output("image") else { preconditionFailure("no output image") }
            let value = graph.apply(loss, image, target, path: "loss")
            return Losses(minimized: [value], reported: value)
        }
    }
}
