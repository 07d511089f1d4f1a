import Documents

/// The image continued on all four sides by mirroring, the edge itself not repeated: `[N, H, W, C]` to `[N, H + 2b, W + 2b, C]`.
package struct MirroredBorder: Operation {
    package static let name = "mirrored-border"
    /// b, less than height and width.
    package var border: Int

    package init(border: Int) { self.border = border }

    package var attributes: Document { ["border": .int(border)] }
    package static var samples: [OperationSample] {
        [OperationSample(MirroredBorder(border: 2), [[2, 5, 7, 3]]), OperationSample(MirroredBorder(border: 1), [[1, 2, 4, 17]])]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        let x = inputs[0]
        guard x.rank == 4, x.height > border, x.width > border else {
            throw ShapeError("\(x) is too small for a mirrored border of \(border)")
        }
        return [x.with(height: x.height + 2 * border, width: x.width + 2 * border)]
    }

    package func reach(_ inputs: [Shape]) -> Int? { border }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        [builder.outputGradients[0].map { builder.apply(MirroredBorderGradient(border: border), builder.inputs[0], $0) }]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let x = inputs[0]
        var y = Tensor<Scalar>(x.shape.with(height: x.shape.height + 2 * border, width: x.shape.width + 2 * border))
        forEachBorderedPixel(x.shape, border) { source, target in
            for c in 0..<x.shape.channels { y.elements[target * x.shape.channels + c] = x.elements[source * x.shape.channels + c] }
        }
        return [y]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, y, border) = (context.inputs[0], context.outputs[0], self.border)
        return FunctionKernel { o in
            let (source, target, channels) = (o.inputs[0], o.outputs[0], x.shape.channels)
            forEachBorderedPixel(x.shape, border) { from, to in
                (target + to * y.pitch).update(from: source + from * x.pitch, count: channels)
            }
        }
    }
}

/// The transpose of `MirroredBorder`. Inputs: x (for its shape), dy. Output: dx.
package struct MirroredBorderGradient: Operation {
    package static let name = "mirrored-border-gradient"
    package static let isDifferentiable = false
    package var border: Int

    package var attributes: Document { ["border": .int(border)] }
    package static var samples: [OperationSample] { [OperationSample(MirroredBorderGradient(border: 2), [[2, 5, 7, 3], [2, 9, 11, 3]])] }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        var dx = Tensor<Scalar>(inputs[0].shape)
        let channels = dx.shape.channels
        forEachBorderedPixel(dx.shape, border) { source, target in
            for c in 0..<channels { dx.elements[source * channels + c] += inputs[1].elements[target * channels + c] }
        }
        return [dx]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (dy, dx, border) = (context.inputs[1], context.outputs[0], self.border)
        let channels = dx.shape.channels
        return FunctionKernel { o in
            let (source, target) = (o.inputs[1], o.outputs[0])
            for pixel in 0..<dx.shape.pixels { (target + pixel * dx.pitch).update(repeating: 0, count: channels) }
            forEachBorderedPixel(dx.shape, border) { to, from in
                let (sum, part) = (target + to * dx.pitch, source + from * dy.pitch)
                for c in 0..<channels { sum[c] += part[c] }
            }
        }
    }
}

/// Visits every pixel of the larger map, with the pixel of the map of shape `x` that it shows.
private func forEachBorderedPixel(_ x: Shape, _ border: Int, _ visit: (_ small: Int, _ large: Int) -> Void) {
    func source(_ position: Int, _ size: Int) -> Int {
        let place = abs(position - border)
        return place < size ? place : 2 * size - 2 - place
    }
    var large = 0
    for n in 0..<x.batch {
        for h in 0..<x.height + 2 * border {
            let row = (n * x.height + source(h, x.height)) * x.width
            for w in 0..<x.width + 2 * border {
                visit(row + source(w, x.width), large)
                large += 1
            }
        }
    }
}
