import Documents

/// Every s-th pixel of every s-th row, from `margin` pixels inside on: `[N, H, W, C]` to `[N, ⌈(H - 2m) / s⌉, ⌈(W - 2m) / s⌉, C]`.
///
/// After a convolution that keeps the size, it makes one of stride s and padding K / 2 - m.
package struct Subsampling: Operation {
    package static let name = "subsampling"
    /// m: what is left out on each side.
    package var margin: Int
    /// s.
    package var stride: Int

    package init(margin: Int, stride: Int) {
        precondition(margin >= 0 && stride > 0)
        self.margin = margin
        self.stride = stride
    }

    package var attributes: Document { ["margin": .int(margin), "stride": .int(stride)] }
    package static var samples: [OperationSample] {
        [
            OperationSample(Subsampling(margin: 1, stride: 2), [[2, 6, 9, 3]]), OperationSample(Subsampling(margin: 3, stride: 4), [[1, 15, 12, 17]]),
            OperationSample(Subsampling(margin: 3, stride: 1), [[1, 8, 11, 2]]),
        ]
    }

    package func isIdentity(_ inputs: [Shape]) -> Bool { margin == 0 && stride == 1 }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        let x = inputs[0]
        guard x.rank == 4, x.height > 2 * margin, x.width > 2 * margin else {
            throw ShapeError("\(x) has nothing inside a margin of \(margin)")
        }
        return [x.with(height: (x.height - 2 * margin - 1) / stride + 1, width: (x.width - 2 * margin - 1) / stride + 1)]
    }

    package func reach(_ inputs: [Shape]) -> Int? { margin + stride }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        [builder.outputGradients[0].map { builder.apply(SubsamplingGradient(margin: margin, stride: stride), builder.inputs[0], $0) }]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let x = inputs[0], channels = x.shape.channels
        // The kernel is made for these shapes already.
        guard let shape = try? outputShapes([x.shape])[0] else { preconditionFailure("checked shapes") }
        var y = Tensor<Scalar>(shape)
        forEachKeptPixel(x.shape, shape, margin, stride) { source, target in
            for c in 0..<channels { y.elements[target * channels + c] = x.elements[source * channels + c] }
        }
        return [y]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, y, margin, stride) = (context.inputs[0], context.outputs[0], self.margin, self.stride)
        return FunctionKernel { o in
            let (source, target, channels) = (o.inputs[0], o.outputs[0], x.shape.channels)
            forEachKeptPixel(x.shape, y.shape, margin, stride) { from, to in
                (target + to * y.pitch).update(from: source + from * x.pitch, count: channels)
            }
        }
    }
}

/// The transpose of `Subsampling`: zeros at what was left out. Inputs: x (for its shape), dy. Output: dx.
package struct SubsamplingGradient: Operation {
    package static let name = "subsampling-gradient"
    package static let isDifferentiable = false
    package var margin: Int
    package var stride: Int

    package var attributes: Document { ["margin": .int(margin), "stride": .int(stride)] }
    package static var samples: [OperationSample] {
        [OperationSample(SubsamplingGradient(margin: 1, stride: 2), [[2, 6, 9, 3], [2, 2, 4, 3]])]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        var dx = Tensor<Scalar>(inputs[0].shape)
        let channels = dx.shape.channels
        forEachKeptPixel(dx.shape, inputs[1].shape, margin, stride) { source, target in
            for c in 0..<channels { dx.elements[source * channels + c] = inputs[1].elements[target * channels + c] }
        }
        return [dx]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (dy, dx, margin, stride) = (context.inputs[1], context.outputs[0], self.margin, self.stride)
        let channels = dx.shape.channels
        return FunctionKernel { o in
            let (source, target) = (o.inputs[1], o.outputs[0])
            for pixel in 0..<dx.shape.pixels { (target + pixel * dx.pitch).update(repeating: 0, count: channels) }
            forEachKeptPixel(dx.shape, dy.shape, margin, stride) { to, from in
                (target + to * dx.pitch).update(from: source + from * dy.pitch, count: channels)
            }
        }
    }
}

/// Visits every pixel of the smaller map `y`, with the pixel of `x` that it is.
private func forEachKeptPixel(_ x: Shape, _ y: Shape, _ margin: Int, _ stride: Int, _ visit: (_ large: Int, _ small: Int) -> Void) {
    var small = 0
    for n in 0..<y.batch {
        for h in 0..<y.height {
            let row = (n * x.height + margin + stride * h) * x.width + margin
            for w in 0..<y.width {
                visit(row + stride * w, small)
                small += 1
            }
        }
    }
}
