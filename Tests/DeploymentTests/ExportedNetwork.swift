import Deployment
import Documents
import Engine
import Foundation
import Networks
import RandomStreams
import SearchSpaces
import Testing

/// Random architectures of the spaces in `SearchSpaces/`: 6 of each, 60 in the long suite.
enum ShippedNetworks {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("SearchSpaces").path
    static let spaces = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".yaml") }
        .sorted()

    static func architectures(_ file: String) throws -> [Architecture] {
        let count = ProcessInfo.processInfo.environment["HALCYON_LONG_TESTS"] == "1" ? 60 : 6
        let space = try SearchSpace.load("\(folder)/\(file)")
        var stream = RandomStream(seed: 41).split(file)
        return try (0..<count).map { _ in try Architecture(space.resolve(space.sample(using: &stream))) }
    }
}

/// A network with seeded parameters, and what its compiled program and its exported files make of random images.
struct ExportedNetwork {
    struct Size {
        var height, width, batch: Int
    }

    let architecture: Architecture
    let parameters: ParameterStore

    init(_ architecture: Architecture) throws {
        self.architecture = architecture
        parameters = ParameterStore(forChecks: try buildGraph(architecture).parameters, seed: 7)
    }

    /// Odd and small; more than half of the multiple that images are padded to, so that they can be reflected.
    func oddSize(batch: Int = 2) -> Size {
        let multiple = architecture.network.sizeMultiple
        return Size(height: max(7, multiple / 2 + 1 | 1), width: max(9, multiple / 2 + 3 | 1), batch: batch)
    }

    /// One that needs no padding.
    func wholeSize(batch: Int = 1) -> Size {
        let multiple = architecture.network.sizeMultiple
        let side = (8 + multiple - 1) / multiple * multiple
        return Size(height: side, width: side, batch: batch)
    }

    /// Padded at both sides, at none, or at the right alone.
    func size(_ number: Int, batch: Int) -> Size {
        let odd = oddSize(batch: batch)
        let whole = wholeSize(batch: batch)
        return [odd, whole, Size(height: whole.height, width: odd.width, batch: batch)][number % 3]
    }

    func file(_ part: ONNXPart, fixed: Size? = nil) throws -> Data {
        try ONNXExport(architecture, part, size: fixed.map { ($0.height, $0.width) }, batch: fixed?.batch)
            .data(parameters.tensors)
    }

    func inputs(_ size: Size) -> [String: Tensor<Float>] {
        let shapes = architecture.inputShapes(height: size.height, width: size.width, batch: size.batch)
        return Dictionary(
            uniqueKeysWithValues: shapes.map { name, shape in
                var stream = RandomStream(seed: 5).split(name)
                return (name, Tensor(shape, (0..<shape.count).map { _ in Float(stream.uniform()) }))
            })
    }

    /// Every output of the compiled program, by the names of the graph.
    func program(_ size: Size) throws -> [String: ONNXArray] {
        let graph = try buildGraph(architecture).forInference()
        let inputs = inputs(size)
        let program = try Compiler.compile(graph, inputs: inputs.mapValues(\.shape))
        let executable = try CPUDevice().load(program, parameters: parameters)
        for (name, tensor) in inputs { _ = executable.input(name).update(fromContentsOf: tensor.elements) }
        executable.run()
        let shapes = try graph.shapes(inputs: inputs.mapValues(\.shape))
        return Dictionary(
            uniqueKeysWithValues: graph.outputs.map { name, value in
                (name, ONNXArray(Tensor(shapes[value.index], Array(executable.output(name)))))
            })
    }

    /// Every output of the file's bytes.
    func evaluate(_ bytes: Data, _ size: Size, threshold: Float? = nil) throws -> [String: ONNXArray] {
        var values = inputs(size).mapValues { ONNXArray($0) }
        if let threshold { values["router.threshold"] = ONNXArray(.float, [1], [Double(threshold)]) }
        return try ONNXEvaluator(bytes).run(values)
    }
}

extension ONNXArray {
    /// A tensor of the engine: a feature map `[N, H, W, C]` as `[N, C, H, W]`, another as it is.
    init<Scalar>(_ tensor: Engine.Tensor<Scalar>, isMap: Bool = true) {
        let array = ONNXArray(.float, tensor.shape.sizes, tensor.elements.map(Double.init))
        self = isMap && array.rank == 4 ? array.permuted([0, 3, 1, 2]) : array
    }

    /// The largest difference to another array of these sizes; infinite where sizes or types differ or something is no number.
    func distance(to other: ONNXArray?) -> Double {
        guard let other, kind == other.kind, sizes == other.sizes else { return .infinity }
        return zip(elements, other.elements).reduce(0) { worst, pair in
            let difference = abs(pair.0 - pair.1)
            return difference.isNaN ? .infinity : max(worst, difference)
        }
    }
}
