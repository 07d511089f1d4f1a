import CKernels
import Documents

/// The mean over all elements of what a difference d = x - t costs, times `weight`: |d| (L1), d² (L2, mean squared error) or
/// sqrt(d² + ε²) (Charbonnier, ε = 10^-3; Lai et al. 2017, "Deep Laplacian pyramid networks", eq. 3). Inputs: x, target. Output: a
/// scalar `[]`.
package struct PixelLoss: Operation {
    package enum Kind: String, Sendable, CaseIterable {
        case l1, l2, charbonnier

        /// The words of recipes and of candidates' training settings; two words may name one loss.
        package static let words: [(word: String, kind: Kind)] = [("l1", .l1), ("l2", .l2), ("mse", .l2), ("charbonnier", .charbonnier)]

        /// Charbonnier's ε², for samples in 0...1.
        static let softness = 1e-6

        /// Nil for an unknown word.
        package init?(word: String) {
            guard let entry = Self.words.first(where: { $0.word == word }) else { return nil }
            self = entry.kind
        }

        /// What a difference costs.
        func value<Scalar: ReferenceScalar>(_ difference: Scalar) -> Scalar {
            switch self {
            case .l1: abs(difference)
            case .l2: difference * difference
            case .charbonnier: (difference * difference + Scalar(Self.softness)).squareRoot()
            }
        }

        /// Its derivative.
        func slope<Scalar: ReferenceScalar>(_ difference: Scalar) -> Scalar {
            switch self {
            case .l1: difference > 0 ? 1 : difference < 0 ? -1 : 0
            case .l2: 2 * difference
            case .charbonnier: difference / (difference * difference + Scalar(Self.softness)).squareRoot()
            }
        }

        /// The mean cost of `count` samples.
        func mean(_ count: Int, _ x: UnsafePointer<Float>, _ target: UnsafePointer<Float>) -> Double {
            switch self {
            case .l1: return halcyon_mean_absolute_error(count, x, target)
            case .l2: return halcyon_mean_squared_error(count, x, target)
            case .charbonnier:
                var sum = 0.0
                for i in 0..<count { sum += Double(value(x[i] - target[i])) }
                return sum / Double(count)
            }
        }

        /// dx = slope / count * scale.
        func writeGradient(
            _ count: Int, _ x: UnsafePointer<Float>, _ target: UnsafePointer<Float>, scale: Float, to dx: UnsafeMutablePointer<Float>
        ) {
            switch self {
            case .l1: halcyon_mean_absolute_error_gradient(count, x, target, scale, dx)
            case .l2: halcyon_mean_squared_error_gradient(count, x, target, scale, dx)
            case .charbonnier:
                let scale = scale / Float(count)
                for i in 0..<count { dx[i] = slope(x[i] - target[i]) * scale }
            }
        }
    }

    package static let name = "pixel-loss"
    package var takesSlices: Bool { false }
    package var kind: Kind
    /// In a sum of losses.
    package var weight: Double

    package init(_ kind: Kind, weight: Double = 1) {
        self.kind = kind
        self.weight = weight
    }

    package var attributes: Document { ["kind": .string(kind.rawValue), "weight": .float(weight)] }
    package static var samples: [OperationSample] {
        Kind.allCases.flatMap { kind in
            [1, 0.3].map { OperationSample(PixelLoss(kind, weight: $0), [[2, 3, 5, 3], [2, 3, 5, 3]]) }
        }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard inputs[0] == inputs[1] else { throw ShapeError("loss between \(inputs[0]) and \(inputs[1])") }
        return [[]]
    }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        let inputs = builder.inputs + (builder.outputGradients[0].map { [$0] } ?? [])
        let x = builder.graph.apply(PixelLossGradient(kind, weight: weight), inputs, path: "\(builder.node.path).gradient")[0]
        return [x, nil]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        var sum: Scalar = 0
        for (x, t) in zip(inputs[0].elements, inputs[1].elements) { sum += kind.value(x - t) }
        return [Tensor(scalar: Scalar(weight) * sum / Scalar(inputs[0].elements.count))]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (count, kind, weight) = (context.inputs[0].shape.count, self.kind, self.weight)
        return FunctionKernel { o in o.outputs[0][0] = Float(weight * kind.mean(count, o.inputs[0], o.inputs[1])) }
    }
}

/// The gradient of `PixelLoss` with respect to x. Inputs: x, target and, unless the loss is the root, the scalar upstream gradient.
package struct PixelLossGradient: Operation {
    package static let name = "pixel-loss-gradient"
    package var takesSlices: Bool { false }
    package static let isDifferentiable = false
    package var kind: PixelLoss.Kind
    package var weight: Double

    init(_ kind: PixelLoss.Kind, weight: Double = 1) {
        self.kind = kind
        self.weight = weight
    }

    package var attributes: Document { ["kind": .string(kind.rawValue), "weight": .float(weight)] }
    package static var samples: [OperationSample] {
        PixelLoss.Kind.allCases.flatMap { kind in
            [
                OperationSample(PixelLossGradient(kind), [[2, 3, 5, 3], [2, 3, 5, 3]]),
                OperationSample(PixelLossGradient(kind, weight: 0.3), [[2, 3, 5, 3], [2, 3, 5, 3], []]),
            ]
        }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let upstream = Scalar(weight) * (inputs.count > 2 ? inputs[2].elements[0] : 1)
        let scale = upstream / Scalar(inputs[0].elements.count)
        return [Tensor.zip(inputs[0], inputs[1]) { x, t in kind.slope(x - t) * scale }]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (count, kind, weight, hasUpstream) = (context.inputs[0].shape.count, self.kind, Float(self.weight), context.inputs.count > 2)
        return FunctionKernel { o in
            kind.writeGradient(count, o.inputs[0], o.inputs[1], scale: weight * (hasUpstream ? o.inputs[2][0] : 1), to: o.outputs[0])
        }
    }
}
