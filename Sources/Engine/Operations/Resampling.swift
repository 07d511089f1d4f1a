import CKernels
import Documents

/// 2x2 maximum, stride 2, even sizes: `[N, H, W, C]` to `[N, H/2, W/2, C]`.
package struct MaxPooling: Operation {
    package static let name = "max-pooling"
    package init() {}
    package static var samples: [OperationSample] {
        [OperationSample(MaxPooling(), [[2, 4, 6, 3]]), OperationSample(MaxPooling(), [[1, 6, 2, 17]])]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard inputs[0].rank == 4, inputs[0].height % 2 == 0, inputs[0].width % 2 == 0 else {
            throw ShapeError("2x2 pooling needs even sizes, found \(inputs[0])")
        }
        return [inputs[0].with(height: inputs[0].height / 2, width: inputs[0].width / 2)]
    }

    package func reach(_ inputs: [Shape]) -> Int? { 1 }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        [builder.outputGradients[0].map { builder.apply(MaxPoolingGradient(), builder.inputs[0], $0) }]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let x = inputs[0]
        var y = Tensor<Scalar>(x.shape.with(height: x.shape.height / 2, width: x.shape.width / 2))
        forEachWindow(x) { corners, target in y.elements[target] = corners.map { x.elements[$0] }.max()! }
        return [y]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, y) = (context.inputs[0], context.outputs[0])
        return FunctionKernel { o in
            halcyon_max_pool2(
                x.shape.batch, x.shape.height, x.shape.width, x.shape.channels, o.inputs[0], x.pitch, o.outputs[0], y.pitch)
        }
    }
}

/// dy goes to each window's first maximum. Inputs: x, dy.
package struct MaxPoolingGradient: Operation {
    package static let name = "max-pooling-gradient"
    package static let isDifferentiable = false
    package static var samples: [OperationSample] { [OperationSample(MaxPoolingGradient(), [[2, 4, 6, 3], [2, 2, 3, 3]])] }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let (x, dy) = (inputs[0], inputs[1])
        var dx = Tensor<Scalar>(x.shape)
        forEachWindow(x) { corners, target in
            var best = corners[0]
            for corner in corners where x.elements[corner] > x.elements[best] { best = corner }
            dx.elements[best] = dy.elements[target]
        }
        return [dx]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, dy, dx) = (context.inputs[0], context.inputs[1], context.outputs[0])
        return FunctionKernel { o in
            halcyon_max_pool2_backward(
                x.shape.batch, x.shape.height, x.shape.width, x.shape.channels, o.inputs[0], x.pitch, o.inputs[1], dy.pitch,
                o.outputs[0], dx.pitch)
        }
    }
}

/// Visits the four corners (row-major) of each 2x2 window and its output element.
private func forEachWindow<Scalar>(_ x: Tensor<Scalar>, _ visit: ([Int], Int) -> Void) {
    let (height, width, channels) = (x.shape.height / 2, x.shape.width / 2, x.shape.channels)
    for n in 0..<x.shape.batch {
        for h in 0..<height {
            for w in 0..<width {
                for c in 0..<channels {
                    let corners = [(0, 0), (0, 1), (1, 0), (1, 1)].map { x.pixel(n, 2 * h + $0.0, 2 * w + $0.1) + c }
                    visit(corners, ((n * height + h) * width + w) * channels + c)
                }
            }
        }
    }
}

/// Bilinear enlargement by 2, half-pixel centres, edges clamped: `[N, H, W, C]` to `[N, 2H, 2W, C]`.
package struct Upsampling: Operation {
    package static let name = "upsampling"
    package init() {}
    package static var samples: [OperationSample] {
        [OperationSample(Upsampling(), [[2, 3, 5, 3]]), OperationSample(Upsampling(), [[1, 1, 2, 17]])]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        [inputs[0].with(height: inputs[0].height * 2, width: inputs[0].width * 2)]
    }

    package func reach(_ inputs: [Shape]) -> Int? { 1 }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        [builder.outputGradients[0].map { builder.apply(UpsamplingGradient(), $0) }]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let x = inputs[0]
        var y = Tensor<Scalar>(x.shape.with(height: x.shape.height * 2, width: x.shape.width * 2))
        forEachUpsamplingTap(x.shape) { source, target, weight in y.elements[target] += Scalar(weight) * x.elements[source] }
        return [y]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, y) = (context.inputs[0], context.outputs[0])
        return FunctionKernel { o in
            halcyon_upsample2(
                x.shape.batch, x.shape.height, x.shape.width, x.shape.channels, o.inputs[0], x.pitch, o.outputs[0], y.pitch)
        }
    }
}

/// The transpose of `Upsampling`: `[N, 2H, 2W, C]` to `[N, H, W, C]`.
package struct UpsamplingGradient: Operation {
    package static let name = "upsampling-gradient"
    package static let isDifferentiable = false
    package static var samples: [OperationSample] { [OperationSample(UpsamplingGradient(), [[2, 6, 10, 5]])] }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        [inputs[0].with(height: inputs[0].height / 2, width: inputs[0].width / 2)]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let dy = inputs[0]
        var dx = Tensor<Scalar>(dy.shape.with(height: dy.shape.height / 2, width: dy.shape.width / 2))
        forEachUpsamplingTap(dx.shape) { source, target, weight in dx.elements[source] += Scalar(weight) * dy.elements[target] }
        return [dx]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (dy, dx) = (context.inputs[0], context.outputs[0])
        return FunctionKernel { o in
            halcyon_upsample2_backward(
                dx.shape.batch, dx.shape.height, dx.shape.width, dx.shape.channels, o.inputs[0], dy.pitch, o.outputs[0], dx.pitch)
        }
    }
}

/// Visits (source element, target element, weight) of every tap of bilinear enlargement by 2 of a map of shape `x`.
private func forEachUpsamplingTap(_ x: Shape, _ visit: (Int, Int, Double) -> Void) {
    func taps(_ position: Int, _ size: Int) -> [(Int, Double)] {
        let centre = max(0, (Double(position) + 0.5) / 2 - 0.5)
        let low = Int(centre)
        let high = min(low + 1, size - 1)
        let fraction = centre - Double(low)
        return [(low, 1 - fraction), (high, fraction)]
    }
    let channels = x.channels
    for n in 0..<x.batch {
        for h in 0..<2 * x.height {
            for w in 0..<2 * x.width {
                for (row, rowWeight) in taps(h, x.height) {
                    for (column, columnWeight) in taps(w, x.width) {
                        for c in 0..<channels {
                            let source = ((n * x.height + row) * x.width + column) * channels + c
                            let target = ((n * 2 * x.height + h) * 2 * x.width + w) * channels + c
                            visit(source, target, rowWeight * columnWeight)
                        }
                    }
                }
            }
        }
    }
}
