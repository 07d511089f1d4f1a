import CKernels
import Documents

/// How the image goes on beyond its bottom and right edges.
package enum PaddingMode: String, Sendable, CaseIterable {
    /// Mirrored, the edge itself not repeated.
    case reflect
    /// The last row or column repeated.
    case replicate

    var code: Int32 { self == .reflect ? HALCYON_PAD_REFLECT : HALCYON_PAD_REPLICATE }

    /// The source row or column for a position that may lie beyond `size`.
    func source(_ position: Int, _ size: Int) -> Int {
        position < size ? position : self == .reflect ? 2 * size - 2 - position : size - 1
    }
}

/// Enlarges height and width at the bottom and right to the next multiple: `[N, H, W, C]` to `[N, ⌈H/m⌉m, ⌈W/m⌉m, C]`.
package struct Padding: Operation {
    package static let name = "padding"
    package var multiple: Int
    package var mode: PaddingMode

    package init(multiple: Int, mode: PaddingMode) {
        self.multiple = multiple
        self.mode = mode
    }

    package var attributes: Document { ["multiple": .int(multiple), "mode": .string(mode.rawValue)] }
    package static var samples: [OperationSample] {
        [
            OperationSample(Padding(multiple: 4, mode: .reflect), [[2, 5, 7, 3]]),
            OperationSample(Padding(multiple: 8, mode: .replicate), [[1, 3, 8, 1]]),
            OperationSample(Padding(multiple: 4, mode: .reflect), [[1, 8, 4, 2]]),
        ]
    }

    private func rounded(_ size: Int) -> Int { (size + multiple - 1) / multiple * multiple }

    package func isIdentity(_ inputs: [Shape]) -> Bool { inputs[0].height % multiple == 0 && inputs[0].width % multiple == 0 }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        let x = inputs[0]
        let (height, width) = (rounded(x.height), rounded(x.width))
        if mode == .reflect, height - x.height >= x.height || width - x.width >= x.width {
            throw ShapeError("an image of \(x.height)x\(x.width) is too small to be padded by reflection to a multiple of \(multiple)")
        }
        return [x.with(height: height, width: width)]
    }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        [builder.outputGradients[0].map { builder.apply(PaddingGradient(mode: mode), builder.inputs[0], $0) }]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let x = inputs[0]
        var y = Tensor<Scalar>(x.shape.with(height: rounded(x.shape.height), width: rounded(x.shape.width)))
        forEachPaddedElement(x.shape, y.shape, mode) { source, target in y.elements[target] = x.elements[source] }
        return [y]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, y, mode) = (context.inputs[0], context.outputs[0], self.mode.code)
        return FunctionKernel { o in
            halcyon_pad(
                x.shape.batch, x.shape.height, x.shape.width, x.shape.channels, y.shape.height - x.shape.height,
                y.shape.width - x.shape.width, mode, o.inputs[0], x.pitch, o.outputs[0], y.pitch)
        }
    }
}

/// The transpose of `Padding`. Inputs: x (for its shape), dy. Output: dx.
package struct PaddingGradient: Operation {
    package static let name = "padding-gradient"
    package static let isDifferentiable = false
    package var mode: PaddingMode

    package var attributes: Document { ["mode": .string(mode.rawValue)] }
    package static var samples: [OperationSample] {
        PaddingMode.allCases.map { OperationSample(PaddingGradient(mode: $0), [[2, 5, 7, 3], [2, 8, 8, 3]]) }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        var dx = Tensor<Scalar>(inputs[0].shape)
        forEachPaddedElement(dx.shape, inputs[1].shape, mode) { source, target in
            dx.elements[source] += inputs[1].elements[target]
        }
        return [dx]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, dy, dx, mode) = (context.inputs[0], context.inputs[1], context.outputs[0], self.mode.code)
        return FunctionKernel { o in
            halcyon_pad_backward(
                x.shape.batch, x.shape.height, x.shape.width, x.shape.channels, dy.shape.height - x.shape.height,
                dy.shape.width - x.shape.width, mode, o.inputs[1], dy.pitch, o.outputs[0], dx.pitch)
        }
    }
}

private func forEachPaddedElement(_ small: Shape, _ large: Shape, _ mode: PaddingMode, _ visit: (Int, Int) -> Void) {
    for n in 0..<large.batch {
        for h in 0..<large.height {
            for w in 0..<large.width {
                let (row, column) = (mode.source(h, small.height), mode.source(w, small.width))
                for c in 0..<large.channels {
                    visit(
                        ((n * small.height + row) * small.width + column) * large.channels + c,
                        ((n * large.height + h) * large.width + w) * large.channels + c)
                }
            }
        }
    }
}

/// The top left part of x that is as large as `like`. Inputs: x `[N, H', W', C]`, like `[N, H, W, any]`. Output: `[N, H, W, C]`.
package struct Cropping: Operation {
    package static let name = "cropping"
    package init() {}
    package static var samples: [OperationSample] {
        [
            OperationSample(Cropping(), [[2, 8, 8, 3], [2, 5, 7, 1]]),
            OperationSample(Cropping(), [[1, 4, 4, 2], [1, 4, 4, 1]]),
        ]
    }

    package func isIdentity(_ inputs: [Shape]) -> Bool { inputs[0].height == inputs[1].height && inputs[0].width == inputs[1].width }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard inputs[0].height >= inputs[1].height, inputs[0].width >= inputs[1].width else {
            throw ShapeError("cannot crop \(inputs[0]) to \(inputs[1])")
        }
        return [inputs[0].with(height: inputs[1].height, width: inputs[1].width)]
    }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        [builder.outputGradients[0].map { builder.apply(CroppingGradient(), builder.inputs[0], $0) }, nil]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let x = inputs[0]
        var y = Tensor<Scalar>(x.shape.with(height: inputs[1].shape.height, width: inputs[1].shape.width))
        forEachPaddedElement(y.shape, y.shape, .replicate) { _, target in
            let pixel = target / y.shape.channels
            let (w, row) = (pixel % y.shape.width, pixel / y.shape.width)
            let source = x.pixel(row / y.shape.height, row % y.shape.height, w)
            y.elements[target] = x.elements[source + target % y.shape.channels]
        }
        return [y]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, y) = (context.inputs[0], context.outputs[0])
        return FunctionKernel { o in
            halcyon_crop(
                y.shape.batch, y.shape.height, y.shape.width, y.shape.channels, x.shape.height - y.shape.height,
                x.shape.width - y.shape.width, o.inputs[0], x.pitch, o.outputs[0], y.pitch)
        }
    }
}

/// The transpose of `Cropping`: zeros beyond dy. Inputs: x (for its shape), dy. Output: dx.
package struct CroppingGradient: Operation {
    package static let name = "cropping-gradient"
    package static let isDifferentiable = false
    package static var samples: [OperationSample] { [OperationSample(CroppingGradient(), [[2, 8, 8, 3], [2, 5, 7, 3]])] }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let dy = inputs[1]
        var dx = Tensor<Scalar>(inputs[0].shape)
        for n in 0..<dy.shape.batch {
            for h in 0..<dy.shape.height {
                for w in 0..<dy.shape.width {
                    for c in 0..<dy.shape.channels { dx.elements[dx.pixel(n, h, w) + c] = dy.elements[dy.pixel(n, h, w) + c] }
                }
            }
        }
        return [dx]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (dy, dx) = (context.inputs[1], context.outputs[0])
        return FunctionKernel { o in
            halcyon_crop_backward(
                dy.shape.batch, dy.shape.height, dy.shape.width, dy.shape.channels, dx.shape.height - dy.shape.height,
                dx.shape.width - dy.shape.width, o.inputs[1], dy.pitch, o.outputs[0], dx.pitch)
        }
    }
}
