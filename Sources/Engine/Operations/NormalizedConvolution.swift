import CKernels
import Documents

/// A 3x3 convolution of a training pass' batch norm with a ReLU of x, which is applied as x is read (`fuseNormalization`): the
/// normalized map is never made.
///
/// Inputs: the convolution's own, of which the first is the x that is normalized, then gamma, beta, mean and inverse deviation `[I]`.
/// Output and MACs are those of the convolution.
package struct NormalizedConvolution: Operation {
    package static let name = "normalized-convolution"
    package static let isDifferentiable = false
    package var convolution: Convolution

    package var attributes: Document { ["convolution": convolution.attributes] }

    package static var samples: [OperationSample] {
        func sample(_ convolution: Convolution, _ own: [Shape]) -> OperationSample {
            normalizedSample(NormalizedConvolution(convolution: convolution), own)
        }
        return [
            sample(Convolution(), [[2, 9, 13, 16], [32, 16, 3, 3]]), sample(Convolution(), [[3, 7, 5, 5], [17, 5, 3, 3], [17]]),
            sample(Convolution(activation: .relu), [[1, 13, 10, 33], [50, 33, 3, 3], [50]]),
            sample(Convolution(activation: .relu, addsResidual: true), [[1, 9, 11, 8], [5, 8, 3, 3], [1, 9, 11, 5]]),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        try checkNormalized(inputs, weight: inputs[1], dilation: convolution.dilation)
        return try convolution.outputShapes(inputs.dropLast(4))
    }

    package func reach(_ inputs: [Shape]) -> Int? { convolution.reach(inputs) }
    package func macs(_ inputs: [Shape], _ outputs: [Shape]) -> Int { convolution.macs(inputs, outputs) }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        convolution.reference(normalized(inputs))
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let own = context.inputs.dropLast(4)
        return Convolution3Kernel(
            .forward, context, x: own[0], y: context.outputs[0], weight: own[1].shape, hasBias: convolution.hasBias(own.count),
            relu: convolution.activation == .relu, residual: convolution.addsResidual ? own.last : nil, isNormalized: true)
    }
}

/// The gradients of a normalized convolution with respect to its weight and, where it has one, its bias.
///
/// Inputs: x `[N, H, W, I]`, dy `[N, H, W, O]`, weight `[O, I, 3, 3]` (for its shape), gamma, beta, mean and inverse deviation `[I]`.
/// Outputs: dw `[O, I, 3, 3]`, db `[O]`.
package struct NormalizedWeightGradient: Operation {
    package static let name = "normalized-convolution-weight-gradient"
    package static let isDifferentiable = false
    package var gradient: ConvolutionWeightGradient

    package var attributes: Document { gradient.attributes }
    package var outputCount: Int { gradient.outputCount }

    package static var samples: [OperationSample] {
        func sample(hasBias: Bool, _ own: [Shape]) -> OperationSample {
            let gradient = ConvolutionWeightGradient(dilation: 1, hasBias: hasBias)
            return normalizedSample(NormalizedWeightGradient(gradient: gradient), own)
        }
        return [
            sample(hasBias: true, [[2, 6, 7, 16], [2, 6, 7, 32], [32, 16, 3, 3]]),
            sample(hasBias: false, [[3, 13, 10, 33], [3, 13, 10, 50], [50, 33, 3, 3]]),
            sample(hasBias: true, [[1, 9, 11, 5], [1, 9, 11, 6], [6, 5, 3, 3]]),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        try checkNormalized(inputs, weight: inputs[2], dilation: gradient.dilation)
        return try gradient.outputShapes(inputs.dropLast(4))
    }

    package func macs(_ inputs: [Shape], _ outputs: [Shape]) -> Int { gradient.macs(inputs, outputs) }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        gradient.reference(normalized(inputs))
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        Convolution3Kernel(
            .weightGradient, context, x: context.inputs[0], y: context.inputs[1], weight: context.inputs[2].shape,
            hasBias: gradient.hasBias, relu: false, isNormalized: true)
    }
}

/// The operation's own inputs, the first one normalized.
private func normalized<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
    RenewedNormalization(activation: .relu).reference([inputs[0]] + inputs.suffix(4)) + inputs.dropFirst().dropLast(4)
}

private func normalizedSample(_ operation: any Operation, _ own: [Shape]) -> OperationSample {
    OperationSample(operation, own + [Shape](repeating: [own[0].channels], count: 4), positive: [own.count + 3])
}

private func checkNormalized(_ inputs: [Shape], weight: Shape, dilation: Int) throws {
    guard Convolution3Kernel.suits(weight: weight, dilation: dilation) else {
        throw ShapeError("weights \(weight) are not of a wide 3x3 convolution")
    }
    guard inputs.suffix(4).allSatisfy({ $0 == [inputs[0].channels] }) else {
        throw ShapeError("batch normalization of \(inputs[0]) with \(inputs.suffix(4))")
    }
}
