import Documents
import Engine

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

    package init(_ graph: Graph, shapes: [Shape], tensors: [String: Tensor<Float>], isStatic: Bool) throws {
        self.graph = graph
        self.shapes = shapes
        self.tensors = tensors
        nodes = ONNXNodes(isStatic: isStatic)
    }

    /// The whole graph with all its outputs; the output `image` is the first and is called `denoised`.
    package mutating func whole() throws -> Onnx_GraphProto {
        try write(graph.ancestors(of: graph.outputs.map(\.value)))
        var outputs: [String] = []
        for (name, value) in graph.outputs {
            let isImage = name == "image"
            giveName(isImage ? Self.imageName : name, to: value)
            outputs.insert(isImage ? Self.imageName : name, at: isImage ? 0 : outputs.endIndex)
        }
        return proto(nodes.list, outputs: outputs)
    }

    /// The router first, then exit after exit: what all the remaining exits need is run, and an `If` either ends at the next
    /// exit or goes on.
    mutating func routed(exits: [String]) throws -> Onnx_GraphProto {
        guard let gaps = graph.output("router") else { preconditionFailure("a dynamic network has a router") }
        let values = exits.map { name in
            guard let value = graph.output(name) else { preconditionFailure("no output \(name)") }
            return value
        }
        try write(graph.ancestors(of: [gaps]))
        if let threshold = tensors[ONNXExport.thresholdName] { addInitializer(ONNXExport.thresholdName, threshold) }
        nodes.path = "router"
        let foretold = nodes.add("Relu", names[gaps.index] ?? "")
        try goOn(values, from: 0, gaps: foretold)
        var result = proto(nodes.list, outputs: [Self.imageName])
        result.output.append(ValueInfo.list(Self.exitName, .int64, []))
        return result
    }

    /// Writes the exits from number `first` on; the graph's outputs are then `denoised` and `exit` in the current list of nodes.
    private mutating func goOn(_ exits: [ValueID], from first: Int, gaps: String) throws {
        let needed = exits[first...].map { graph.ancestors(of: [$0]) }
        try write(needed.dropFirst().reduce(needed[0]) { $0.intersection($1) })
        guard first < exits.count - 1 else { return try end(exits, at: first, Self.imageName, Self.exitName) }
        nodes.path = "router"
        let gap = nodes.slice(gaps, first, first + 1, axis: 1)
        let isEnough = nodes.add(
            "Less", nodes.add("Reshape", gap, nodes.constant([1])), ONNXExport.thresholdName)
        let path = "exit\(first + 1)"
        let known = names
        let leaving = try branch(path) { writer, image, exit in try writer.end(exits, at: first, image, exit) }
        names = known
        let goingOn = try branch("\(path)-passed") { writer, image, exit in
            try writer.goOn(exits, from: first + 1, gaps: gaps)
            writer.nodes.rename(Self.imageName, to: image)
            writer.nodes.rename(Self.exitName, to: exit)
        }
        names = known
        nodes.path = path
        let results = nodes.add(
            "If", [nodes.add("Squeeze", isEnough, nodes.constant([0]))], outputs: 2,
            [.graph("then_branch", leaving), .graph("else_branch", goingOn)])
        nodes.rename(results[0], to: Self.imageName)
        nodes.rename(results[1], to: Self.exitName)
    }

    /// Writes what one exit still needs, and names its image and its number.
    private mutating func end(_ exits: [ValueID], at exit: Int, _ imageName: String, _ exitName: String) throws {
        try write(graph.ancestors(of: [exits[exit]]))
        giveName(imageName, to: exits[exit])
        nodes.path = "exit\(exit + 1)"
        nodes.rename(nodes.constant([exit + 1], isScalar: true), to: exitName)
    }

    /// A graph of its own that sees the names around it, with the outputs `NAME.denoised` and `NAME.exit`.
    private mutating func branch(
        _ name: String, _ body: (inout ONNXGraphWriter, _ image: String, _ exit: String) throws -> Void
    ) throws -> Onnx_GraphProto {
        let (image, exit) = ("\(name).\(Self.imageName)", "\(name).\(Self.exitName)")
        let outer = nodes.enter()
        try body(&self, image, exit)
        var branch = Onnx_GraphProto()
        branch.name = name
        branch.node = nodes.leave(to: outer)
        branch.output = [ValueInfo.anyMap(image), ValueInfo.list(exit, .int64, [])]
        return branch
    }

    /// Writes the nodes of these values that are not written yet, in the graph's order.
    private mutating func write(_ values: Set<Int>) throws {
        for index in graph.values.indices where values.contains(index) && names[index] == nil {
            switch graph.values[index] {
            case .input(let name): names[index] = name
            case .parameter(let number):
                // Only where a node reads it: what was folded is read by no node of the file.
                names[index] = graph.parameters[number].name
            case .node(let number, let output): if output == 0 { try write(graph.nodes[number]) }
            }
        }
    }

    private mutating func write(_ node: Graph.Node) throws {
        let output = node.outputs[0].index
        if isFolded(node) {
            let inputs: [Tensor<Double>] = node.inputs.map { input in
                guard let tensor = parameter(input) else { preconditionFailure("\(node.path) folds a value that is no parameter") }
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
            if let tensor = parameter(input) { addInitializer(names[input.index] ?? "", tensor) }
            return ONNXValue(name: names[input.index] ?? "", shape: onnxShape(input))
        }
        nodes.path = node.path
        names[output] = operation.addNodes(to: &nodes, inputs)
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

    /// Makes the value known by this name: its node's output is renamed or, where that stands elsewhere or has a name already, copied.
    private mutating func giveName(_ name: String, to value: ValueID) {
        guard let known = names[value.index] else { preconditionFailure("\(name) was not written") }
        let isOutput = graph.outputs.contains { names[$0.value.index] == known && $0.value != value }
        if !isOutput, nodes.list.contains(where: { $0.output.contains(known) }) {
            nodes.rename(known, to: name)
            names[value.index] = name
        } else {
            nodes.path = name
            nodes.rename(nodes.add("Identity", known), to: name)
        }
    }

    private func proto(_ nodes: [Onnx_NodeProto], outputs: [String]) -> Onnx_GraphProto {
        var result = Onnx_GraphProto()
        result.node = nodes
        result.initializer = initializers
        result.output = outputs.map { ValueInfo.anyMap($0) }
        return result
    }
}
