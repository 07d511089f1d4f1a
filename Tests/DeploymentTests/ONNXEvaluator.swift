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
                for (name, output) in zip(node.output, outputs) {
                    guard values.updateValue(output, forKey: name) == nil else { throw ONNXError("\(name) is made twice") }
                }
            } catch let error as ONNXError {
                throw ONNXError("\(node.name): \(error)")
            }
        }
        for output in graph.output { try check(values[output.name], output) }
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
