import Documents

/// A 1x1 convolution with a gate in front of it and a smooth activation behind, as inference runs it (`fusePointwise`).
///
/// Inputs: the convolution's own and, where it is gated, the gate `[N, 1, 1, I]` that multiplies x. Output and MACs are those of the
/// convolution.
struct PointwiseConvolution: Operation {
    static let name = "pointwise-convolution"
    static let isDifferentiable = false
    var convolution: Convolution
    var isGated = false
    var activation: SmoothActivation.Kind?

    var attributes: Document {
        ["convolution": convolution.attributes, "gated": .bool(isGated), "activation": .string(activation?.rawValue ?? "none")]
    }

    static var samples: [OperationSample] {
        let residual = Convolution(addsResidual: true)
        return [
            OperationSample(PointwiseConvolution(convolution: Convolution(), isGated: true), [[3, 5, 3, 21], [6, 21, 1, 1], [3, 1, 1, 21]]),
            OperationSample(
                PointwiseConvolution(convolution: residual, isGated: true),
                [[1, 11, 9, 64], [32, 64, 1, 1], [32], [1, 11, 9, 32], [1, 1, 1, 64]]),
            OperationSample(
                PointwiseConvolution(convolution: Convolution(activation: .relu), isGated: true),
                [[2, 7, 6, 8], [19, 8, 1, 1], [19], [2, 1, 1, 8]]),
            OperationSample(
                PointwiseConvolution(convolution: residual, isGated: true, activation: .hardSwish),
                [[2, 4, 13, 9], [37, 9, 1, 1], [2, 4, 13, 37], [2, 1, 1, 9]]),
        ]
            + SmoothActivation.Kind.allCases.map {
                OperationSample(PointwiseConvolution(convolution: Convolution(), activation: $0), [[2, 7, 9, 12], [82, 12, 1, 1], [82]])
            }
    }

    private func own<Input>(_ inputs: [Input]) -> [Input] { isGated ? inputs.dropLast() : inputs }

    func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard PointwiseKernel.suits(inputs[1]) else { throw ShapeError("weights \(inputs[1]) are not of a wide 1x1 convolution") }
        if isGated { _ = try ChannelScale().outputShapes([inputs[0], inputs[inputs.count - 1]]) }
        return try convolution.outputShapes(own(inputs))
    }

    func macs(_ inputs: [Shape], _ outputs: [Shape]) -> Int { convolution.macs(inputs, outputs) }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        var operands = own(inputs)
        if isGated { operands[0] = combined(inputs[0], inputs[inputs.count - 1], *) }
        return convolution.reference(operands).map { y in activation.map { kind in y.map { kind.value($0) } } ?? y }
    }

    func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let operands = own(context.inputs)
        return PointwiseKernel(
            context, x: operands[0], y: context.outputs[0], weight: context.inputs[1].shape,
            hasBias: convolution.hasBias(operands.count), relu: convolution.activation == .relu,
            residual: convolution.addsResidual ? operands.last : nil, activation: activation, gate: isGated ? context.inputs.last : nil)
    }
}
