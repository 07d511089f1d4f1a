import Deployment
import Foundation

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

    private func map(_ number: Int) throws -> ONNXArray {
        let value = try input(number, .float)
        guard value.rank == 4 else { throw ONNXError("input \(number) is no feature map: \(value.sizes)") }
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
            return [try x.reshaped(x.sizes.indices.filter { !axes.contains($0) }.map { x.sizes[$0] })]
        case "Unsqueeze":
            let x = try input(0)
            let axes = try integers(1)
            var rest = x.sizes[...]
            let rank = x.rank + axes.count
            return [try x.reshaped((0..<rank).map { axes.contains($0) || axes.contains($0 - rank) ? 1 : rest.removeFirst() })]
        case "Transpose":
            let x = try input(0)
            return [try x.transposed(attributes.ints("perm", x.sizes.indices.reversed()))]
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
            return [try taken.reshaped(x.sizes[..<axis] + indices.sizes + x.sizes[(axis + 1)...])]
        case "Slice": return [try slice()]
        case "Pad": return [try pad()]
        case "SpaceToDepth":
            let (x, b) = (try map(0), attributes.int("blocksize", 0))
            let (n, c, h, w) = (x.sizes[0], x.sizes[1], x.sizes[2] / b, x.sizes[3] / b)
            return [try x.reshaped([n, c, h, b, w, b]).transposed([0, 3, 5, 1, 2, 4]).reshaped([n, c * b * b, h, w])]
        case "DepthToSpace":
            let (x, b) = (try map(0), attributes.int("blocksize", 0))
            let (n, c, h, w) = (x.sizes[0], x.sizes[1] / (b * b), x.sizes[2], x.sizes[3])
            let parts =
                attributes.string("mode", "DCR") == "DCR"
                ? try x.reshaped([n, b, b, c, h, w]).transposed([0, 3, 4, 1, 5, 2])
                : try x.reshaped([n, c, b, b, h, w]).transposed([0, 1, 4, 2, 5, 3])
            return [try parts.reshaped([n, c, h * b, w * b])]
        case "Resize": return [try resize()]
        case "MaxPool": return [try maximumPool()]
        case "GlobalAveragePool":
            let x = try map(0)
            let pixels = x.sizes[2] * x.sizes[3]
            let sums = stride(from: 0, to: x.elements.count, by: pixels).map { x.elements[$0..<$0 + pixels].reduce(0, +) }
            return [ONNXArray(.float, [x.sizes[0], x.sizes[1], 1, 1], sums.map { $0 / Double(pixels) })]
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
        return try x.reshaped(sizes)
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
        var x = try map(0)
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
        let x = try map(0)
        let weight = try map(1)
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
