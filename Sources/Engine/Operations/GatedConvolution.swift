import CKernels
import Documents

/// A 1x1 convolution of x times a gate for each image and channel (`fuseGate`): neither the gated map nor its gradient is made.
///
/// Inputs: the convolution's own and the gate `[N, 1, 1, I]`. Output and MACs are those of the convolution.
package struct GatedConvolution: Operation {
    package static let name = "gated-convolution"
    var convolution: Convolution

    package var attributes: Document { ["convolution": convolution.attributes] }

    package static var samples: [OperationSample] {
        let residual = Convolution(addsResidual: true)
        return [
            OperationSample(GatedConvolution(convolution: Convolution()), [[3, 5, 3, 21], [6, 21, 1, 1], [3, 1, 1, 21]]),
            OperationSample(
                GatedConvolution(convolution: residual), [[1, 11, 9, 64], [32, 64, 1, 1], [32], [1, 11, 9, 32], [1, 1, 1, 64]]),
            OperationSample(
                GatedConvolution(convolution: Convolution(activation: .relu)), [[2, 7, 6, 8], [19, 8, 1, 1], [19], [2, 1, 1, 8]]),
            OperationSample(
                GatedConvolution(convolution: residual), [[2, 4, 13, 9], [37, 9, 1, 1], [2, 4, 13, 37], [2, 1, 1, 9]]),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard PointwiseKernel.suits(inputs[1]) else { throw ShapeError("weights \(inputs[1]) are not of a wide 1x1 convolution") }
        _ = try ChannelScale().outputShapes([inputs[0], inputs[inputs.count - 1]])
        return try convolution.outputShapes(inputs.dropLast())
    }

    package func macs(_ inputs: [Shape], _ outputs: [Shape]) -> Int { convolution.macs(inputs, outputs) }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        guard var upstream = builder.outputGradients[0] else { return builder.inputs.map { _ in nil } }
        if convolution.activation == .relu {
            upstream = builder.apply(RectifiedLinearGradient(), builder.outputs[0], upstream, name: "activation-gradient")
        }
        let (x, weight, gate) = (builder.inputs[0], builder.inputs[1], builder.inputs[builder.inputs.count - 1])
        let hasBias = convolution.hasBias(builder.inputs.count - 1)
        let dx = builder.apply(GatedInputGradient(), upstream, weight, gate, name: "input-gradient")
        let rest = builder.applyAll(GatedWeightGradient(hasBias: hasBias), x, upstream, weight, gate, name: "weight-gradient")
        return [dx] + rest.dropFirst() + (convolution.addsResidual ? [upstream] : []) + [rest[0]]
    }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        var own = Array(inputs.dropLast())
        own[0] = combined(inputs[0], inputs[inputs.count - 1], *)
        return convolution.reference(own)
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let own = context.inputs.dropLast()
        return PointwiseKernel(
            context, x: own[0], y: context.outputs[0], weight: own[1].shape, hasBias: convolution.hasBias(own.count),
            relu: convolution.activation == .relu, residual: convolution.addsResidual ? own.last : nil, gate: context.inputs.last)
    }
}

/// The gradient of a gated convolution with respect to x: the gate times the transposed convolution.
///
/// Inputs: dy `[N, H, W, O]`, weight `[O, I, 1, 1]`, gate `[N, 1, 1, I]`. Output: dx `[N, H, W, I]`.
package struct GatedInputGradient: Operation {
    package static let name = "gated-convolution-input-gradient"
    package static let isDifferentiable = false

    package static var samples: [OperationSample] {
        [
            OperationSample(GatedInputGradient(), [[2, 5, 4, 8], [8, 12, 1, 1], [2, 1, 1, 12]]),
            OperationSample(GatedInputGradient(), [[3, 9, 11, 35], [35, 81, 1, 1], [3, 1, 1, 81]]),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0].with(channels: inputs[1][1])] }

    package func macs(_ inputs: [Shape], _ outputs: [Shape]) -> Int { inputs[0].pixels * inputs[1].count }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let dGated = ConvolutionInputGradient(dilation: 1).reference(Array(inputs.dropLast()))[0]
        return [combined(dGated, inputs[2], *)]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        PointwiseKernel(
            context, x: context.inputs[0], y: context.outputs[0], weight: context.inputs[1].shape, isTransposed: true,
            gate: context.inputs[2], gatesOutput: true)
    }
}

/// The gradients of a gated convolution with respect to the gate, the weight and, where it has one, the bias, all from the products of
/// each image's x and dy.
///
/// Inputs: x `[N, H, W, I]`, dy `[N, H, W, O]`, weight `[O, I, 1, 1]`, gate `[N, 1, 1, I]`. Outputs: dgate `[N, 1, 1, I]`, dw
/// `[O, I, 1, 1]`, db `[O]`.
package struct GatedWeightGradient: Operation {
    package static let name = "gated-convolution-weight-gradient"
    package static let isDifferentiable = false
    var hasBias: Bool

    package var attributes: Document { ["bias": .bool(hasBias)] }
    package var outputCount: Int { hasBias ? 3 : 2 }

    package static var samples: [OperationSample] {
        [
            OperationSample(GatedWeightGradient(hasBias: true), [[2, 5, 4, 12], [2, 5, 4, 8], [8, 12, 1, 1], [2, 1, 1, 12]]),
            OperationSample(GatedWeightGradient(hasBias: true), [[3, 9, 11, 19], [3, 9, 11, 66], [66, 19, 1, 1], [3, 1, 1, 19]]),
            OperationSample(GatedWeightGradient(hasBias: false), [[5, 12, 13, 65], [5, 12, 13, 9], [9, 65, 1, 1], [5, 1, 1, 65]]),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        [inputs[3], inputs[2]] + (hasBias ? [[inputs[2][0]]] : [])
    }

    package func macs(_ inputs: [Shape], _ outputs: [Shape]) -> Int { inputs[0].pixels * inputs[2].count }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let (x, dy, weight, gate) = (inputs[0], inputs[1], inputs[2], inputs[3])
        let dGated = ConvolutionInputGradient(dilation: 1).reference([dy, weight])[0]
        let dGate = ChannelScaleGradient().reference([x, gate, dGated])[1]
        return [dGate] + ConvolutionWeightGradient(dilation: 1, hasBias: hasBias).reference([combined(x, gate, *), dy, weight])
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        PointwiseGradientKernel(
            context, x: context.inputs[0], dy: context.inputs[1], weight: context.inputs[2].shape, hasBias: hasBias,
            gate: context.inputs[3], dGate: context.outputs[0])
    }
}
