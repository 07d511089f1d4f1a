import Deployment
import Documents
import Engine
import Foundation
import Networks
import Testing

/// What every exported file is, beside what it computes.
@Suite struct ONNXStructureLaws {
    /// A file of each part of a few networks, open and of one size.
    static func files(
        _ space: String, _ check: (ExportedNetwork, ONNXPart, _ isStatic: Bool, Onnx_ModelProto, Comment) throws -> Void
    ) throws {
        for (number, architecture) in try ShippedNetworks.architectures(space).enumerated() {
            let network = try ExportedNetwork(architecture)
            let depths: [ONNXPart] = architecture.isDynamic ? [.path(exit: 0), .router, .routed] : []
            for part in depths + [.path(exit: architecture.exitCount - 1), .training] {
                for isStatic in [false, true] {
                    let size = number % 2 == 0 ? network.oddSize(batch: part == .routed ? 1 : 2) : network.wholeSize()
                    let model = try ONNXEvaluator(network.file(part, fixed: isStatic ? size : nil)).model
                    try check(
                        network, part, isStatic, model,
                        "\(part)\(isStatic ? ", static," : "") of \(number) of \(space): \(architecture.canonicalDocument.json)"
                    )
                }
            }
        }
    }

    /// The nodes of a graph and of the graphs within it.
    static func nodes(_ graph: Onnx_GraphProto) -> [Onnx_NodeProto] {
        graph.node.flatMap { node in [node] + node.attribute.filter { $0.type == .graph }.flatMap { nodes($0.g) } }
    }

    /// Each value is made once in the whole file, before it is read, and is read or an output; also in and across branches.
    @Test(arguments: ShippedNetworks.spaces) func valuesAreMadeOnceAndUsed(_ space: String) throws {
        try Self.files(space) { _, _, _, model, what in
            var made = Set(model.graph.input.map(\.name)).union(model.graph.initializer.map(\.name))
            var read: Set<String> = []
            #expect(Set(model.graph.initializer.map(\.name)).count == model.graph.initializer.count, what)
            func walk(_ graph: Onnx_GraphProto, _ around: Set<String>) {
                var visible = around
                for node in graph.node {
                    #expect(
                        node.input.allSatisfy { $0.isEmpty || visible.contains($0) },
                        "\(node.name) reads what is not made, \(what)")
                    read.formUnion(node.input)
                    for attribute in node.attribute where attribute.type == .graph {
                        #expect(attribute.g.input.isEmpty && attribute.g.initializer.isEmpty, what)
                        walk(attribute.g, visible)
                    }
                    for output in node.output { #expect(made.insert(output).inserted, "\(output) is made twice, \(what)") }
                    visible.formUnion(node.output)
                }
                let own = Set(graph.node.flatMap(\.output))
                #expect(graph.output.allSatisfy { own.contains($0.name) }, "an output is made elsewhere, \(what)")
                #expect(Set(graph.output.map(\.name)).count == graph.output.count, what)
                read.formUnion(graph.output.map(\.name))
            }
            walk(model.graph, made)
            #expect(made.subtracting(read).isEmpty, "never read: \(made.subtracting(read).sorted()), \(what)")
        }
    }

    /// Names are `block path/OpType`, with a number where that is taken.
    @Test(arguments: ShippedNetworks.spaces) func nodesAreNamedByTheirBlocks(_ space: String) throws {
        try Self.files(space) { network, part, isStatic, model, what in
            let nodes = Self.nodes(model.graph)
            let names = nodes.map(\.name)
            #expect(Set(names).count == names.count, what)
            var paths = Set(try buildGraph(network.architecture).nodes.map(\.path)).union(model.graph.output.map(\.name))
            if part == .routed { paths.formUnion(["router"] + (1...network.architecture.exitCount).map { "exit\($0)" }) }
            for node in nodes {
                let end = node.name.lastIndex(of: "/") ?? node.name.startIndex
                #expect(paths.contains(String(node.name[..<end])), "\(node.name), \(what)")
                let type = node.name[end...].dropFirst().split(separator: "_")
                #expect(
                    type[0] == node.opType && type.count <= 2 && type.dropFirst().allSatisfy { Int($0) ?? 0 > 1 },
                    "\(node.name), \(what)")
            }
            for norm in nodes where norm.opType == "BatchNormalization" {
                let values = Dictionary(uniqueKeysWithValues: norm.attribute.map { ($0.name, $0.f) })
                #expect(values == ["epsilon": 1e-5, "momentum": 0.9], "\(norm.name), \(what)")
            }
            if isStatic { #expect(!nodes.contains { $0.opType == "Shape" }, what) }
            #expect(
                part == .training || !nodes.contains { $0.opType == "BatchNormalization" && Self.isFoldable($0, nodes) }, what)
        }
    }

    /// Whether a batch norm reads a convolution's result that nothing else reads.
    private static func isFoldable(_ norm: Onnx_NodeProto, _ nodes: [Onnx_NodeProto]) -> Bool {
        let producer = nodes.first { $0.output.contains(norm.input[0]) }
        return producer?.opType == "Conv" && nodes.count { $0.input.contains(norm.input[0]) } == 1
    }

    /// The initialisers are what the network reads, under the graph's names and with the model's values, and nothing else.
    @Test(arguments: ShippedNetworks.spaces) func initialisersAreTheParameters(_ space: String) throws {
        try Self.files(space) { network, part, _, model, what in
            let tensors = network.parameters.tensors
            for initializer in model.graph.initializer {
                let found = try ONNXArray(initializer)
                if let tensor = tensors[initializer.name] {
                    #expect(found == ONNXArray(tensor, isMap: false), "\(initializer.name), \(what)")
                } else {
                    let original = initializer.name.replacingOccurrences(of: ".folded-weight", with: ".weight")
                    #expect(part != .training, what)
                    #expect(
                        tensors[original].map { $0.shape.sizes == found.sizes } ?? initializer.name.hasSuffix(".folded-bias"),
                        "\(initializer.name), \(what)")
                }
            }
            // No two nodes of a network share a parameter, and branches of a file do not repeat one another.
            let readers = Self.nodes(model.graph).flatMap { Set($0.input) }.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            for initializer in model.graph.initializer where initializer.name != DynamicSkeleton.thresholdName {
                #expect(readers[initializer.name] == 1, "\(initializer.name), \(what)")
            }
            let names = Set(model.graph.initializer.map(\.name))
            let threshold = DynamicSkeleton.thresholdName
            #expect(try names == Self.expectedNames(network, part), what)
            #expect(names.contains(threshold) == (part == .routed), what)
            if part == .training { #expect(names == Set(tensors.keys).subtracting([threshold]), what) }
        }
    }

    /// The parameters that a graph's nodes read; a folded one by its path.
    private static func expectedNames(_ network: ExportedNetwork, _ part: ONNXPart) throws -> Set<String> {
        let architecture = network.architecture
        let graph =
            switch part {
            case .path(let exit): foldBatchNormalization.apply(try architecture.inferenceGraph(exit: exit))
            case .router: foldBatchNormalization.apply(try architecture.routerGraph())
            case .routed: foldBatchNormalization.apply(try buildGraph(architecture).forInference())
            case .training: try buildGraph(architecture).forInference()
            }
        let live = graph.ancestors(of: graph.outputs.map(\.value))
        var names: Set<String> = part == .routed ? [DynamicSkeleton.thresholdName] : []
        for node in graph.nodes where live.contains(node.outputs[0].index) {
            if node.operation is FoldedWeight || node.operation is FoldedBias {
                names.insert(node.path)
                continue
            }
            for input in node.inputs {
                if case .parameter(let number) = graph.values[input.index] { names.insert(graph.parameters[number].name) }
            }
        }
        return names
    }

    /// What a program must know stands in the file; sizes that are open have names.
    @Test(arguments: ShippedNetworks.spaces) func theFileSaysWhatItIs(_ space: String) throws {
        try Self.files(space) { network, part, isStatic, model, what in
            let architecture = network.architecture
            let convention = architecture.network
            #expect(model.irVersion == 8 && model.opsetImport.map(\.version) == [17] && model.opsetImport[0].domain.isEmpty, what)
            #expect(model.producerName == Release.program && model.producerVersion == Release.version, what)
            let metadata = Dictionary(uniqueKeysWithValues: model.metadataProps.map { ($0.key, $0.value) })
            let expected = [
                "architecture_hash": architecture.architectureHash, "family": architecture.family,
                "input-channels": "\(convention.inputChannels)", "noise-map": "\(convention.hasNoiseMap)",
                "predicts": convention.predicts.rawValue, "size-multiple": "\(convention.sizeMultiple)",
                "padding": convention.padding.rawValue, "layout": "NCHW",
                "batch-normalization": part == .training ? "kept" : "folded",
            ]
            #expect(metadata.merging(expected) { $1 } == metadata, what)
            let written = try Architecture(Document.parse(metadata["architecture"] ?? "", file: "metadata"))
            #expect(written.architectureHash == architecture.architectureHash, what)

            let inputs = model.graph.input.map(\.name)
            #expect(
                inputs == ["image"] + (convention.hasNoiseMap ? ["noise-map"] : [])
                    + (part == .routed ? [DynamicSkeleton.thresholdName] : []), what)
            for value in model.graph.input + model.graph.output where value.type.tensorType.shape.dim.count == 4 {
                let names = value.type.tensorType.shape.dim.map(\.dimParam)
                let open = value.name == "router" ? ["N", "", "", ""] : [part == .routed ? "" : "N", "", "H", "W"]
                #expect(names == (isStatic ? ["", "", "", ""] : open), "\(value.name): \(names), \(what)")
            }
        }
    }
}
