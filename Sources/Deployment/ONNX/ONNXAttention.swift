import Engine

extension RelativePositionBias: ONNXOperation {
    package func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String {
        let pairs = nodes.add("Gather", inputs[0].name, nodes.constant(relativePositions(window)), attributes: [.int("axis", 0)])
        let places = window * window
        return nodes.add("Reshape", nodes.transpose(pairs, [1, 0]), nodes.constant([inputs[0].shape[1], places, places]))
    }
}

extension WindowAttention: ONNXOperation {
    /// The windows are taken apart and put together by SpaceToDepth and DepthToSpace, so no shape needs arithmetic:
    /// `[N, 3C, H, W]` to q, k and v `[N, windows, heads, window², C / heads]`.
    package func addNodes(to nodes: inout ONNXNodes, _ inputs: [ONNXValue]) -> String {
        let channels = inputs[0].channels / 3
        let size = channels / heads
        let places = window * window
        let rolled = nodes.rolled(inputs[0].name, by: shift)
        let parts = nodes.add("SpaceToDepth", rolled, attributes: [.int("blocksize", window)])
        let separate = nodes.add("Reshape", parts, nodes.constant([0, places, 3, heads, size, -1]))
        let qkv = nodes.add("Split", [separate], outputs: 3, [.int("axis", 2)]).map { part in
            nodes.add("Squeeze", part, nodes.constant([2]))
        }
        let query = nodes.transpose(qkv[0], [0, 4, 2, 1, 3])
        let key = nodes.transpose(qkv[1], [0, 4, 2, 3, 1])
        let value = nodes.transpose(qkv[2], [0, 4, 2, 1, 3])
        let products = nodes.add("MatMul", query, key)
        let scale = nodes.constant([Float(1 / Double(size).squareRoot())], isScalar: true)
        var scores = nodes.add("Add", nodes.add("Mul", products, scale), inputs[1].name)
        if mask, shift > 0 { scores = nodes.add("Add", scores, neighbourMask(&nodes, inputs[0])) }
        let probabilities = nodes.add("Softmax", scores, attributes: [.int("axis", -1)])
        let result = nodes.transpose(nodes.add("MatMul", probabilities, value), [0, 3, 2, 4, 1])
        let target: String
        if nodes.isStatic {
            target = nodes.constant([0, places * channels] + inputs[0].shape[2...].map { $0 / window })
        } else {
            let windows = nodes.shape(parts, 2..<4)
            target = nodes.add("Concat", nodes.constant([0, places * channels]), windows, attributes: [.int("axis", 0)])
        }
        let together = nodes.add(
            "DepthToSpace", nodes.add("Reshape", result, target), attributes: [.int("blocksize", window), .string("mode", "DCR")])
        return nodes.rolled(together, by: -shift)
    }

    /// 0 where two places of a window belong together, far below where only the roll made them neighbours:
    /// `[windows, 1, window², window²]`.
    private func neighbourMask(_ nodes: inout ONNXNodes, _ map: ONNXValue) -> String {
        // A label for each side of the seams: 0 or 2 by rows, and 0 or 1 by columns.
        let rows = nodes.isBeforeSeam(map, axis: 2, shift: shift)
        let columns = nodes.isBeforeSeam(map, axis: 3, shift: shift)
        let doubled = nodes.add(
            "Mul", nodes.add("Unsqueeze", rows, nodes.constant([0, 1, 3])), nodes.constant([Float(2)], isScalar: true))
        let labels = nodes.add("Add", doubled, nodes.add("Unsqueeze", columns, nodes.constant([0, 1, 2])))
        let parts = nodes.add("SpaceToDepth", labels, attributes: [.int("blocksize", window)])
        let windows = nodes.transpose(nodes.add("Reshape", parts, nodes.constant([window * window, -1])), [1, 0])
        let isTogether = nodes.add(
            "Equal", nodes.add("Unsqueeze", windows, nodes.constant([1, 3])),
            nodes.add("Unsqueeze", windows, nodes.constant([1, 2])))
        return nodes.add(
            "Where", isTogether, nodes.constant([Float(0)], isScalar: true), nodes.constant([Float(-1e9)], isScalar: true))
    }
}

extension ONNXNodes {
    /// The map with every pixel moved up and left by `shift`, those at the edge around to the other side.
    fileprivate mutating func rolled(_ map: String, by shift: Int) -> String {
        guard shift != 0 else { return map }
        return [2, 3].reduce(map) { map, axis in
            add(
                "Concat", slice(map, shift, Int.max, axis: axis), slice(map, 0, shift, axis: axis),
                attributes: [.int("axis", axis)])
        }
    }

    /// 1 for each row (axis 2) or column (axis 3) of a rolled map that lies before the seam, else 0: `[H]` or `[W]`.
    fileprivate mutating func isBeforeSeam(_ map: ONNXValue, axis: Int, shift: Int) -> String {
        let size: String
        if isStatic {
            size = constant([map.shape[axis]], isScalar: true)
        } else {
            size = add("Squeeze", shape(map.name, axis..<axis + 1), constant([0]))
        }
        let numbers = add("Range", constant([0], isScalar: true), size, constant([1], isScalar: true))
        let seam = add("Sub", size, constant([shift], isScalar: true))
        return add("Cast", add("Less", numbers, seam), attributes: [.int("to", Onnx_TensorProto.DataType.float.rawValue)])
    }
}
