import Documents

/// A 1x1 convolution with a smooth activation behind it, as inference runs it (`fusePointwise`). Inputs, output and MACs are those of the
/// convolution.
struct PointwiseConvolution: Operation {
    static let name = "pointwise-convolution"
    static let isDifferentiable = false
    var convolution: Convolution
    var activation: SmoothActivation.Kind

    var attributes: Document { ["convolution": convolution.attributes, "activation": .string(activation.rawValue)] }

    static var samples: [OperationSample] {
        let residual = PointwiseConvolution(convolution: Convolution(addsResidual: true), activation: .hardSwish)
        return [OperationSample(residual, [[2, 4, 13, 9], [37, 9, 1, 1], [2, 4, 13, 37]])]
            + SmoothActivation.Kind.allCases.map {
                OperationSample(PointwiseConvolution(convolution: Convolution(), activation: $0), [[2, 7, 9, 12], [82, 12, 1, 1], [82]])
            }
    }

    func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard PointwiseKernel.suits(inputs[1]) else { throw ShapeError("weights \(inputs[1]) are not of a wide 1x1 convolution") }
        return try convolution.outputShapes(inputs)
    }

    func macs(_ inputs: [Shape], _ outputs: [Shape]) -> Int { convolution.macs(inputs, outputs) }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        convolution.reference(inputs).map { $0.map { activation.value($0) } }
    }

    func makeKernel(_ context: KernelContext) throws -> any Kernel {
        PointwiseKernel(
            context, x: context.inputs[0], y: context.outputs[0], weight: context.inputs[1].shape,
            hasBias: convolution.hasBias(context.inputs.count), relu: convolution.activation == .relu,
            residual: convolution.addsResidual ? context.inputs.last : nil, activation: activation)
    }
}
