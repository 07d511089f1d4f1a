import Documents
import Engine
import Foundation
import Networks

/// What of a network becomes an ONNX file.
package enum ONNXPart: Sendable, Hashable {
    /// From the image to the image of an exit, counted from 0: batch norm folded.
    case path(exit: Int)
    /// From the image to the gaps in dB that a dynamic network's router foretells.
    case router
    /// All exits of a dynamic network: the router's gaps and the threshold decide by `If` what is run. Batch 1.
    case routed
    /// Every output, batch norm kept.
    case training
}

/// An ONNX model of a network (opset 17, IR version 8, Float32).
///
/// Input `image` `[N, C, H, W]` in 0...1 and, where the network has one, `noise-map` `[N, 1, H, W]`, sigma / 255; output `denoised`
/// as large as the image (`router`: `[N, K - 1, 1, 1]`; `routed`: also `exit`, counted from 1, and the optional input
/// `router.threshold`). N, H and W are open unless `size` and `batch` fix them. The initialisers are parameters and buffers under
/// the graph's names, nodes are named by their block's path, and `metadata_props` hold the architecture and its input convention.
package struct ONNXExport: Sendable {
    package static let opset = 17
    package static let irVersion = 8
    /// Protocol buffers end at 2 GiB; the rest of the file is small.
    static let largestCount = (1 << 29) - (1 << 20)

    package var architecture: Architecture
    package var part: ONNXPart
    package var height: Int?
    package var width: Int?
    package var batch: Int?

    /// - Parameter size: fixes height and width, with `batch` also N; every shape is then a constant of the file.
    package init(_ architecture: Architecture, _ part: ONNXPart, size: (height: Int, width: Int)? = nil, batch: Int? = nil) {
        self.architecture = architecture
        self.part = part
        height = size?.height
        width = size?.width
        self.batch = part == .routed ? 1 : batch
    }

    /// The file's bytes.
    /// - Parameter tensors: every parameter and buffer by name.
    /// - Throws: `InputError` where the network cannot take the size, or is too large for a file.
    package func data(_ tensors: [String: Tensor<Float>]) throws -> Data { try model(tensors).serializedData() }

    private func model(_ tensors: [String: Tensor<Float>]) throws -> Onnx_ModelProto {
        let graph = try self.graph()
        try checkCount(graph)
        var model = Onnx_ModelProto()
        model.irVersion = Int64(Self.irVersion)
        model.producerName = Release.program
        model.producerVersion = Release.version
        var opset = Onnx_OperatorSetIdProto()
        opset.domain = ""
        opset.version = Int64(Self.opset)
        model.opsetImport = [opset]
        model.metadataProps = metadata.map { key, value in
            var entry = Onnx_StringStringEntryProto()
            (entry.key, entry.value) = (key, value)
            return entry
        }
        var writer = ONNXGraphWriter(graph, shapes: try shapes(of: graph), tensors: tensors, isStatic: height != nil)
        model.graph = try part == .routed ? writer.routed(exits: architecture.exitValues(of: graph)) : writer.whole()
        model.graph.name = architecture.name ?? architecture.family
        model.graph.input = graph.inputs.map { ValueInfo.map($0.name, batch: batch, $0.channels, height, width) }
        if part == .routed { model.graph.input.append(ValueInfo.list(DynamicSkeleton.thresholdName, .float, [1])) }
        model.graph.output = outputs(of: model.graph)
        return model
    }

    private func graph() throws -> Graph {
        switch part {
        case .path(let exit): foldBatchNormalization.apply(try architecture.inferenceGraph(exit: exit))
        case .router: foldBatchNormalization.apply(try architecture.routerGraph())
        case .routed: foldBatchNormalization.apply(try buildGraph(architecture).forInference())
        case .training: try buildGraph(architecture).forInference()
        }
    }

    /// Before anything is copied: what the file holds of the network.
    private func checkCount(_ graph: Graph) throws {
        let live = graph.ancestors(of: graph.outputs.map(\.value))
        let count = graph.values.enumerated().reduce(0) { sum, value in
            guard live.contains(value.offset), case .parameter(let number) = value.element else { return sum }
            return sum + graph.parameters[number].shape.count
        }
        guard count <= Self.largestCount else {
            throw InputError(
                "the network's \(count) parameters do not fit into an ONNX file, which ends at 2 GiB",
                hint: "export a narrower network")
        }
    }

    /// Shapes at the size of the file or, where that is open, at one that the network takes: ranks and channels are the same.
    private func shapes(of graph: Graph) throws -> [Shape] {
        let multiple = architecture.network.sizeMultiple
        let inputs = architecture.inputShapes(height: height ?? multiple, width: width ?? multiple, batch: batch ?? 1)
        do {
            return try graph.shapes(inputs: inputs)
        } catch let error as ShapeError {
            throw InputError(
                "the network cannot take images of \(height ?? multiple)x\(width ?? multiple): \(error.description)",
                hint: "use a larger size")
        }
    }

    private func outputs(of graph: Onnx_GraphProto) -> [Onnx_ValueInfoProto] {
        graph.output.map { output in
            switch output.name {
            case ONNXGraphWriter.exitName: output
            case "router": ValueInfo.map(output.name, batch: batch, architecture.exitCount - 1, 1, 1)
            default: ValueInfo.map(output.name, batch: batch, architecture.network.inputChannels, height, width)
            }
        }
    }

    /// What a program must know to use the file, in the words of the architecture's YAML.
    private var metadata: [(String, String)] {
        let network = architecture.network
        var rows = [
            ("architecture_hash", architecture.architectureHash), ("architecture", architecture.canonicalDocument.json),
            ("family", architecture.family), ("input-channels", "\(network.inputChannels)"),
            ("noise-map", "\(network.hasNoiseMap)"),
            ("predicts", network.predicts.rawValue), ("pixel-unshuffle", "\(network.pixelUnshuffle)"),
            ("size-multiple", "\(network.sizeMultiple)"), ("padding", network.padding.rawValue),
            ("layout", "NCHW"), ("range", "0...1; the output is not clamped"),
            ("batch-normalization", part == .training ? "kept" : "folded"),
        ]
        if network.hasNoiseMap { rows.append(("noise-map-value", "sigma / 255")) }
        switch part {
        case .path(let exit) where architecture.exitCount > 1: rows.append(("depth", "exit \(exit + 1) of \(architecture.exitCount)"))
        case .router: rows.append(("depth", "the router: gaps in dB of exits 1 to \(architecture.exitCount - 1) to full depth"))
        case .routed: rows.append(("depth", "chosen by the router among \(architecture.exitCount) exits"))
        default: break
        }
        return rows
    }
}

/// Types of a graph's inputs and outputs.
enum ValueInfo {
    /// A feature map `[N, channels, H, W]`; sizes that are nil are open.
    static func map(_ name: String, batch: Int?, _ channels: Int, _ height: Int?, _ width: Int?) -> Onnx_ValueInfoProto {
        info(name, .float, [(batch, "N"), (channels, ""), (height, "H"), (width, "W")])
    }

    /// A feature map of open sizes.
    static func anyMap(_ name: String) -> Onnx_ValueInfoProto {
        info(name, .float, ["N", "C", "H", "W"].map { (nil, $0) })
    }

    static func list(_ name: String, _ type: Onnx_TensorProto.DataType, _ sizes: [Int]) -> Onnx_ValueInfoProto {
        info(name, type, sizes.map { ($0, "") })
    }

    private static func info(
        _ name: String, _ type: Onnx_TensorProto.DataType, _ sizes: [(known: Int?, name: String)]
    ) -> Onnx_ValueInfoProto {
        var info = Onnx_ValueInfoProto()
        info.name = name
        info.type.tensorType.elemType = Int32(type.rawValue)
        info.type.tensorType.shape.dim = sizes.map { size in
            var dimension = Onnx_TensorShapeProto.Dimension()
            dimension.value = size.known.map { .dimValue(Int64($0)) } ?? .dimParam(size.name)
            return dimension
        }
        return info
    }
}
