import Deployment
import Foundation
import SwiftProtobuf

/// Evaluates an ONNX model from the bytes of its file, slowly and plainly, by the operator specification (opset 17) alone: what
/// the exporter means is checked by something that knows nothing of it.
struct ONNXEvaluator {
    let model: Onnx_ModelProto

    init(_ bytes: Data) throws { model = try Onnx_ModelProto(serializedBytes: bytes) }

    /// The graph's outputs. An input that is an initialiser too may be left out.
    func run(_ inputs: [String: ONNXArray]) throws -> [String: ONNXArray] {
        let graph = model.graph
        var values: [String: ONNXArray] = [:]
        for tensor in graph.initializer { values[tensor.name] = try ONNXArray(tensor) }
        values.merge(inputs) { $1 }
        for input in graph.input { try Self.check(values[input.name], input) }
        return try Self.run(graph, &values)
    }

    /// Runs a graph's nodes in order, with the values of the graphs around it.
    private static func run(_ graph: Onnx_GraphProto, _ values: inout [String: ONNXArray]) throws -> [String: ONNXArray] {
        for node in graph.node {
            let inputs = try node.input.map { name -> ONNXArray? in
                guard name.isEmpty || values[name] != nil else {
                    throw ONNXError("\(node.name) reads \(name), which no node made")
                }
                return values[name]
            }
            do {
                let outputs: [ONNXArray]
                if node.opType == "If" {
                    guard let condition = inputs[0], condition.kind == .bool, condition.elements.count == 1 else {
                        throw ONNXError("the condition is no truth value")
                    }
                    let branch = Attributes(node).graph(condition.elements[0] != 0 ? "then_branch" : "else_branch")
                    var inner = values
                    let results = try run(branch, &inner)
                    outputs = branch.output.compactMap { results[$0.name] }
                } else {
                    outputs = try ONNXNodeEvaluator(node: node, attributes: Attributes(node), inputs: inputs).run()
                }
                guard outputs.count >= node.output.count else { throw ONNXError("\(outputs.count) outputs") }
                for (name, output) in zip(node.output, outputs) { values[name] = output }
            } catch let error as ONNXError {
                throw ONNXError("\(node.name): \(error)")
            }
        }
        for output in graph.output + graph.valueInfo { try check(values[output.name], output) }
        return Dictionary(uniqueKeysWithValues: graph.output.map { ($0.name, values[$0.name]!) })
    }

    /// The value has the type, the rank and the known sizes that the file declares.
    private static func check(_ value: ONNXArray?, _ info: Onnx_ValueInfoProto) throws {
        guard let value else { throw ONNXError("\(info.name) has no value") }
        let dimensions = info.type.tensorType.shape.dim
        let fits = zip(dimensions, value.sizes).allSatisfy { dimension, size in
            if case .dimValue(let known)? = dimension.value { known == size } else { true }
        }
        guard Int(info.type.tensorType.elemType) == value.kind.rawValue, dimensions.count == value.rank, fits else {
            throw ONNXError("\(info.name) is declared as something other than \(value.kind) \(value.sizes)")
        }
    }
}

/// A node's attributes by name.
struct Attributes {
    private let list: [String: Onnx_AttributeProto]

    init(_ node: Onnx_NodeProto) { list = Dictionary(uniqueKeysWithValues: node.attribute.map { ($0.name, $0) }) }

    func int(_ name: String, _ normal: Int) -> Int { list[name].map { Int($0.i) } ?? normal }
    func ints(_ name: String, _ normal: [Int]) -> [Int] { list[name].map { $0.ints.map(Int.init) } ?? normal }
    func float(_ name: String, _ normal: Double) -> Double { list[name].map { Double($0.f) } ?? normal }
    func string(_ name: String, _ normal: String) -> String {
        list[name].flatMap { String(data: $0.s, encoding: .utf8) } ?? normal
    }
    func graph(_ name: String) -> Onnx_GraphProto { list[name]?.g ?? Onnx_GraphProto() }
    func tensor(_ name: String) -> Onnx_TensorProto { list[name]?.t ?? Onnx_TensorProto() }
}

/// One node: its operator, by name.
struct ONNXNodeEvaluator {
    var node: Onnx_NodeProto
    var attributes: Attributes
    var inputs: [ONNXArray?]

    private func input(_ number: Int, _ kind: Onnx_TensorProto.DataType? = nil) throws -> ONNXArray {
        guard number < inputs.count, let value = inputs[number] else { throw ONNXError("input \(number) is missing") }
        guard kind == nil || value.kind == kind else { throw ONNXError("input \(number) is \(value.kind)") }
        return value
    }

    private func optional(_ number: Int) -> ONNXArray? { number < inputs.count ? inputs[number] : nil }

    private func integers(_ number: Int) throws -> [Int] { try input(number, .int64).integers }

    func run() throws -> [ONNXArray] {
        func unary(_ function: (Double) -> Double) throws -> [ONNXArray] { [try input(0, .float).map(function)] }
        func binary(as kind: Onnx_TensorProto.DataType? = nil, _ function: (Double, Double) -> Double) throws -> [ONNXArray] {
            [try ONNXArray.combine(input(0), input(1), as: kind, function)]
        }
        switch node.opType {
        case "Identity": return [try input(0)]
        case "Constant": return [try ONNXArray(attributes.tensor("value"))]
        case "Relu": return try unary { max($0, 0) }
        case "LeakyRelu":
            let alpha = attributes.float("alpha", 0.01)
            return try unary { $0 < 0 ? alpha * $0 : $0 }
        case "Erf": return try unary(erf)
        case "Sigmoid": return try unary { 1 / (1 + exp(-$0)) }
        case "HardSigmoid":
            let (alpha, beta) = (attributes.float("alpha", 0.2), attributes.float("beta", 0.5))
            return try unary { max(0, min(1, alpha * $0 + beta)) }
        case "HardSwish": return try unary { $0 * max(0, min(1, $0 / 6 + 0.5)) }
        case "Neg": return [try input(0).map(-)]
        case "Add": return try binary(+)
        case "Sub": return try binary(-)
        case "Mul": return try binary(*)
        case "Mod":
            // Integers: the remainder has the divisor's sign.
            guard try input(0).kind == .int64, attributes.int("fmod", 0) == 0 else {
                throw ONNXError("Mod of numbers that are no integers")
            }
            return try binary { $0 - $1 * ($0 / $1).rounded(.down) }
        case "Less": return try binary(as: .bool) { $0 < $1 ? 1 : 0 }
        case "Equal": return try binary(as: .bool) { $0 == $1 ? 1 : 0 }
        case "Where": return [try choose()]
        case "Cast":
            guard let kind = Onnx_TensorProto.DataType(rawValue: attributes.int("to", 0)) else { throw ONNXError("to no type") }
            let x = try input(0)
            return [
                ONNXArray(
                    kind, x.sizes,
                    x.elements.map { kind == .bool ? ($0 == 0 ? 0 : 1) : kind == .int64 ? $0.rounded(.towardZero) : $0 })
            ]
        case "Range":
            let (start, limit, step) = (try integers(0)[0], try integers(1)[0], try integers(2)[0])
            return [ONNXArray(integers: Array(stride(from: start, to: limit, by: step)))]
        case "Shape":
            let sizes = try input(0).sizes
            func place(_ number: Int) -> Int { max(0, min(sizes.count, number < 0 ? number + sizes.count : number)) }
            return [
                ONNXArray(integers: Array(sizes[place(attributes.int("start", 0))..<place(attributes.int("end", sizes.count))]))
            ]
        case "Reshape": return [try reshape()]
        case "Squeeze":
            let x = try input(0)
            let axes = try integers(1).map(x.axis)
            guard axes.allSatisfy({ x.sizes[$0] == 1 }) else { throw ONNXError("axes \(axes) of \(x.sizes) are not of size 1") }
            return [x.reshaped(x.sizes.indices.filter { !axes.contains($0) }.map { x.sizes[$0] })]
        case "Unsqueeze":
            let x = try input(0)
            let axes = try integers(1)
            var rest = x.sizes[...]
            let rank = x.rank + axes.count
            return [x.reshaped((0..<rank).map { axes.contains($0) || axes.contains($0 - rank) ? 1 : rest.removeFirst() })]
        case "Transpose":
            let x = try input(0)
            return [x.transposed(attributes.ints("perm", x.sizes.indices.reversed()))]
        case "Concat": return [try ONNXArray.concatenate(inputs.indices.map { try input($0) }, axis: attributes.int("axis", 0))]
        case "Split":
            let x = try input(0)
            let axis = x.axis(attributes.int("axis", 0))
            let size = x.sizes[axis] / node.output.count
            guard size * node.output.count == x.sizes[axis] else { throw ONNXError("\(node.output.count) parts of \(x.sizes)") }
            return try node.output.indices.map { try x.take(Array($0 * size..<($0 + 1) * size), axis: axis) }
        case "Gather":
            let x = try input(0)
            let indices = try input(1, .int64)
            let axis = x.axis(attributes.int("axis", 0))
            let taken = try x.take(indices.integers, axis: axis)
            return [taken.reshaped(x.sizes[..<axis] + indices.sizes + x.sizes[(axis + 1)...])]
        case "Slice": return [try slice()]
        case "Pad": return [try pad()]
        case "SpaceToDepth":
            let x = try input(0)
            let b = attributes.int("blocksize", 0)
            let s = x.sizes
            return [
                x.reshaped([s[0], s[1], s[2] / b, b, s[3] / b, b]).transposed([0, 3, 5, 1, 2, 4]).reshaped([
                    s[0], s[1] * b * b, s[2] / b, s[3] / b,
                ])
            ]
        case "DepthToSpace":
            let x = try input(0)
            let b = attributes.int("blocksize", 0)
            let s = x.sizes
            let c = s[1] / (b * b)
            let parts =
                attributes.string("mode", "DCR") == "DCR"
                ? x.reshaped([s[0], b, b, c, s[2], s[3]]).transposed([0, 3, 4, 1, 5, 2])
                : x.reshaped([s[0], c, b, b, s[2], s[3]]).transposed([0, 1, 4, 2, 5, 3])
            return [parts.reshaped([s[0], c, s[2] * b, s[3] * b])]
        case "Resize": return [try resize()]
        case "MaxPool": return [try maximumPool()]
        case "GlobalAveragePool":
            let x = try input(0, .float)
            let s = x.sizes
            let pixels = s[2] * s[3]
            let means = x.reshaped([s[0] * s[1], pixels]).mapRows { [$0.reduce(0, +) / Double(pixels)] + $0.dropFirst() }
            return [try means.take([0], axis: 1).reshaped([s[0], s[1], 1, 1])]
        case "Softmax":
            let x = try input(0, .float)
            guard x.axis(attributes.int("axis", -1)) == x.rank - 1 else { throw ONNXError("not along the last axis") }
            return [
                x.mapRows { row in
                    let largest = row.max() ?? 0
                    let powers = row.map { exp($0 - largest) }
                    let sum = powers.reduce(0, +)
                    return powers.map { $0 / sum }
                }
            ]
        case "LayerNormalization": return [try layerNormalization()]
        case "BatchNormalization": return [try batchNormalization()]
        case "MatMul": return [try matrixProduct()]
        case "Conv": return [try convolution()]
        default: throw ONNXError("the operator \(node.opType) is not known here")
        }
    }
}

extension ONNXNodeEvaluator {
    private func choose() throws -> ONNXArray {
        let (condition, a, b) = (try input(0, .bool), try input(1), try input(2))
        let sizes = ONNXArray.common(condition.sizes, ONNXArray.common(a.sizes, b.sizes))
        let (conditions, x, y) = (try condition.broadcast(sizes), try a.broadcast(sizes), try b.broadcast(sizes))
        guard a.kind == b.kind else { throw ONNXError("\(a.kind) or \(b.kind)") }
        return ONNXArray(
            a.kind, sizes, conditions.elements.indices.map { conditions.elements[$0] != 0 ? x.elements[$0] : y.elements[$0] })
    }

    private func reshape() throws -> ONNXArray {
        let x = try input(0)
        var sizes = try integers(1).enumerated().map { $1 == 0 ? x.sizes[$0] : $1 }
        if let open = sizes.firstIndex(of: -1) {
            sizes[open] = x.elements.count / sizes.filter { $0 != -1 }.reduce(1, *)
        }
        guard sizes.reduce(1, *) == x.elements.count else { throw ONNXError("\(x.sizes) as \(sizes)") }
        return x.reshaped(sizes)
    }

    private func slice() throws -> ONNXArray {
        var x = try input(0)
        let (starts, ends) = (try integers(1), try integers(2))
        let axes = inputs.count > 3 ? try integers(3) : Array(starts.indices)
        guard inputs.count < 5 else { throw ONNXError("steps are not known here") }
        for (axis, (start, end)) in zip(axes.map(x.axis), zip(starts, ends)) {
            let size = x.sizes[axis]
            func place(_ number: Int) -> Int { max(0, min(size, number < 0 ? number + size : number)) }
            x = try x.take(Array(place(start)..<max(place(start), place(end))), axis: axis)
        }
        return x
    }

    private func pad() throws -> ONNXArray {
        var x = try input(0)
        let amounts = try integers(1)
        let rank = x.rank
        for axis in 0..<rank {
            let size = x.sizes[axis]
            let last = size - 1
            let indices = try (-amounts[axis]..<size + amounts[axis + rank]).map { place -> Int in
                switch attributes.string("mode", "constant") {
                case "edge": return max(0, min(last, place))
                case "reflect":
                    guard -last...2 * last ~= place else { throw ONNXError("\(size) pixels cannot be reflected to \(place)") }
                    return last - abs(last - abs(place))
                default: throw ONNXError("a mode of padding that is not known here")
                }
            }
            x = try x.take(indices, axis: axis)
        }
        return x
    }

    /// Linear, each axis by itself; beyond the outer pixels' centres, their values.
    private func resize() throws -> ONNXArray {
        guard attributes.string("mode", "nearest") == "linear",
            attributes.string("coordinate_transformation_mode", "half_pixel") == "half_pixel"
        else { throw ONNXError("a mode that is not known here") }
        var x = try input(0, .float)
        for (axis, scale) in try input(2, .float).elements.enumerated() where scale != 1 {
            let size = x.sizes[axis]
            let places = (0..<Int(Double(size) * scale)).map { max(0, min(Double(size - 1), (Double($0) + 0.5) / scale - 0.5)) }
            let below = try x.take(places.map { Int($0) }, axis: axis)
            let above = try x.take(places.map { min(Int($0) + 1, size - 1) }, axis: axis)
            let weights = ONNXArray(
                .float, [places.count] + [Int](repeating: 1, count: x.rank - 1 - axis), places.map { $0 - $0.rounded(.down) })
            let difference = try ONNXArray.combine(above, below, -)
            x = try ONNXArray.combine(below, ONNXArray.combine(difference, weights, *), +)
        }
        return x
    }

    private func maximumPool() throws -> ONNXArray {
        let kernel = attributes.ints("kernel_shape", [])
        let steps = attributes.ints("strides", [1, 1])
        guard attributes.ints("pads", [0, 0, 0, 0]).allSatisfy({ $0 == 0 }), attributes.int("ceil_mode", 0) == 0 else {
            throw ONNXError("padding is not known here")
        }
        var x = try input(0, .float)
        for (axis, (size, step)) in zip([2, 3], zip(kernel, steps)) {
            let starts = Array(stride(from: 0, through: x.sizes[axis] - size, by: step))
            let parts = try (0..<size).map { offset in try x.take(starts.map { $0 + offset }, axis: axis) }
            x = try parts.dropFirst().reduce(parts[0]) { try ONNXArray.combine($0, $1, max) }
        }
        return x
    }

    private func layerNormalization() throws -> ONNXArray {
        let x = try input(0, .float)
        let scale = try input(1, .float)
        let epsilon = attributes.float("epsilon", 1e-5)
        guard x.axis(attributes.int("axis", -1)) == x.rank - 1 else { throw ONNXError("not along the last axis") }
        let normal = x.mapRows { row in
            let mean = row.reduce(0, +) / Double(row.count)
            let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
            return row.map { ($0 - mean) / (variance + epsilon).squareRoot() }
        }
        let scaled = try ONNXArray.combine(normal, scale, *)
        return try optional(2).map { try ONNXArray.combine(scaled, $0, +) } ?? scaled
    }

    private func batchNormalization() throws -> ONNXArray {
        guard attributes.int("training_mode", 0) == 0 else { throw ONNXError("training is not known here") }
        let epsilon = attributes.float("epsilon", 1e-5)
        func column(_ number: Int) throws -> ONNXArray {
            try input(number, .float).reshaped([try input(number).elements.count, 1, 1])
        }
        let centred = try ONNXArray.combine(input(0), column(3), -)
        let factor = try ONNXArray.combine(column(1), column(4).map { 1 / ($0 + epsilon).squareRoot() }, *)
        return try ONNXArray.combine(ONNXArray.combine(centred, factor, *), column(2), +)
    }

    private func matrixProduct() throws -> ONNXArray {
        var (a, b) = (try input(0, .float), try input(1, .float))
        let (rows, inner, columns) = (a.sizes[a.rank - 2], a.sizes[a.rank - 1], b.sizes[b.rank - 1])
        guard b.sizes[b.rank - 2] == inner else { throw ONNXError("\(a.sizes) times \(b.sizes)") }
        let outer = ONNXArray.common(a.sizes.dropLast(2), b.sizes.dropLast(2))
        (a, b) = (try a.broadcast(outer + [rows, inner]), try b.broadcast(outer + [inner, columns]))
        var result = ONNXArray(.float, outer + [rows, columns], [Double](repeating: 0, count: outer.reduce(rows * columns, *)))
        for matrix in 0..<outer.reduce(1, *) {
            for row in matrix * rows..<(matrix + 1) * rows {
                for k in 0..<inner {
                    let factor = a.elements[row * inner + k]
                    let line = (matrix * inner + k) * columns
                    for column in 0..<columns { result.elements[row * columns + column] += factor * b.elements[line + column] }
                }
            }
        }
        return result
    }

    private func convolution() throws -> ONNXArray {
        let x = try input(0, .float)
        let weight = try input(1, .float)
        let groups = attributes.int("group", 1)
        let pads = attributes.ints("pads", [0, 0, 0, 0])
        let dilations = attributes.ints("dilations", [1, 1])
        let (batch, channels, height, width) = (x.sizes[0], x.sizes[1], x.sizes[2], x.sizes[3])
        let (outputs, depth, kernel) = (weight.sizes[0], weight.sizes[1], Array(weight.sizes[2...]))
        guard attributes.ints("strides", [1, 1]) == [1, 1], attributes.ints("kernel_shape", kernel) == kernel,
            depth * groups == channels, outputs % groups == 0
        else { throw ONNXError("\(x.sizes) with \(weight.sizes) in \(groups) groups") }
        let rows = height + pads[0] + pads[2] - dilations[0] * (kernel[0] - 1)
        let columns = width + pads[1] + pads[3] - dilations[1] * (kernel[1] - 1)
        let bias = optional(2)?.elements ?? [Double](repeating: 0, count: outputs)
        guard bias.count == outputs else { throw ONNXError("\(bias.count) biases for \(outputs) channels") }
        var result = [Double](repeating: 0, count: batch * outputs * rows * columns)
        for n in 0..<batch {
            for o in 0..<outputs {
                let target = (n * outputs + o) * rows * columns
                for place in target..<target + rows * columns { result[place] = bias[o] }
                for i in 0..<depth {
                    let source = (n * channels + o / (outputs / groups) * depth + i) * height * width
                    for tap in 0..<kernel[0] * kernel[1] {
                        let (down, across) = (tap / kernel[1] * dilations[0] - pads[0], tap % kernel[1] * dilations[1] - pads[1])
                        let factor = weight.elements[(o * depth + i) * kernel[0] * kernel[1] + tap]
                        // Beyond the image is 0.
                        for row in max(0, -down)..<max(max(0, -down), min(rows, height - down)) {
                            let (to, from) = (target + row * columns, source + (row + down) * width + across)
                            for column in max(0, -across)..<max(max(0, -across), min(columns, width - across)) {
                                result[to + column] += factor * x.elements[from + column]
                            }
                        }
                    }
                }
            }
        }
        return ONNXArray(.float, [batch, outputs, rows, columns], result)
    }
}
