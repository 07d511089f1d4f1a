import Deployment
import Engine
import RandomStreams
import Testing

/// Every operation of the catalogue as ONNX nodes, over all its samples.
@Suite struct ONNXOperationLaws {
    /// What no file of a network holds: losses, what only networks of metrics have, what only a rewrite of the compiler makes, and what the exporter computes itself.
    static let withoutForm: Set<String> = [
        PixelLoss.name, ImageLoss.name, SimilarityLoss.name, QualityGap.name, DepthRouting.name, ActivatedPooling.name, FoldedWeight.name,
        FoldedBias.name, GatedConvolution.name, MirroredBorder.name, Subsampling.name, WindowMaximum.name,
    ]

    @Test func everyForwardOperationHasAForm() {
        for kind in operationCatalogue {
            let hasForm = kind is any ONNXOperation.Type
            let isExempt = Self.withoutForm.contains(kind.name)
            #expect(!(hasForm && isExempt), "\(kind.name) has an ONNX form: take it from the list `withoutForm` of this suite")
            guard kind.isDifferentiable, !isExempt else { continue }
            #expect(
                hasForm,
                """
                networks with \(kind.name) cannot be exported: make it an ONNXOperation in Sources/Deployment/ONNX, or, where no \
                exported network can hold it, name it in `withoutForm` of this suite
                """)
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var kind: any Operation.Type
        var sample: OperationSample
        var testDescription: String {
            "\(kind.name) \(sample.operation.attributes.json): \(sample.inputs.map(\.description).joined(separator: " "))"
        }
    }

    /// A file only infers: batch norm reads its running statistics.
    static let cases: [Case] = operationCatalogue.filter { $0 is any ONNXOperation.Type }.flatMap { kind in
        kind.samples.filter { ($0.operation as? BatchNormalization)?.statistics != .batch }.map { Case(kind: kind, sample: $0) }
    }

    /// Feature maps are inputs; weights, vectors and tables are parameters.
    @Test(arguments: cases) func theNodesComputeWhatTheTwinDoes(_ item: Case) throws {
        let operation = item.sample.operation
        let isConvolution = operation is Convolution || operation is DepthwiseConvolution
        var graph = Graph()
        var inputs: [ValueID] = []
        var values: [Tensor<Double>] = []
        var shapes: [String: Shape] = [:]
        var tensors: [String: Tensor<Float>] = [:]
        var maps: [String: ONNXArray] = [:]
        for (index, shape) in item.sample.inputs.enumerated() {
            var stream = RandomStream(seed: 23).split(index)
            let isPositive = item.sample.positiveInputs.contains(index)
            // Beyond 3 on both sides, where the hard activations bend; as Float32, which the file holds.
            let elements = (0..<shape.count).map { _ in
                Double(Float(isPositive ? stream.uniform(0.5, 1.5) : stream.uniform(-4, 4)))
            }
            values.append(Tensor(shape, elements))
            let name = "x\(index)"
            if shape.rank == 4, !isConvolution || index != 1 {
                inputs.append(graph.input(name, channels: shape.channels))
                shapes[name] = shape
                maps[name] = ONNXArray(values[index])
            } else {
                inputs.append(graph.parameter(name, shape: shape, initializer: .constant(0)))
                tensors[name] = Tensor(shape, elements.map { Float($0) })
            }
        }
        let output = graph.apply(operation, inputs, path: "operation")[0]
        graph.outputs.append(("y", output))
        let expected = ONNXArray(operation.reference(values)[0])
        let scale = max(1, expected.elements.map(abs).max() ?? 0)
        for isStatic in [false, true] {
            var writer = ONNXGraphWriter(graph, shapes: try graph.shapes(inputs: shapes), tensors: tensors, isStatic: isStatic)
            var model = Onnx_ModelProto()
            model.graph = try writer.whole()
            // Only the rank of an output can be declared wrongly by this seam, and a map is what networks have.
            if expected.rank != 4 { model.graph.output[0].type.tensorType.shape.dim = expected.sizes.map { _ in .init() } }
            let found = try ONNXEvaluator(model.serializedData()).run(maps)
            #expect(expected.distance(to: found["y"]) <= 2e-6 * scale, "static: \(isStatic)")
        }
    }
}
