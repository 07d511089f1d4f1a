import Documents
import Engine
import Foundation
import Networks
import RandomStreams
import Training

/// A network with parameters and inputs that follow from a seed alone, for comparisons with other programs.
struct BenchCase {
    let architecture: Architecture
    let graph: Graph
    let seed: Int
    let size: ImageSize
    let batch: Int
    let parameters: ParameterStore
    /// `image` and `target` uniform in 0...1; `noise-map` one value in 0...75/255 an image.
    let inputs: [String: Tensor<Float>]

    /// - Throws: `InputError` or `ShapeError` where the network cannot take the size.
    init(_ architecture: Architecture, seed: Int, size: ImageSize, batch: Int) throws {
        try checkSizes(height: size.height, width: size.width, batch: batch)
        self.architecture = architecture
        self.seed = seed
        self.size = size
        self.batch = batch
        graph = try buildGraph(architecture)
        var shapes = architecture.inputShapes(height: size.height, width: size.width, batch: batch)
        _ = try graph.shapes(inputs: shapes)
        shapes["target"] = shapes["image"]
        parameters = ParameterStore(forChecks: graph.parameters, seed: UInt64(seed))
        let root = RandomStream(seed: UInt64(seed)).split("inputs")
        inputs = Dictionary(
            uniqueKeysWithValues: shapes.map { name, shape in
                var stream = root.split(name)
                var tensor = Tensor<Float>(shape)
                let (run, highest) = name == "noise-map" ? (shape.height * shape.width, 75.0 / 255) : (1, 1)
                for start in stride(from: 0, to: shape.count, by: run) {
                    let value = Float(stream.uniform() * highest)
                    for index in start..<start + run { tensor.elements[index] = value }
                }
                return (name, tensor)
            })
    }

    /// The graph's outputs that are images, or a router's, with their names in a file; full depth first.
    var imageOutputs: [(name: String, written: String)] {
        let exits = (0..<architecture.exitCount - 1).map(Network.exitName).map { ($0, $0) }
        return [("image", "output")] + exits + (architecture.isDynamic ? [("router", "router")] : [])
    }

    /// Writes the inputs into a loaded program.
    func fill(_ executable: Executable) {
        for name in executable.program.inputs.keys {
            guard let tensor = inputs[name] else { preconditionFailure("no input \(name)") }
            _ = executable.input(name).update(fromContentsOf: tensor.elements)
        }
    }

    /// Says which numbers a file holds, for `__metadata__`.
    func metadata(precision: String, _ more: [(key: String, value: String)]) throws -> [(key: String, value: String)] {
        var fields: [(key: String, value: String)] = [
            (Release.program, Release.version), ("architecture", architecture.canonicalDocument.canonicalJSON),
            ("architecture_hash", architecture.architectureHash), ("family", architecture.family), ("seed", "\(seed)"),
            ("precision", precision), ("batch", "\(batch)"), ("size", "\(size)"), ("layout", "NCHW"),
        ]
        if architecture.isDynamic {
            fields.append(("exit-costs", Document.array(try architecture.exitCosts().map(Document.float)).json))
        }
        return fields + more
    }

    /// The tensors of the batch: `input`, `noise-map` and, where wanted, `target`, in `Scalar`.
    func inputTensors<Scalar: CheckScalar>(_ type: Scalar.Type, target: Bool) -> [StoredTensor] {
        let names = [("image", "input"), ("noise-map", "noise-map")] + (target ? [("target", "target")] : [])
        return names.compactMap { name, written in inputs[name].map { StoredTensor(images: written, $0, as: type) } }
    }
}

/// The numbers that a step is checked in.
typealias CheckScalar = ReferenceScalar & StoredScalar

extension StoredTensor {
    /// A tensor as it lies in memory.
    init<Scalar: CheckScalar>(_ name: String, _ tensor: Tensor<Scalar>) {
        self.init(name: name, sizes: tensor.shape.sizes, values: tensor.elements)
    }

    /// Images `[N, H, W, C]`, written as `[N, C, H, W]` in `Scalar`.
    init<Source: ReferenceScalar, Scalar: CheckScalar>(images name: String, _ tensor: Tensor<Source>, as type: Scalar.Type) {
        let shape = tensor.shape
        let area = shape.height * shape.width
        var values = [Scalar](repeating: 0, count: shape.count)
        for (index, value) in tensor.elements.enumerated() {
            let (pixel, channel) = (index / shape.channels, index % shape.channels)
            values[(pixel / area * shape.channels + channel) * area + pixel % area] = Scalar(value)
        }
        self.init(name: name, sizes: [shape.batch, shape.channels, shape.height, shape.width], values: values)
    }
}
