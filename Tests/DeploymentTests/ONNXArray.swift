import Deployment
import Foundation

/// Why a model cannot be evaluated.
struct ONNXError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// A dense tensor of an ONNX model, last axis fastest. Numbers of all types are held as Double.
struct ONNXArray: Equatable {
    var kind: Onnx_TensorProto.DataType
    var sizes: [Int]
    var elements: [Double]

    init(_ kind: Onnx_TensorProto.DataType, _ sizes: [Int], _ elements: [Double]) {
        precondition(elements.count == sizes.reduce(1, *))
        (self.kind, self.sizes, self.elements) = (kind, sizes, elements)
    }

    init(integers: [Int]) { self.init(.int64, [integers.count], integers.map(Double.init)) }

    /// A tensor of a file: the bytes are little-endian, and as many as the shape asks for.
    init(_ proto: Onnx_TensorProto) throws {
        let sizes = proto.dims.map(Int.init)
        let bytes = [UInt8](proto.rawData)
        func numbers(_ width: Int, _ number: (UInt64) -> Double) -> [Double] {
            stride(from: 0, to: bytes.count, by: width).map { start in
                number(bytes[start..<start + width].reversed().reduce(0) { $0 << 8 | UInt64($1) })
            }
        }
        let width = proto.dataType == Onnx_TensorProto.DataType.float.rawValue ? 4 : 8
        guard bytes.count == width * sizes.reduce(1, *) else {
            throw ONNXError("\(proto.name): \(bytes.count) bytes for \(sizes)")
        }
        switch Onnx_TensorProto.DataType(rawValue: Int(proto.dataType)) {
        case .float: self.init(.float, sizes, numbers(4) { Double(Float(bitPattern: UInt32($0))) })
        case .int64: self.init(.int64, sizes, numbers(8) { Double(Int64(bitPattern: $0)) })
        default: throw ONNXError("\(proto.name): data of type \(proto.dataType)")
        }
    }

    var rank: Int { sizes.count }
    /// Integers; those that mean "to the end" are only large.
    var integers: [Int] { elements.map { Int(min(max($0, -1e15), 1e15)) } }
    /// How far apart neighbours along each axis lie.
    var strides: [Int] { sizes.indices.map { sizes[($0 + 1)...].reduce(1, *) } }

    func axis(_ number: Int) -> Int { number < 0 ? number + rank : number }

    func map(_ change: (Double) -> Double) -> ONNXArray { ONNXArray(kind, sizes, elements.map(change)) }

    func reshaped(_ target: [Int]) throws -> ONNXArray {
        guard target.reduce(1, *) == elements.count else { throw ONNXError("\(sizes) as \(target)") }
        return ONNXArray(kind, target, elements)
    }

    /// The elements at these indices of an axis, in their order.
    func take(_ indices: [Int], axis: Int) throws -> ONNXArray {
        guard sizes.indices.contains(axis) else { throw ONNXError("axis \(axis) of \(sizes)") }
        let inner = sizes[(axis + 1)...].reduce(1, *)
        let size = sizes[axis]
        guard indices.allSatisfy({ 0..<size ~= $0 }) else { throw ONNXError("indices \(indices) of axis \(axis) of \(sizes)") }
        var result: [Double] = []
        result.reserveCapacity(elements.count / max(1, size) * indices.count)
        for start in stride(from: 0, to: elements.count, by: size * inner) {
            for index in indices { result += elements[(start + index * inner)..<(start + (index + 1) * inner)] }
        }
        var sizes = sizes
        sizes[axis] = indices.count
        return ONNXArray(kind, sizes, result)
    }

    /// The elements at `strides` of this array for each place of an array of these sizes.
    private func view(_ sizes: [Int], _ strides: [Int]) -> ONNXArray {
        var places = [0]
        for (size, step) in zip(sizes, strides) { places = places.flatMap { start in (0..<size).map { start + $0 * step } } }
        return ONNXArray(kind, sizes, places.map { elements[$0] })
    }

    func transposed(_ axes: [Int]) throws -> ONNXArray {
        guard axes.sorted() == Array(sizes.indices) else { throw ONNXError("axes \(axes) of \(sizes)") }
        return permuted(axes)
    }

    func permuted(_ axes: [Int]) -> ONNXArray { view(axes.map { sizes[$0] }, axes.map { strides[$0] }) }

    /// Repeated along the axes where it has size 1, and along new ones in front.
    func broadcast(_ target: [Int]) throws -> ONNXArray {
        if target == sizes { return self }
        let missing = target.count - rank
        guard missing >= 0, zip(sizes, target[missing...]).allSatisfy({ $0 == 1 || $0 == $1 }) else {
            throw ONNXError("\(sizes) cannot be broadcast to \(target)")
        }
        return view(target, [Int](repeating: 0, count: missing) + zip(sizes, strides).map { $0 == 1 ? 0 : $1 })
    }

    /// The sizes that both can be broadcast to.
    static func common(_ a: [Int], _ b: [Int]) -> [Int] {
        let rank = max(a.count, b.count)
        func filled(_ sizes: [Int]) -> [Int] { [Int](repeating: 1, count: rank - sizes.count) + sizes }
        return zip(filled(a), filled(b)).map { $0 == 1 ? $1 : $0 }
    }

    /// Two arrays of one type, combined element by element.
    static func combine(
        _ a: ONNXArray, _ b: ONNXArray, as kind: Onnx_TensorProto.DataType? = nil, _ function: (Double, Double) -> Double
    ) throws -> ONNXArray {
        guard a.kind == b.kind else { throw ONNXError("\(a.kind) and \(b.kind) together") }
        let sizes = common(a.sizes, b.sizes)
        return ONNXArray(
            kind ?? a.kind, sizes, zip(try a.broadcast(sizes).elements, try b.broadcast(sizes).elements).map(function))
    }

    /// Arrays of one type side by side.
    static func concatenate(_ parts: [ONNXArray], axis: Int) throws -> ONNXArray {
        let axis = parts[0].axis(axis)
        func others(_ part: ONNXArray) -> [Int] { part.sizes.enumerated().filter { $0.offset != axis }.map(\.element) }
        guard parts.allSatisfy({ $0.kind == parts[0].kind && others($0) == others(parts[0]) }) else {
            throw ONNXError("\(parts.map(\.sizes)) side by side")
        }
        var sizes = parts[0].sizes
        sizes[axis] = parts.reduce(0) { $0 + $1.sizes[axis] }
        var result: [Double] = []
        for outer in 0..<sizes[..<axis].reduce(1, *) {
            for part in parts {
                let length = part.sizes[axis...].reduce(1, *)
                result += part.elements[(outer * length)..<((outer + 1) * length)]
            }
        }
        return ONNXArray(parts[0].kind, sizes, result)
    }

    /// Each row along the last axis, changed.
    func mapRows(_ change: ([Double]) -> [Double]) -> ONNXArray {
        let length = sizes[rank - 1]
        let rows = stride(from: 0, to: elements.count, by: length).map { change(Array(elements[$0..<$0 + length])) }
        return ONNXArray(kind, sizes, rows.flatMap { $0 })
    }
}
