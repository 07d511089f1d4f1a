import CKernels
import Documents

/// The mean over all elements of |x - t| (L1) or (x - t)² (L2, mean squared error). Inputs: x, target. Output: a scalar `[]`.
package struct PixelLoss: Operation {
    package enum Kind: String, Sendable, CaseIterable {
        case l1, l2

        /// The words of recipes and of candidates' training settings; two words may name one loss.
        package static let words: [(word: String, kind: Kind)] = [("l1", .l1), ("l2", .l2), ("mse", .l2)]

        /// Nil for an unknown word.
        package init?(word: String) {
            guard let entry = Self.words.first(where: { $0.word == word }) else { return nil }
            self = entry.kind
        }
    }

    package static let name = "pixel-loss"
    package var takesSlices: Bool { false }
    package var kind: Kind

    package init(_ kind: Kind) { self.kind = kind }

    package var attributes: Document { ["kind": .string(kind.rawValue)] }
    package static var samples: [OperationSample] {
        Kind.allCases.map { OperationSample(PixelLoss($0), [[2, 3, 5, 3], [2, 3, 5, 3]]) }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard inputs[0] == inputs[1] else { throw ShapeError("loss between \(inputs[0]) and \(inputs[1])") }
        return [[]]
    }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        let inputs = builder.inputs + (builder.outputGradients[0].map { [$0] } ?? [])
        let x = builder.graph.apply(PixelLossGradient(kind: kind), inputs, path: "\(builder.node.path).gradient")[0]
        return [x, nil]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        var sum: Scalar = 0
        for (x, t) in zip(inputs[0].elements, inputs[1].elements) { sum += kind == .l1 ? abs(x - t) : (x - t) * (x - t) }
        return [Tensor(scalar: sum / Scalar(inputs[0].elements.count))]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (count, kind) = (context.inputs[0].shape.count, self.kind)
        return FunctionKernel { o in
            let mean = kind == .l1
                ? halcyon_mean_absolute_error(count, o.inputs[0], o.inputs[1])
                : halcyon_mean_squared_error(count, o.inputs[0], o.inputs[1])
            o.outputs[0][0] = Float(mean)
        }
    }
}

/// The gradient of `PixelLoss` with respect to x. Inputs: x, target and, unless the loss is the root, the scalar upstream gradient.
package struct PixelLossGradient: Operation {
    package static let name = "pixel-loss-gradient"
    package var takesSlices: Bool { false }
    package static let isDifferentiable = false
    package var kind: PixelLoss.Kind

    package var attributes: Document { ["kind": .string(kind.rawValue)] }
    package static var samples: [OperationSample] {
        PixelLoss.Kind.allCases.flatMap { kind in
            [
                OperationSample(PixelLossGradient(kind: kind), [[2, 3, 5, 3], [2, 3, 5, 3]]),
                OperationSample(PixelLossGradient(kind: kind), [[2, 3, 5, 3], [2, 3, 5, 3], []]),
            ]
        }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let scale = (inputs.count > 2 ? inputs[2].elements[0] : 1) / Scalar(inputs[0].elements.count)
        return [
            Tensor.zip(inputs[0], inputs[1]) { x, t in
                switch kind {
                case .l1: x > t ? scale : x < t ? -scale : 0
                case .l2: 2 * (x - t) * scale
                }
            }
        ]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (count, kind, hasUpstream) = (context.inputs[0].shape.count, self.kind, context.inputs.count > 2)
        return FunctionKernel { o in
            let scale = hasUpstream ? o.inputs[2][0] : 1
            switch kind {
            case .l1: halcyon_mean_absolute_error_gradient(count, o.inputs[0], o.inputs[1], scale, o.outputs[0])
            case .l2: halcyon_mean_squared_error_gradient(count, o.inputs[0], o.inputs[1], scale, o.outputs[0])
            }
        }
    }
}
