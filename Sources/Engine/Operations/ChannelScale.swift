import CKernels
import Documents

/// x times a gate for each image and channel: x `[N, H, W, C]`, scale `[N, 1, 1, C]` (squeeze-and-excite, Hu et al. 2018).
package struct ChannelScale: Operation {
    package static let name = "channel-scale"
    package init() {}
    package var inPlaceInput: Int? { 0 }
    package static var samples: [OperationSample] {
        [
            OperationSample(ChannelScale(), [[3, 5, 3, 7], [3, 1, 1, 7]]), OperationSample(ChannelScale(), [[1, 2, 3, 64], [1, 1, 1, 64]]),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard inputs[0].rank == 4, inputs[1] == inputs[0].with(height: 1, width: 1) else {
            throw ShapeError("scale of \(inputs[0]) by \(inputs[1])")
        }
        return [inputs[0]]
    }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        guard let upstream = builder.outputGradients[0] else { return [nil, nil] }
        return builder.applyAll(ChannelScaleGradient(), builder.inputs[0], builder.inputs[1], upstream)
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        [combined(inputs[0], inputs[1], *)]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, scale, y) = (context.inputs[0], context.inputs[1], context.outputs[0])
        return FunctionKernel { o in
            halcyon_channel_scale(
                x.shape.batch, x.shape.height * x.shape.width, x.shape.channels, o.inputs[0], x.pitch, o.inputs[1], scale.pitch,
                o.outputs[0], y.pitch)
        }
    }
}

/// dx = dy scale and dscale = the sum of dy x over an image's pixels. Inputs: x, scale, dy.
package struct ChannelScaleGradient: Operation {
    package static let name = "channel-scale-gradient"
    package static let isDifferentiable = false
    package var outputCount: Int { 2 }
    package var inPlaceInput: Int? { 2 }
    package static var samples: [OperationSample] {
        [
            OperationSample(ChannelScaleGradient(), [[3, 5, 3, 7], [3, 1, 1, 7], [3, 5, 3, 7]]),
            OperationSample(ChannelScaleGradient(), [[1, 17, 16, 82], [1, 1, 1, 82], [1, 17, 16, 82]]),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0], inputs[1]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let (x, scale, dy) = (inputs[0], inputs[1], inputs[2])
        let (pixels, channels) = (x.shape.height * x.shape.width, x.shape.channels)
        var dscale = Tensor<Scalar>(scale.shape)
        for (index, value) in x.elements.enumerated() {
            dscale.elements[index / (pixels * channels) * channels + index % channels] += value * dy.elements[index]
        }
        return [combined(dy, scale, *), dscale]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, scale, dy) = (context.inputs[0], context.inputs[1], context.inputs[2])
        let (dx, dscale) = (context.outputs[0], context.outputs[1])
        return FunctionKernel { o in
            halcyon_channel_scale_backward(
                x.shape.batch, x.shape.height * x.shape.width, x.shape.channels, o.inputs[0], x.pitch, o.inputs[1], scale.pitch,
                o.inputs[2], dy.pitch, o.outputs[0], dx.pitch, o.outputs[1], dscale.pitch)
        }
    }
}
