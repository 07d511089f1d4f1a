import Foundation

/// A value of an ONNX graph: its name, and its shape in ONNX's order, feature maps as `[N, C, H, W]`. Where sizes are left open,
/// only the rank and the channels of the shape hold.
package struct ONNXValue: Sendable {
    package var name: String
    package var shape: [Int]

    var channels: Int { shape[1] }
}

/// The nodes of an ONNX graph under construction: names them and gathers constants, which are nodes of their own, so that the
/// initialisers of a file are its parameters and nothing else.
package struct ONNXNodes {
    /// Sizes are known: every shape is a constant of the file.
    let isStatic: Bool
    /// The block path that nodes are named by: `block2.conv1` gives `block2.conv1/Conv`.
    var path = ""
    /// In the order in which they are run.
    var list: [Onnx_NodeProto] = []
    private var used: [String: Int] = [:]

    init(isStatic: Bool) { self.isStatic = isStatic }

    /// Adds a node and returns the names of its outputs: the first is the node's own.
    mutating func add(
        _ type: String, _ inputs: [String], outputs count: Int, _ attributes: [Onnx_AttributeProto] = []
    ) -> [String] {
        let name = unused("\(path)/\(type)")
        let outputs = [name] + (1..<max(1, count)).map { "\(name)/\($0)" }
        append(type, name, inputs, outputs, attributes)
        return outputs
    }

    /// Adds a node whose outputs have names of their own.
    mutating func add(_ type: String, _ inputs: [String], named outputs: [String], _ attributes: [Onnx_AttributeProto] = []) {
        append(type, unused("\(path)/\(type)"), inputs, outputs, attributes)
    }

    private mutating func append(
        _ type: String, _ name: String, _ inputs: [String], _ outputs: [String], _ attributes: [Onnx_AttributeProto]
    ) {
        var node = Onnx_NodeProto()
        (node.opType, node.name, node.input, node.output, node.attribute) = (type, name, inputs, outputs, attributes)
        list.append(node)
    }

    /// Adds a node with one output.
    mutating func add(_ type: String, _ inputs: String..., attributes: [Onnx_AttributeProto] = []) -> String {
        add(type, inputs, outputs: 1, attributes)[0]
    }

    /// A constant list of integers; `isScalar` makes one integer a scalar.
    mutating func constant(_ values: [Int], isScalar: Bool = false) -> String {
        precondition(!isScalar || values.count == 1)
        let data = values.map { Int64($0).littleEndian }.withUnsafeBytes { Data($0) }
        return constant(.int64, sizes: isScalar ? [] : [values.count], data)
    }

    /// A constant list of numbers; `isScalar` makes one number a scalar.
    mutating func constant(_ values: [Float], isScalar: Bool = false) -> String {
        precondition(!isScalar || values.count == 1)
        return constant(.float, sizes: isScalar ? [] : [values.count], littleEndianData(values))
    }

    /// A constant integer whose value has a name of its own.
    mutating func constant(_ value: Int, named name: String) {
        let data = withUnsafeBytes(of: Int64(value).littleEndian) { Data($0) }
        add("Constant", [], named: [name], [.tensor("value", tensor(.int64, sizes: [], data))])
    }

    private mutating func constant(_ type: Onnx_TensorProto.DataType, sizes: [Int], _ data: Data) -> String {
        add("Constant", attributes: [.tensor("value", tensor(type, sizes: sizes, data))])
    }

    /// Gives the output of the last node another name; false where that is no output of the last node. Nothing reads it yet.
    mutating func renameLast(_ output: String, to name: String) -> Bool {
        guard let last = list.indices.last, list[last].output == [output] else { return false }
        list[last].output = [name]
        return true
    }

    /// The name, with a number where it is taken.
    private mutating func unused(_ name: String) -> String {
        let count = used[name, default: 0] + 1
        used[name] = count
        return count == 1 ? name : unused("\(name)_\(count)")
    }
}

extension Onnx_AttributeProto {
    static func int(_ name: String, _ value: Int) -> Self { make(name, .int) { $0.i = Int64(value) } }
    static func ints(_ name: String, _ values: [Int]) -> Self { make(name, .ints) { $0.ints = values.map(Int64.init) } }
    static func float(_ name: String, _ value: Double) -> Self { make(name, .float) { $0.f = Float(value) } }
    static func string(_ name: String, _ value: String) -> Self { make(name, .string) { $0.s = Data(value.utf8) } }
    static func tensor(_ name: String, _ value: Onnx_TensorProto) -> Self { make(name, .tensor) { $0.t = value } }
    static func graph(_ name: String, _ value: Onnx_GraphProto) -> Self { make(name, .graph) { $0.g = value } }

    private static func make(_ name: String, _ type: AttributeType, _ fill: (inout Self) -> Void) -> Self {
        var attribute = Self()
        attribute.name = name
        attribute.type = type
        fill(&attribute)
        return attribute
    }
}

func tensor(_ type: Onnx_TensorProto.DataType, sizes: [Int], _ data: Data) -> Onnx_TensorProto {
    var tensor = Onnx_TensorProto()
    tensor.dataType = Int32(type.rawValue)
    tensor.dims = sizes.map(Int64.init)
    tensor.rawData = data
    return tensor
}

func littleEndianData(_ values: [Float]) -> Data {
    values.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) }
}
