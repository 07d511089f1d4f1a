import Documents
import Engine
import Networks

/// Writes a graph's live nodes as ONNX nodes, in the graph's order.
package struct ONNXGraphWriter {
    static let exitName = "exit"
    static let imageName = "denoised"

    private let graph: Graph
    private let shapes: [Shape]
    private let tensors: [String: Tensor<Float>]
    private var nodes: ONNXNodes
    private var initializers: [Onnx_TensorProto] = []
    /// The ONNX name of each value that was written.
    private var names: [Int: String] = [:]
    /// The names that outputs are to have.
    private var wanted: [Int: String] = [:]

    package init(_ graph: Graph, shapes: [Shape], tensors: [String: Tensor<Float>], isStatic: Bool) {
        self.graph = graph
        self.shapes = shapes
        self.tensors = tensors
        nodes = ONNXNodes(isStatic: isStatic)
    }

    /// The whole graph with all its outputs; the output `image` is the first and is called `denoised`.
    package mutating func whole() throws -> Onnx_GraphProto {
        let image = graph.outputs.filter { $0.name == "image" }.map { (Self.imageName, $0.value) }
        let outputs = image + graph.outputs.filter { $0.name != "image" }
        wanted = Dictionary(outputs.map { ($1.index, $0) }) { first, _ in first }
        try write(graph.ancestors(of: outputs.map(\.1)))
        for (name, value) in outputs { copy(value, as: name) }
        return proto(outputs: outputs.map { ValueInfo.anyMap($0.0) })
    }

    /// The router first, then exit after exit: what all the remaining exits need is run, and an `If` either ends at the next
    /// exit or goes on.
    mutating func routed(exits: [ValueID]) throws -> Onnx_GraphProto {
        guard let gaps = graph.output("router"), let threshold = tensors[DynamicSkeleton.thresholdName] else {
            preconditionFailure("a dynamic network has a router")
        }
        try write(graph.ancestors(of: [gaps]))
        addInitializer(DynamicSkeleton.thresholdName, threshold)
        nodes.path = "router"
        let foretold = nodes.add("Relu", name(of: gaps))
        try goOn(exits, from: 0, gaps: foretold, (Self.imageName, Self.exitName))
        return proto(outputs: [ValueInfo.anyMap(Self.imageName), ValueInfo.list(Self.exitName, .int64, [])])
    }

    /// Writes the exits from number `first` on; `results` names the image and the exit's number that are left.
    private mutating func goOn(
        _ exits: [ValueID], from first: Int, gaps: String, _ results: (image: String, exit: String)
    ) throws {
        let needed = exits[first...].map { graph.ancestors(of: [$0]) }
        guard first < exits.count - 1 else { return try end(exits, at: first, results) }
        try write(needed.dropFirst().reduce(needed[0]) { $0.intersection($1) })
        nodes.path = "router"
        let gap = nodes.add("Reshape", nodes.slice(gaps, first, first + 1, axis: 1), nodes.constant([1]))
        let isEnough = nodes.add("Less", gap, DynamicSkeleton.thresholdName)
        let path = "exit\(first + 1)"
        let leaving = try branch(path) { writer, results in try writer.end(exits, at: first, results) }
        let goingOn = try branch("\(path)-passed") { writer, results in
            try writer.goOn(exits, from: first + 1, gaps: gaps, results)
        }
        nodes.path = path
        nodes.add(
            "If", [nodes.add("Squeeze", isEnough, nodes.constant([0]))], named: [results.image, results.exit],
            [.graph("then_branch", leaving), .graph("else_branch", goingOn)])
    }

    /// Writes what one exit still needs, and names its image and its number.
    private mutating func end(_ exits: [ValueID], at exit: Int, _ results: (image: String, exit: String)) throws {
        wanted[exits[exit].index] = results.image
        try write(graph.ancestors(of: [exits[exit]]))
        copy(exits[exit], as: results.image)
        nodes.path = "exit\(exit + 1)"
        nodes.constant(exit + 1, named: results.exit)
    }

    /// A graph of its own that sees the names around it, with the outputs `NAME.denoised` and `NAME.exit`.
    private mutating func branch(
        _ name: String, _ body: (inout ONNXGraphWriter, (image: String, exit: String)) throws -> Void
    ) throws -> Onnx_GraphProto {
        let results = (image: "\(name).\(Self.imageName)", exit: "\(name).\(Self.exitName)")
        var inner = self
        inner.nodes.list = []
        try body(&inner, results)
        var branch = Onnx_GraphProto()
        branch.name = name
        branch.node = inner.nodes.list
        branch.output = [ValueInfo.anyMap(results.image), ValueInfo.list(results.exit, .int64, [])]
        // What the branch wrote is known in it alone, but for its weights and the names that are taken.
        initializers = inner.initializers
        inner.nodes.list = nodes.list
        nodes = inner.nodes
        return branch
    }

    /// Writes the nodes of these values that are not written yet, in the graph's order.
    private mutating func write(_ values: Set<Int>) throws {
        for index in graph.values.indices where values.contains(index) && names[index] == nil {
            switch graph.values[index] {
            case .input(let name): names[index] = name
            case .parameter(let number): names[index] = graph.parameters[number].name
            case .node(let number, let output): if output == 0 { try write(graph.nodes[number]) }
            }
        }
    }

    private mutating func write(_ node: Graph.Node) throws {
        let output = node.outputs[0].index
        if isFolded(node) {
            let inputs: [Tensor<Double>] = node.inputs.map { input in
                guard let tensor = parameter(input) else {
                    preconditionFailure("\(node.path) folds a value that is no parameter")
                }
                return Tensor<Double>(tensor.shape, tensor.elements.map(Double.init))
            }
            let folded: Tensor<Double> = node.operation.reference(inputs)[0]
            addInitializer(node.path, Tensor<Float>(folded.shape, folded.elements.map { Float($0) }))
            names[output] = node.path
            return
        }
        guard let operation = node.operation as? any ONNXOperation else {
            throw InputError("\(node.path): the operation \(type(of: node.operation).name) has no ONNX form")
        }
        let inputs = node.inputs.map { input in
            // Only here: what was folded is read by no node of the file.
            if let tensor = parameter(input) { addInitializer(name(of: input), tensor) }
            return ONNXValue(name: name(of: input), shape: onnxShape(input))
        }
        nodes.path = node.path
        let count = nodes.list.count
        let result = operation.addNodes(to: &nodes, inputs)
        names[output] = result
        if let name = wanted[output], nodes.list.count > count, nodes.renameLast(result, to: name) { names[output] = name }
    }

    private func name(of value: ValueID) -> String {
        guard let name = names[value.index] else { preconditionFailure("value \(value.index) is read before it is written") }
        return name
    }

    /// Makes a value that has another name, or stands outside, known by this one.
    private mutating func copy(_ value: ValueID, as name: String) {
        guard self.name(of: value) != name else { return }
        nodes.path = name
        nodes.add("Identity", [self.name(of: value)], named: [name])
    }

    /// Derived parameters are computed here and stored.
    private func isFolded(_ node: Graph.Node) -> Bool { node.operation is FoldedWeight || node.operation is FoldedBias }

    private func parameter(_ value: ValueID) -> Tensor<Float>? {
        guard case .parameter(let number) = graph.values[value.index] else { return nil }
        guard let tensor = tensors[graph.parameters[number].name] else {
            preconditionFailure("no tensor \(graph.parameters[number].name)")
        }
        return tensor
    }

    /// Feature maps `[N, H, W, C]` as `[N, C, H, W]`; parameters, derived ones too, as they are.
    private func onnxShape(_ value: ValueID) -> [Int] {
        let sizes = shapes[value.index].sizes
        switch graph.values[value.index] {
        case .parameter: return sizes
        case .node(let number, _) where isFolded(graph.nodes[number]): return sizes
        default: return sizes.count == 4 ? [sizes[0], sizes[3], sizes[1], sizes[2]] : sizes
        }
    }

    private mutating func addInitializer(_ name: String, _ values: Tensor<Float>) {
        guard !initializers.contains(where: { $0.name == name }) else { return }
        var tensor = tensor(.float, sizes: values.shape.sizes, littleEndianData(values.elements))
        tensor.name = name
        initializers.append(tensor)
    }

    private func proto(outputs: [Onnx_ValueInfoProto]) -> Onnx_GraphProto {
        var result = Onnx_GraphProto()
        result.node = nodes.list
        result.initializer = initializers
        result.output = outputs
        return result
    }
}
