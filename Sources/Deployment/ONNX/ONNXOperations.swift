import Engine

/// An operation that ONNX (opset 17) can say. Feature maps are `[N, C, H, W]` there; everything else is as in the graph.
package protocol ONNXOperation: Operation {
    /// Adds the nodes that compute the first output and returns its name.
    func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String
}

/// An operation that is one ONNX node without attributes.
private protocol PlainONNXOperation: ONNXOperation {
    static var onnxName: String { get }
}

extension PlainONNXOperation {
    package func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String {
        nodes.add(Self.onnxName, inputs.map(\.name), outputs: 1)[0]
    }
}

extension Add: PlainONNXOperation { static let onnxName = "Add" }
extension Subtract: PlainONNXOperation { static let onnxName = "Sub" }
extension Negate: PlainONNXOperation { static let onnxName = "Neg" }
extension Multiply: PlainONNXOperation { static let onnxName = "Mul" }
extension ChannelScale: PlainONNXOperation { static let onnxName = "Mul" }
extension GlobalAveragePooling: PlainONNXOperation { static let onnxName = "GlobalAveragePool" }

extension StopGradient: ONNXOperation {
    package func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String { inputs[0].name }
}

extension Convolution: ONNXOperation {
    package func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String {
        let residual = addsResidual ? inputs.last : nil
        var y = nodes.convolution(residual == nil ? inputs : inputs.dropLast(), dilation: dilation, groups: 1)
        if let residual { y = nodes.add("Add", y, residual.name) }
        return activation == .relu ? nodes.add("Relu", y) : y
    }
}

extension DepthwiseConvolution: ONNXOperation {
    package func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String {
        var inputs = inputs
        if let inputActivation {
            inputs[0].name = SmoothActivation(inputActivation).addNodes(to: &nodes, [inputs[0]])
        }
        return nodes.convolution(inputs, dilation: dilation, groups: inputs[0].channels)
    }
}

extension BatchNormalization: ONNXOperation {
    /// ONNX's momentum is the part that stays, ours (as PyTorch's) the part that is new.
    package func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String {
        let attributes: [Onnx_AttributeProto] = [.float("epsilon", epsilon), .float("momentum", 1 - Self.momentum)]
        let y = nodes.add("BatchNormalization", inputs.map(\.name), outputs: 1, attributes)[0]
        return activation == .relu ? nodes.add("Relu", y) : y
    }
}

extension RectifiedLinear: ONNXOperation {
    package func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String {
        slope == 0
            ? nodes.add("Relu", inputs[0].name) : nodes.add("LeakyRelu", inputs[0].name, attributes: [.float("alpha", slope)])
    }
}

extension SmoothActivation: ONNXOperation {
    package func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String {
        let x = inputs[0].name
        switch kind {
        case .hardSwish: return nodes.add("HardSwish", x)
        case .hardSigmoid: return nodes.add("HardSigmoid", x, attributes: [.float("alpha", 1.0 / 6), .float("beta", 0.5)])
        case .sigmoid: return nodes.add("Sigmoid", x)
        case .gelu:
            // x (1 + erf(x / sqrt 2)) / 2: ONNX has a node of its own from opset 20 on.
            let scaled = nodes.add("Mul", x, nodes.constant([Float(0.5).squareRoot()], isScalar: true))
            let normal = nodes.add("Add", nodes.add("Erf", scaled), nodes.constant([Float(1)], isScalar: true))
            return nodes.add("Mul", nodes.add("Mul", x, normal), nodes.constant([Float(0.5)], isScalar: true))
        }
    }
}

extension Concatenation: ONNXOperation {
    package func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String {
        nodes.add("Concat", inputs.map(\.name), outputs: 1, [.int("axis", 1)])[0]
    }
}

extension ChannelSlice: ONNXOperation {
    package func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String {
        nodes.slice(inputs[0].name, start, start + count, axis: 1)
    }
}

extension MaxPooling: ONNXOperation {
    package func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String {
        nodes.add("MaxPool", inputs[0].name, attributes: [.ints("kernel_shape", [2, 2]), .ints("strides", [2, 2])])
    }
}

extension Upsampling: ONNXOperation {
    package func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String {
        let scales = nodes.constant([Float](arrayLiteral: 1, 1, 2, 2))
        return nodes.add(
            "Resize", inputs[0].name, "", scales,
            attributes: [.string("mode", "linear"), .string("coordinate_transformation_mode", "half_pixel")])
    }
}

extension Padding: ONNXOperation {
    package func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String {
        let amounts: String
        if nodes.isStatic {
            let missing = inputs[0].shape[2...].map { (multiple - $0 % multiple) % multiple }
            guard missing.contains(where: { $0 > 0 }) else { return inputs[0].name }
            amounts = nodes.constant([0, 0, 0, 0, 0, 0] + missing)
        } else {
            // -size mod multiple: the remainder of a positive divisor is not negative.
            let missing = nodes.add("Mod", nodes.add("Neg", nodes.imageSize(inputs[0])), nodes.constant([multiple, multiple]))
            amounts = nodes.add("Concat", nodes.constant([0, 0, 0, 0, 0, 0]), missing, attributes: [.int("axis", 0)])
        }
        return nodes.add("Pad", inputs[0].name, amounts, attributes: [.string("mode", mode == .reflect ? "reflect" : "edge")])
    }
}

extension Cropping: ONNXOperation {
    package func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String {
        if nodes.isStatic, inputs[0].shape[2...] == inputs[1].shape[2...] { return inputs[0].name }
        return nodes.add(
            "Slice", inputs[0].name, nodes.constant([0, 0]), nodes.imageSize(inputs[1]), nodes.constant([2, 3]))
    }
}

extension LayerNormalization: ONNXOperation {
    package func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String {
        let x = nodes.transpose(inputs[0].name, [0, 2, 3, 1])
        let y = nodes.add(
            "LayerNormalization", x, inputs[1].name, inputs[2].name, attributes: [.int("axis", -1), .float("epsilon", epsilon)])
        return nodes.transpose(y, [0, 3, 1, 2])
    }
}

extension PixelUnshuffle: ONNXOperation {
    /// ONNX counts place by place, all channels of each; the graph channel by channel, all places of each.
    package func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String {
        if factor == 1 { return inputs[0].name }
        let channels = inputs[0].channels
        let parts = nodes.add("SpaceToDepth", inputs[0].name, attributes: [.int("blocksize", factor)])
        let sources = (0..<channels).flatMap { c in order.rowMajorPlaces(factor).map { $0 * channels + c } }
        return nodes.gather(parts, sources)
    }
}

extension PixelShuffle: ONNXOperation {
    package func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String {
        if factor == 1 { return inputs[0].name }
        let count = factor * factor
        let places = order.rowMajorPlaces(factor)
        let sources = (0..<inputs[0].channels).map { $0 / count * count + (places.firstIndex(of: $0 % count) ?? 0) }
        let parts = nodes.gather(inputs[0].name, sources)
        return nodes.add("DepthToSpace", parts, attributes: [.int("blocksize", factor), .string("mode", "CRD")])
    }
}

extension PixelOrder {
    /// For each place in this order, its number counted row by row.
    fileprivate func rowMajorPlaces(_ factor: Int) -> [Int] {
        var places = [Int](repeating: 0, count: factor * factor)
        for row in 0..<factor {
            for column in 0..<factor { places[place(row: row, column: column, factor: factor)] = row * factor + column }
        }
        return places
    }
}

extension ONNXNodes {
    fileprivate mutating func convolution(_ inputs: [ONNXValue], dilation: Int, groups: Int) -> String {
        let kernel = inputs[1].shape[2]
        let margin = dilation * (kernel / 2)
        return add(
            "Conv", inputs.map(\.name), outputs: 1,
            [
                .ints("kernel_shape", [kernel, kernel]), .ints("pads", [margin, margin, margin, margin]),
                .ints("dilations", [dilation, dilation]), .int("group", groups),
            ])[0]
    }

    /// Height and width: a list of two integers.
    mutating func imageSize(_ value: ONNXValue) -> String {
        isStatic ? constant(Array(value.shape[2...])) : shape(value.name, 2..<4)
    }

    /// The sizes of some axes, told when the network runs: a list of integers.
    mutating func shape(_ value: String, _ axes: Range<Int>) -> String {
        add("Shape", value, attributes: [.int("start", axes.lowerBound), .int("end", axes.upperBound)])
    }

    mutating func transpose(_ value: String, _ axes: [Int]) -> String {
        add("Transpose", value, attributes: [.ints("perm", axes)])
    }

    /// `start..<end` along an axis; both may be counted from the end.
    mutating func slice(_ value: String, _ start: Int, _ end: Int, axis: Int) -> String {
        add("Slice", value, constant([start]), constant([end]), constant([axis]))
    }

    /// The channels in another order; nothing where it is the order they have.
    fileprivate mutating func gather(_ value: String, _ channels: [Int]) -> String {
        channels == Array(channels.indices) ? value : add("Gather", value, constant(channels), attributes: [.int("axis", 1)])
    }
}
