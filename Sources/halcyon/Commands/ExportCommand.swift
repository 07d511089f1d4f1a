import ArgumentParser
import Deployment
import Documents
import Engine
import Foundation
import Networks
import Training

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes a network as an ONNX file for other programs, or its weights as safetensors.",
        discussion: """
            The ONNX file (opset \(ONNXExport.opset)) has the input image [N, C, H, W] in 0...1, with a noise map also noise-map \
            [N, 1, H, W] (sigma / 255), and the output denoised [N, C, H, W], which is not clamped. N, H and W are open unless \
            --size fixes them; a network that pads by reflection needs images of more than half its size-multiple. The \
            metadata_props hold the architecture, its hash and its input convention.

            A dynamic network is exported at full depth. --depths each writes a file for each depth, with -exit1, -exit2, ... \
            (the last is full depth) and -router before the ending; the router's output is what each earlier exit would lose, \
            in dB. A UNet++ with deep supervision is exported with all its nodes, or pruned to each exit by --depths each. \
            --depths routed writes one file that decides by itself, for one image at a time: its second output is the \
            exit, counted from 1, and its optional input router.threshold the loss in dB that is allowed (OpenVINO knows no \
            optional inputs and keeps the model's own).

            EXAMPLES
              halcyon export runs/quickstart#7 --onnx denoiser.onnx
              halcyon export runs/dynamic/model.h5 --onnx dynamic.onnx --depths routed
              halcyon export SearchSpaces/references/swin2x4x48.yaml --onnx swin.onnx --training --seed 3
              halcyon export runs/quickstart#7 --safetensors weights.safetensors
            """)

    enum Depths: String, ExpressibleByArgument, CaseIterable {
        case full, each, routed
    }

    @Argument(
        help: ArgumentHelp(
            "A model.h5, a .safetensors file with --architecture FILE, DIR#NUMBER, or an architecture, with weights from --seed.",
            valueName: "MODEL|ARCHITECTURE.yaml"))
    var source: String

    @Option(help: ArgumentHelp("The network of a .safetensors file.", valueName: "FILE")) var architecture: String?
    @Option(help: ArgumentHelp("The ONNX file to write.", valueName: "FILE")) var onnx: String?
    @Option(help: ArgumentHelp("A file for all parameters and buffers, by the names of the graph.", valueName: "FILE"))
    var safetensors: String?
    @Flag(help: "Keeps batch norm as nodes instead of folding it into convolutions; a dynamic network with all its outputs.")
    var training = false
    @Option(help: "Seed of an architecture's weights, the same as bench gradients --seed (default: 0).") var seed: UInt64?
    @Option(help: "Of a dynamic network: full, each or routed; of one with deep supervision: full or each.") var depths: Depths?
    @Option(help: ArgumentHelp("Fixes height and width; every shape is then a constant of the file.", valueName: "HxW")) var size:
        ImageSize?
    @Option(help: "With --size: fixes the number of images (default: 1).") var batch: Int?
    @Flag(help: "One JSON object a file.") var json = false

    func validate() throws {
        guard onnx != nil || safetensors != nil else {
            throw ValidationError("expected --onnx FILE, --safetensors FILE, or both")
        }
        guard onnx != nil || (!training && depths == nil && size == nil && batch == nil) else {
            throw ValidationError("--training, --depths, --size and --batch: only with --onnx FILE; weights are the same in any")
        }
        if let onnx, !onnx.hasSuffix(".onnx") {
            throw ValidationError("--onnx: expected a name that ends with .onnx, found \(onnx)")
        }
        if let safetensors, !safetensors.hasSuffix(".safetensors") {
            throw ValidationError("--safetensors: expected a name that ends with .safetensors, found \(safetensors)")
        }
        guard !training || depths == nil else {
            throw ValidationError("--depths: the training graph has all depths; leave one of the two out")
        }
        guard batch == nil || size != nil else {
            throw ValidationError("--batch: expected together with --size, which makes shapes constant")
        }
        if let batch, !(1...65536).contains(batch) { throw ValidationError("--batch: expected 1 to 65536, found \(batch)") }
        if depths == .routed, batch ?? 1 > 1 {
            throw ValidationError("--depths routed: decides for one image at a time; leave --batch out")
        }
    }

    func run() throws {
        let (architecture, store) = try load()
        guard depths == nil || depths == .full || architecture.exitCount > 1 else {
            throw InputError(file: source, "holds a static network, which has one depth", hint: "leave --depths out")
        }
        guard depths != .routed || architecture.isDynamic else {
            throw InputError(file: source, "has no router that decides the depth", hint: "write --depths each")
        }
        if let size { try checkSizes(height: size.height, width: size.width, batch: batch ?? 1) }
        // All are made before one is written: what cannot be exported, or cannot be written, leaves nothing behind.
        let parts = onnx.map { onnxParts(of: architecture, $0) } ?? []
        for path in parts.map(\.path) + [safetensors].compactMap({ $0 }) { try checkWritable(path) }
        let files = try onnxFiles(architecture, store.tensors, parts)
        if let safetensors {
            let metadata: [(key: String, value: String)] = [
                ("architecture_hash", architecture.architectureHash), ("architecture", architecture.canonicalDocument.json),
            ]
            try SafetensorsFile.write(store.namedTensors, metadata: metadata, to: safetensors)
            report(safetensors, architecture, [("tensors", .int(store.names.count))], "\(store.names.count) tensors")
        }
        for (path, bytes) in files {
            try replaceFile(path, with: bytes)
            report(path, architecture, [("bytes", .int(bytes.count))], "opset \(ONNXExport.opset), \(bytes.count) bytes")
        }
    }

    private func onnxFiles(
        _ architecture: Architecture, _ tensors: [String: Tensor<Float>], _ parts: [(part: ONNXPart, path: String)]
    ) throws -> [(path: String, bytes: [UInt8])] {
        try parts.map { part, path in
            let export = ONNXExport(
                architecture, part, size: size.map { ($0.height, $0.width) }, batch: size == nil ? nil : batch ?? 1)
            do {
                return (path, [UInt8](try export.data(tensors)))
            } catch let error as InputError where error.location == nil {
                throw InputError(file: source, error.message, hint: error.hint)
            }
        }
    }

    private func load() throws -> (Architecture, ParameterStore) {
        let trial = try TrialReference(source)
        guard trial != nil || source.hasSuffix(".h5") || source.hasSuffix(".safetensors") else {
            guard self.architecture == nil else {
                throw InputError(
                    file: source, "is an architecture itself", hint: "leave --architecture out, or give a .safetensors file")
            }
            let architecture = try Architecture.load(source)
            return (architecture, ParameterStore(forChecks: try buildGraph(architecture).parameters, seed: seed ?? 0))
        }
        guard seed == nil else { throw InputError(file: source, "has weights of its own", hint: "leave --seed out") }
        let denoiser = try Denoiser.load(trial?.modelPath() ?? source, architecture: architecture.map(Architecture.load))
        return (denoiser.architecture, denoiser.parameters)
    }

    /// What is written, and where.
    private func onnxParts(of architecture: Architecture, _ path: String) -> [(part: ONNXPart, path: String)] {
        func named(_ suffix: String) -> String { path.dropLast(".onnx".count) + "-\(suffix).onnx" }
        if training { return [(.training, path)] }
        switch depths ?? .full {
        case .full: return [(.path(exit: architecture.exitCount - 1), path)]
        case .routed: return [(.routed, path)]
        case .each:
            let paths = (0..<architecture.exitCount).map { (ONNXPart.path(exit: $0), named("exit\($0 + 1)")) }
            return paths + (architecture.isDynamic ? [(.router, named("router"))] : [])
        }
    }

    private func report(_ path: String, _ architecture: Architecture, _ fields: [(String, Document)], _ text: String) {
        let head: [(String, Document)] = [("file", .string(path)), ("architecture_hash", .string(architecture.architectureHash))]
        print(json ? Document.object(head + fields).json : "\(path): \(architecture.name ?? architecture.family), \(text)")
    }
}
