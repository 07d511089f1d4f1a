import Documents

/// The maximum over windows of K x K pixels, `stride` apart, that lie wholly inside: `[N, H, W, C]` to
/// `[N, ⌊(H - K) / s⌋ + 1, ⌊(W - K) / s⌋ + 1, C]`. `MaxPooling` is the case of 2 and 2 on even sizes, which networks have.
package struct WindowMaximum: Operation {
    package static let name = "window-maximum"
    /// K.
    package var size: Int
    package var stride: Int

    package init(size: Int, stride: Int) {
        precondition(size > 0 && stride > 0)
        self.size = size
        self.stride = stride
    }

    package var attributes: Document { ["size": .int(size), "stride": .int(stride)] }
    package static var samples: [OperationSample] {
        [
            OperationSample(WindowMaximum(size: 3, stride: 1), [[2, 5, 7, 3]]), OperationSample(WindowMaximum(size: 3, stride: 2), [[1, 9, 8, 17]]),
            OperationSample(WindowMaximum(size: 2, stride: 2), [[1, 7, 5, 2]]),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        let x = inputs[0]
        guard x.rank == 4, x.height >= size, x.width >= size else { throw ShapeError("\(x) is smaller than a window of \(size)x\(size)") }
        return [x.with(height: (x.height - size) / stride + 1, width: (x.width - size) / stride + 1)]
    }

    package func reach(_ inputs: [Shape]) -> Int? { size }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        [builder.outputGradients[0].map { builder.apply(WindowMaximumGradient(size: size, stride: stride), builder.inputs[0], $0) }]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let x = inputs[0], channels = x.shape.channels
        guard let shape = try? outputShapes([x.shape])[0] else { preconditionFailure("checked shapes") }
        var y = Tensor<Scalar>(shape)
        forEachWindow(x.shape, shape, stride) { corner, target in
            for c in 0..<channels { y.elements[target * channels + c] = x.elements[firstMaximum(x, corner, size, c)] }
        }
        return [y]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, y, size, stride) = (context.inputs[0], context.outputs[0], self.size, self.stride)
        let (width, channels) = (x.shape.width, x.shape.channels)
        return FunctionKernel { o in
            let (source, target) = (o.inputs[0], o.outputs[0])
            forEachWindow(x.shape, y.shape, stride) { corner, to in
                let best = target + to * y.pitch
                best.update(from: source + corner * x.pitch, count: channels)
                for row in 0..<size {
                    for column in 0..<size where row + column > 0 {
                        let candidate = source + (corner + row * width + column) * x.pitch
                        for c in 0..<channels { best[c] = candidate[c] > best[c] ? candidate[c] : best[c] }
                    }
                }
            }
        }
    }
}

/// dy goes to each window's first maximum. Inputs: x, dy. Output: dx.
package struct WindowMaximumGradient: Operation {
    package static let name = "window-maximum-gradient"
    package static let isDifferentiable = false
    package var size: Int
    package var stride: Int

    package var attributes: Document { ["size": .int(size), "stride": .int(stride)] }
    package static var samples: [OperationSample] {
        [
            OperationSample(WindowMaximumGradient(size: 3, stride: 1), [[2, 5, 7, 3], [2, 3, 5, 3]]),
            OperationSample(WindowMaximumGradient(size: 3, stride: 2), [[1, 9, 8, 5], [1, 4, 3, 5]]),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let (x, dy) = (inputs[0], inputs[1])
        var dx = Tensor<Scalar>(x.shape)
        forEachWindow(x.shape, dy.shape, stride) { corner, target in
            for c in 0..<x.shape.channels { dx.elements[firstMaximum(x, corner, size, c)] += dy.elements[target * x.shape.channels + c] }
        }
        return [dx]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, dy, dx, size, stride) = (context.inputs[0], context.inputs[1], context.outputs[0], self.size, self.stride)
        let (width, channels) = (x.shape.width, x.shape.channels)
        return FunctionKernel { o in
            let (values, upstream, target) = (o.inputs[0], o.inputs[1], o.outputs[0])
            for pixel in 0..<dx.shape.pixels { (target + pixel * dx.pitch).update(repeating: 0, count: channels) }
            forEachWindow(x.shape, dy.shape, stride) { corner, from in
                for c in 0..<channels {
                    var best = corner
                    for row in 0..<size {
                        for column in 0..<size {
                            let candidate = corner + row * width + column
                            if values[candidate * x.pitch + c] > values[best * x.pitch + c] { best = candidate }
                        }
                    }
                    target[best * dx.pitch + c] += upstream[from * dy.pitch + c]
                }
            }
        }
    }
}

/// The first largest element of a window.
private func firstMaximum<Scalar: ReferenceScalar>(_ x: Tensor<Scalar>, _ corner: Int, _ size: Int, _ channel: Int) -> Int {
    var best = corner * x.shape.channels + channel
    for row in 0..<size {
        for column in 0..<size {
            let candidate = (corner + row * x.shape.width + column) * x.shape.channels + channel
            if x.elements[candidate] > x.elements[best] { best = candidate }
        }
    }
    return best
}

/// Visits every window of a map of shape `x`: the pixel of its top left corner, and its pixel in the map `y` of maxima.
private func forEachWindow(_ x: Shape, _ y: Shape, _ stride: Int, _ visit: (_ corner: Int, _ target: Int) -> Void) {
    var target = 0
    for n in 0..<y.batch {
        for h in 0..<y.height {
            let row = (n * x.height + stride * h) * x.width
            for w in 0..<y.width {
                visit(row + stride * w, target)
                target += 1
            }
        }
    }
}
