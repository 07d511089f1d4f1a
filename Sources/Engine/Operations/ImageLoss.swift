import Documents

/// A pixel loss with a weight for each image: the mean over the batch of w_n times image n's mean of what x - t costs.
///
/// Inputs: x, target `[N, H, W, C]`, weights `[N, 1, 1, K]`, of which column `column` counts. Output: a scalar `[]`. Only x has a
/// gradient: the weights are decisions.
package struct ImageLoss: Operation {
    package static let name = "image-loss"
    package var takesSlices: Bool { false }
    package var kind: PixelLoss.Kind
    package var column: Int

    package init(_ kind: PixelLoss.Kind, column: Int) {
        self.kind = kind
        self.column = column
    }

    package var attributes: Document { ["kind": .string(kind.rawValue), "column": .int(column)] }
    package static var samples: [OperationSample] {
        PixelLoss.Kind.allCases.map { OperationSample(ImageLoss($0, column: 1), [[3, 4, 5, 3], [3, 4, 5, 3], [3, 1, 1, 2]]) }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard inputs[0] == inputs[1], inputs[2].batch == inputs[0].batch, inputs[2].channels > column else {
            throw ShapeError("loss between \(inputs[0]) and \(inputs[1]) with weights \(inputs[2])")
        }
        return [[]]
    }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        let inputs = builder.inputs + (builder.outputGradients[0].map { [$0] } ?? [])
        let x = builder.graph.apply(
            ImageLossGradient(kind: kind, column: column), inputs, path: "\(builder.node.path).gradient")[0]
        return [x, nil, nil]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let count = inputs[0].elements.count / inputs[0].shape.batch, columns = inputs[2].shape.channels
        var sum: Scalar = 0
        for (index, (x, t)) in zip(inputs[0].elements, inputs[1].elements).enumerated() {
            sum += inputs[2].elements[index / count * columns + column] * kind.value(x - t)
        }
        return [Tensor(scalar: sum / Scalar(inputs[0].elements.count))]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (shape, weights) = (context.inputs[0].shape, context.inputs[2])
        let (count, kind, column) = (shape.count / shape.batch, self.kind, self.column)
        return FunctionKernel { o in
            var sum = 0.0
            for n in 0..<shape.batch {
                let mean = kind.mean(count, o.inputs[0] + n * count, o.inputs[1] + n * count)
                sum += Double(o.inputs[2][n * weights.pitch + column]) * mean
            }
            o.outputs[0][0] = Float(sum / Double(shape.batch))
        }
    }
}

/// The gradient of `ImageLoss` with respect to x. Inputs: x, target, weights and, unless the loss is a root, the scalar upstream gradient.
package struct ImageLossGradient: Operation {
    package static let name = "image-loss-gradient"
    package var takesSlices: Bool { false }
    package static let isDifferentiable = false
    package var kind: PixelLoss.Kind
    package var column: Int

    package var attributes: Document { ["kind": .string(kind.rawValue), "column": .int(column)] }
    package static var samples: [OperationSample] {
        PixelLoss.Kind.allCases.flatMap { kind in
            let operation = ImageLossGradient(kind: kind, column: 2), inputs: [Shape] = [[3, 4, 5, 1], [3, 4, 5, 1], [3, 1, 1, 3]]
            return [OperationSample(operation, inputs), OperationSample(operation, inputs + [[]])]
        }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let count = inputs[0].elements.count / inputs[0].shape.batch, columns = inputs[2].shape.channels
        let upstream = inputs.count > 3 ? inputs[3].elements[0] : 1
        var dx = inputs[0]
        for (index, (x, t)) in zip(inputs[0].elements, inputs[1].elements).enumerated() {
            let scale = upstream * inputs[2].elements[index / count * columns + column] / Scalar(inputs[0].elements.count)
            dx.elements[index] = kind.slope(x - t) * scale
        }
        return [dx]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (shape, weights) = (context.inputs[0].shape, context.inputs[2])
        let (count, kind, column, hasUpstream) = (shape.count / shape.batch, self.kind, self.column, context.inputs.count > 3)
        return FunctionKernel { o in
            let upstream = hasUpstream ? o.inputs[3][0] : 1
            for n in 0..<shape.batch {
                let scale = upstream * o.inputs[2][n * weights.pitch + column] / Float(shape.batch)
                kind.writeGradient(count, o.inputs[0] + n * count, o.inputs[1] + n * count, scale: scale, to: o.outputs[0] + n * count)
            }
        }
    }
}
