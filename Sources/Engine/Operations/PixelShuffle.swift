import CKernels
import Documents

/// How the channels of sub-images count the places of an r x r cell.
package enum PixelOrder: String, Sendable, CaseIterable {
    /// Place (row, column) is row r + column, as PyTorch counts.
    case rowMajor = "row-major"
    /// Place (row, column) is column r + row, as the published FFDNet counts.
    case columnMajor = "column-major"

    var isColumnMajor: Int32 { self == .columnMajor ? 1 : 0 }

    package func place(row: Int, column: Int, factor: Int) -> Int {
        self == .rowMajor ? row * factor + column : column * factor + row
    }
}

/// Takes an image apart into r² sub-images: `[N, H, W, C]` to `[N, H/r, W/r, C r²]`, sizes that r divides. Channel c r² + k of
/// pixel (h, w) is channel c of the pixel at place k of cell (h, w) (Shi et al. 2016, "Real-time single image and video
/// super-resolution using an efficient sub-pixel convolutional neural network", backwards; FFDNet, Zhang et al. 2018).
package struct PixelUnshuffle: Operation {
    package static let name = "pixel-unshuffle"
    package var factor: Int
    package var order: PixelOrder

    package init(factor: Int, order: PixelOrder) {
        precondition(factor >= 1)
        self.factor = factor
        self.order = order
    }

    package var attributes: Document { ["factor": .int(factor), "order": .string(order.rawValue)] }
    package static var samples: [OperationSample] {
        [
            OperationSample(PixelUnshuffle(factor: 2, order: .rowMajor), [[3, 6, 10, 1]]),
            OperationSample(PixelUnshuffle(factor: 2, order: .columnMajor), [[1, 4, 6, 3]]),
            OperationSample(PixelUnshuffle(factor: 4, order: .columnMajor), [[1, 4, 12, 1]]),
            OperationSample(PixelUnshuffle(factor: 4, order: .rowMajor), [[3, 8, 4, 3]]),
            OperationSample(PixelUnshuffle(factor: 3, order: .columnMajor), [[1, 3, 9, 5]]),
        ]
    }

    package func isIdentity(_ inputs: [Shape]) -> Bool { factor == 1 }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        let x = inputs[0]
        guard x.rank == 4, x.height % factor == 0, x.width % factor == 0 else {
            throw ShapeError("sub-images of \(factor)x\(factor) cells need sizes that \(factor) divides, found \(x)")
        }
        return [[x.batch, x.height / factor, x.width / factor, x.channels * factor * factor]]
    }

    package func reach(_ inputs: [Shape]) -> Int? { factor - 1 }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        [builder.outputGradients[0].map { builder.apply(PixelShuffle(factor: factor, order: order), $0) }]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let x = inputs[0].shape
        var y = Tensor<Scalar>([x.batch, x.height / factor, x.width / factor, x.channels * factor * factor])
        forEachCellElement(x, factor, order) { whole, part in y.elements[part] = inputs[0].elements[whole] }
        return [y]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, y, factor, order) = (context.inputs[0], context.outputs[0], self.factor, self.order.isColumnMajor)
        return FunctionKernel { o in
            halcyon_pixel_unshuffle(
                x.shape.batch, x.shape.height, x.shape.width, x.shape.channels, factor, order, o.inputs[0], x.pitch, o.outputs[0],
                y.pitch)
        }
    }
}

/// Puts sub-images together again, the inverse of `PixelUnshuffle`: `[N, H, W, C r²]` to `[N, H r, W r, C]`.
package struct PixelShuffle: Operation {
    package static let name = "pixel-shuffle"
    package var factor: Int
    package var order: PixelOrder

    package init(factor: Int, order: PixelOrder) {
        precondition(factor >= 1)
        self.factor = factor
        self.order = order
    }

    package var attributes: Document { ["factor": .int(factor), "order": .string(order.rawValue)] }
    package static var samples: [OperationSample] {
        [
            OperationSample(PixelShuffle(factor: 2, order: .rowMajor), [[3, 3, 5, 4]]),
            OperationSample(PixelShuffle(factor: 2, order: .columnMajor), [[1, 2, 3, 12]]),
            OperationSample(PixelShuffle(factor: 4, order: .columnMajor), [[3, 1, 3, 16]]),
            OperationSample(PixelShuffle(factor: 4, order: .rowMajor), [[1, 2, 1, 48]]),
            OperationSample(PixelShuffle(factor: 3, order: .columnMajor), [[1, 1, 3, 45]]),
        ]
    }

    package func isIdentity(_ inputs: [Shape]) -> Bool { factor == 1 }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        let x = inputs[0]
        guard x.rank == 4, x.channels % (factor * factor) == 0 else {
            throw ShapeError("\(factor)x\(factor) sub-images are a multiple of \(factor * factor) channels, found \(x)")
        }
        return [[x.batch, x.height * factor, x.width * factor, x.channels / (factor * factor)]]
    }

    /// The pixels of one cell lie up to r - 1 beside its place: less than a pixel of the sub-images.
    package func reach(_ inputs: [Shape]) -> Int? { factor > 1 ? 1 : 0 }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        [builder.outputGradients[0].map { builder.apply(PixelUnshuffle(factor: factor, order: order), $0) }]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let x = inputs[0].shape
        var y = Tensor<Scalar>([x.batch, x.height * factor, x.width * factor, x.channels / (factor * factor)])
        forEachCellElement(y.shape, factor, order) { whole, part in y.elements[whole] = inputs[0].elements[part] }
        return [y]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, y, factor, order) = (context.inputs[0], context.outputs[0], self.factor, self.order.isColumnMajor)
        return FunctionKernel { o in
            halcyon_pixel_shuffle(
                y.shape.batch, y.shape.height, y.shape.width, y.shape.channels, factor, order, o.inputs[0], x.pitch, o.outputs[0],
                y.pitch)
        }
    }
}

/// Visits (element of the whole image, element of its sub-images) of every element of an image of shape `whole`.
private func forEachCellElement(_ whole: Shape, _ factor: Int, _ order: PixelOrder, _ visit: (Int, Int) -> Void) {
    let (height, width) = (whole.height / factor, whole.width / factor)
    for n in 0..<whole.batch {
        for row in 0..<whole.height {
            for column in 0..<whole.width {
                let place = order.place(row: row % factor, column: column % factor, factor: factor)
                let pixel = (n * whole.height + row) * whole.width + column
                let cell = (n * height + row / factor) * width + column / factor
                for c in 0..<whole.channels {
                    visit(pixel * whole.channels + c, (cell * whole.channels + c) * factor * factor + place)
                }
            }
        }
    }
}
