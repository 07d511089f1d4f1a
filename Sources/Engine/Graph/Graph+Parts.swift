/// Parts of a network, named by the beginnings of their nodes' paths: `block3` of `block3.conv1`, `block3.sum`.
extension Graph {
    /// What a part puts out: the first output of its last node; nil where there is no such part.
    package func output(ofPart name: String) -> ValueID? {
        nodes.last { $0.path == name || $0.path.hasPrefix(name + ".") }?.outputs.first
    }

    /// With the parts that an objective looks at as outputs.
    func marked(for objective: TrainingObjective) -> Graph {
        var graph = self
        for (output, part) in objective.parts where graph.output(output) == nil {
            guard let value = self.output(ofPart: part) else { preconditionFailure("no part \(part)") }
            graph.outputs.append((output, value))
        }
        return graph
    }

    /// The parts, in order.
    package var parts: [String] {
        var known: Set<Substring> = []
        return nodes.compactMap { node in
            let name = node.path.prefix { $0 != "." }
            return known.insert(name).inserted ? String(name) : nil
        }
    }
}
