import Documents

/// A value of a graph: the index into `Graph.values`.
package struct ValueID: Sendable, Hashable {
    package let index: Int
}

/// How a parameter starts.
package enum Initializer: Sendable, Hashable {
    case constant(Double)
    /// Normal with deviation sqrt(2 / fanIn) (He et al. 2015, eq. 10), times `gain`.
    case heNormal(fanIn: Int, gain: Double)
}

/// A named parameter (changed by the optimizer) or buffer (batch norm's running statistics; frozen for the optimizer).
package struct ParameterSpecification: Sendable, Hashable {
    package var name: String
    package var shape: Shape
    package var initializer: Initializer
    package var trainable: Bool

    package init(name: String, shape: Shape, initializer: Initializer, trainable: Bool) {
        self.name = name
        self.shape = shape
        self.initializer = initializer
        self.trainable = trainable
    }
}

/// A network, once: named inputs, named outputs, operations in topological order. Costs, gradients, rewrites and the
/// compiled program are all read from it. Its heights and widths are open until shapes are asked for.
package struct Graph: Sendable {
    package enum Source: Sendable, Hashable {
        case input(String)
        case parameter(Int)
        case node(Int, output: Int)
    }

    package struct Node: Sendable {
        package var operation: any Operation
        package var inputs: [ValueID]
        package var outputs: [ValueID]
        /// The block path, for reading: `block3.conv1`.
        package var path: String
    }

    package struct Input: Sendable, Hashable {
        package var name: String
        /// The last axis; the others are open.
        package var channels: Int
    }

    package private(set) var values: [Source] = []
    package private(set) var nodes: [Node] = []
    package private(set) var parameters: [ParameterSpecification] = []
    package private(set) var inputs: [Input] = []
    private var parameterNames: Set<String> = []
    package var outputs: [(name: String, value: ValueID)] = []
    /// After a run, the buffer takes the value: batch norm's running statistics.
    package var updates: [(parameter: Int, value: ValueID)] = []
    /// Places that rewrites have changed so far.
    package internal(set) var changes = 0

    package init() {}

    package mutating func input(_ name: String, channels: Int) -> ValueID {
        if let known = values.firstIndex(of: .input(name)) { return ValueID(index: known) }
        inputs.append(Input(name: name, channels: channels))
        return add(.input(name))
    }

    /// Declares a parameter. Names are unique: a second declaration of a name is a broken invariant.
    package mutating func parameter(
        _ name: String, shape: Shape, initializer: Initializer, trainable: Bool = true
    ) -> ValueID {
        precondition(parameterNames.insert(name).inserted, "the parameter \(name) is declared twice")
        parameters.append(ParameterSpecification(name: name, shape: shape, initializer: initializer, trainable: trainable))
        return add(.parameter(parameters.count - 1))
    }

    /// Adds a node and returns its outputs.
    package mutating func apply(_ operation: any Operation, _ inputs: [ValueID], path: String) -> [ValueID] {
        precondition(inputs.allSatisfy { $0.index < values.count })
        let node = nodes.count
        nodes.append(Node(operation: operation, inputs: inputs, outputs: [], path: path))
        nodes[node].outputs = (0..<operation.outputCount).map { add(.node(node, output: $0)) }
        return nodes[node].outputs
    }

    /// Adds a node with one output.
    package mutating func apply(_ operation: any Operation, _ inputs: ValueID..., path: String) -> ValueID {
        precondition(operation.outputCount == 1)
        return apply(operation, inputs, path: path)[0]
    }

    /// Adds a copy of another graph whose parameters are frozen here, named `prefix.name`; where they already are, the copies share them.
    ///
    /// - Parameter inputs: what stands for the other graph's inputs; those that are not given become inputs of this graph.
    /// - Returns: the outputs' values, by name.
    package mutating func append(frozen other: Graph, prefix: String, inputs: [String: ValueID]) -> [String: ValueID] {
        var found = [ValueID](repeating: ValueID(index: 0), count: other.values.count)
        for (index, source) in other.values.enumerated() {
            switch source {
            case .input(let name):
                let channels = other.inputs.first { $0.name == name }?.channels ?? 1
                found[index] = inputs[name] ?? input(name, channels: channels)
            case .parameter(let number):
                let specification = other.parameters[number], name = "\(prefix).\(specification.name)"
                found[index] = parameter(named: name)?.value
                    ?? parameter(name, shape: specification.shape, initializer: specification.initializer, trainable: false)
            case .node(let number, let output):
                guard output == 0 else { continue }
                let node = other.nodes[number]
                let outputs = apply(node.operation, node.inputs.map { found[$0.index] }, path: "\(prefix).\(node.path)")
                for (value, copy) in zip(node.outputs, outputs) { found[value.index] = copy }
            }
        }
        return Dictionary(uniqueKeysWithValues: other.outputs.map { ($0.name, found[$0.value.index]) })
    }

    package func output(_ name: String) -> ValueID? { outputs.first { $0.name == name }?.value }

    /// The number and the value of the parameter of this name.
    package func parameter(named name: String) -> (number: Int, value: ValueID)? {
        guard let number = parameters.firstIndex(where: { $0.name == name }),
            let index = values.firstIndex(of: .parameter(number))
        else { return nil }
        return (number, ValueID(index: index))
    }

    private mutating func add(_ source: Source) -> ValueID {
        values.append(source)
        return ValueID(index: values.count - 1)
    }

    /// The shape of every value for these input shapes.
    /// - Throws: `ShapeError` that names the node's path.
    package func shapes(inputs inputShapes: [String: Shape]) throws -> [Shape] {
        var shapes = [Shape](repeating: [], count: values.count)
        for (index, source) in values.enumerated() {
            switch source {
            case .input(let name):
                guard let shape = inputShapes[name] else { throw ShapeError("the input \"\(name)\" has no shape") }
                let declared = inputs.first { $0.name == name }!
                guard shape.rank == 0 || shape.channels == declared.channels else {
                    throw ShapeError("the input \"\(name)\" has \(declared.channels) channels, found \(shape)")
                }
                shapes[index] = shape
            case .parameter(let number): shapes[index] = parameters[number].shape
            case .node(let number, let output):
                guard output == 0 else { continue }
                let node = nodes[number]
                do {
                    let found = try node.operation.outputShapes(node.inputs.map { shapes[$0.index] })
                    for (value, shape) in zip(node.outputs, found) { shapes[value.index] = shape }
                } catch let error as ShapeError {
                    throw ShapeError("\(node.path): \(error.description)")
                }
            }
        }
        return shapes
    }

    /// Which values the given ones depend on, themselves included.
    package func ancestors(of roots: [ValueID]) -> Set<Int> {
        var found = [Bool](repeating: false, count: values.count)
        for root in roots { found[root.index] = true }
        for index in values.indices.reversed() where found[index] {
            if case .node(let number, _) = values[index] {
                for input in nodes[number].inputs { found[input.index] = true }
                for output in nodes[number].outputs { found[output.index] = true }
            }
        }
        return Set(values.indices.filter { found[$0] })
    }
}
