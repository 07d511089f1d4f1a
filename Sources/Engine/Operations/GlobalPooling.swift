import CKernels
import Documents

/// The mean of each channel of an image: `[N, H, W, C]` to `[N, 1, 1, C]`.
package struct GlobalAveragePooling: Operation {
    package static let name = "global-average-pooling"
    package init() {}
    package static var samples: [OperationSample] {
        [
            OperationSample(GlobalAveragePooling(), [[3, 5, 3, 7]]), OperationSample(GlobalAveragePooling(), [[1, 1, 1, 17]]),
            OperationSample(GlobalAveragePooling(), [[1, 17, 18, 66]]),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard inputs[0].rank == 4 else { throw ShapeError("global pooling of \(inputs[0])") }
        return [inputs[0].with(height: 1, width: 1)]
    }

    package func reach(_ inputs: [Shape]) -> Int? { nil }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        [builder.outputGradients[0].map { builder.apply(GlobalAveragePoolingGradient(), builder.inputs[0], $0) }]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] { [imageMeans(inputs[0])] }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, y) = (context.inputs[0], context.outputs[0])
        return FunctionKernel { o in
            halcyon_average_pool(
                x.shape.batch, x.shape.height * x.shape.width, x.shape.channels, o.inputs[0], x.pitch, o.outputs[0], y.pitch)
        }
    }
}

/// dx = dy / (H W) in every pixel. Inputs: x (for its shape), dy `[N, 1, 1, C]`.
package struct GlobalAveragePoolingGradient: Operation {
    package static let name = "global-average-pooling-gradient"
    package static let isDifferentiable = false
    package static var samples: [OperationSample] {
        [OperationSample(GlobalAveragePoolingGradient(), [[3, 5, 3, 7], [3, 1, 1, 7]])]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let pixels = Scalar(inputs[0].shape.height * inputs[0].shape.width)
        return [combined(Tensor(inputs[0].shape), inputs[1]) { $1 / pixels }]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (dy, dx) = (context.inputs[1], context.outputs[0])
        return FunctionKernel { o in
            halcyon_average_pool_backward(
                dx.shape.batch, dx.shape.height * dx.shape.width, dx.shape.channels, o.inputs[1], dy.pitch, o.outputs[0], dx.pitch)
        }
    }
}

/// An activation and the means of its output in one pass: x `[N, H, W, C]` to act(x) and `[N, 1, 1, C]`. What
/// `fuseSmoothActivation` makes of the front of a squeeze-and-excite gate.
package struct ActivatedPooling: Operation {
    package static let name = "activated-pooling"
    package var kind: SmoothActivation.Kind

    package init(_ kind: SmoothActivation.Kind) { self.kind = kind }

    package var attributes: Document { ["kind": .string(kind.rawValue)] }
    package var outputCount: Int { 2 }
    package var inPlaceInput: Int? { 0 }
    package static var samples: [OperationSample] {
        SmoothActivation.Kind.allCases.map { OperationSample(ActivatedPooling($0), [[3, 5, 3, 21]]) }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0], inputs[0].with(height: 1, width: 1)] }

    package func reach(_ inputs: [Shape]) -> Int? { nil }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        let x = builder.inputs[0]
        switch (builder.outputGradients[0], builder.outputGradients[1]) {
        case (nil, nil): return [nil]
        case (let dy?, nil): return [builder.apply(SmoothActivationGradient(kind), x, dy)]
        case (nil, let dmean?):
            let dy = builder.apply(GlobalAveragePoolingGradient(), x, dmean, name: "pooling-gradient")
            return [builder.apply(SmoothActivationGradient(kind), x, dy)]
        case (let dy?, let dmean?): return [builder.apply(ActivatedPoolingGradient(kind), x, dy, dmean)]
        }
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let y = inputs[0].map { kind.value($0) }
        return [y, imageMeans(y)]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, y, mean, code) = (context.inputs[0], context.outputs[0], context.outputs[1], SmoothActivation.Kind.code(kind))
        return FunctionKernel { o in
            halcyon_activated_pool(
                x.shape.batch, x.shape.height * x.shape.width, x.shape.channels, code, o.inputs[0], x.pitch, o.outputs[0], y.pitch,
                o.outputs[1], mean.pitch)
        }
    }
}

/// dx = (dy + dmean / (H W)) act'(x). Inputs: x, dy, dmean `[N, 1, 1, C]`.
package struct ActivatedPoolingGradient: Operation {
    package static let name = "activated-pooling-gradient"
    package static let isDifferentiable = false
    package var kind: SmoothActivation.Kind

    package init(_ kind: SmoothActivation.Kind) { self.kind = kind }

    package var attributes: Document { ["kind": .string(kind.rawValue)] }
    package var inPlaceInput: Int? { 1 }
    package static var samples: [OperationSample] {
        SmoothActivation.Kind.allCases.map {
            OperationSample(ActivatedPoolingGradient($0), [[3, 5, 3, 21], [3, 5, 3, 21], [3, 1, 1, 21]])
        }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let pixels = Scalar(inputs[0].shape.height * inputs[0].shape.width)
        let sum = combined(inputs[1], inputs[2]) { $0 + $1 / pixels }
        return [Tensor.zip(inputs[0], sum) { x, gradient in gradient * kind.derivative(x) }]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, dy, dmean, dx) = (context.inputs[0], context.inputs[1], context.inputs[2], context.outputs[0])
        let code = SmoothActivation.Kind.code(kind)
        return FunctionKernel { o in
            halcyon_activated_pool_backward(
                x.shape.batch, x.shape.height * x.shape.width, x.shape.channels, code, o.inputs[0], x.pitch, o.inputs[1], dy.pitch,
                o.inputs[2], dmean.pitch, o.outputs[0], dx.pitch)
        }
    }
}

private func imageMeans<Scalar: ReferenceScalar>(_ x: Tensor<Scalar>) -> Tensor<Scalar> {
    let (pixels, channels) = (x.shape.height * x.shape.width, x.shape.channels)
    var means = Tensor<Scalar>(x.shape.with(height: 1, width: 1))
    for (index, value) in x.elements.enumerated() {
        means.elements[index / (pixels * channels) * channels + index % channels] += value / Scalar(pixels)
    }
    return means
}

/// Each element of `[N, H, W, C]` with the one of its image and channel in `[N, 1, 1, C]`.
func combined<Scalar: ReferenceScalar>(
    _ x: Tensor<Scalar>, _ ofImages: Tensor<Scalar>, _ combine: (Scalar, Scalar) -> Scalar
) -> Tensor<Scalar> {
    let (pixels, channels) = (x.shape.height * x.shape.width, x.shape.channels)
    return Tensor(
        x.shape,
        x.elements.enumerated().map { index, value in
            combine(value, ofImages.elements[index / (pixels * channels) * channels + index % channels])
        })
}
