import CKernels
import Documents

/// An element-wise activation whose gradient needs its input: GELU, hard-swish and the gates. Any shape.
package struct SmoothActivation: Operation {
    package enum Kind: String, Sendable, CaseIterable {
        /// x Φ(x), exact (Hendrycks and Gimpel 2016; PyTorch's default).
        case gelu
        /// x relu6(x + 3) / 6 (MobileNetV3, Howard et al. 2019).
        case hardSwish = "hard-swish"
        /// relu6(x + 3) / 6.
        case hardSigmoid = "hard-sigmoid"
        case sigmoid

        /// The kernels' number of an optional activation.
        static func code(_ kind: Kind?) -> Int32 {
            switch kind {
            case nil: HALCYON_ACTIVATION_NONE
            case .gelu: HALCYON_ACTIVATION_GELU
            case .hardSwish: HALCYON_ACTIVATION_HARD_SWISH
            case .hardSigmoid: HALCYON_ACTIVATION_HARD_SIGMOID
            case .sigmoid: HALCYON_ACTIVATION_SIGMOID
            }
        }

        func value<Scalar: ReferenceScalar>(_ x: Scalar) -> Scalar {
            switch self {
            case .gelu: return x * cumulativeNormal(x)
            case .hardSwish: return x * min(max(x + 3, 0), 6) / 6
            case .hardSigmoid: return min(max(x + 3, 0), 6) / 6
            case .sigmoid: return 1 / (1 + Scalar.exponential(-x))
            }
        }

        func derivative<Scalar: ReferenceScalar>(_ x: Scalar) -> Scalar {
            switch self {
            case .gelu: return cumulativeNormal(x) + x * Scalar.exponential(-x * x / 2) * Scalar(0.398942280401432677939946)
            case .hardSwish: return x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) / 6
            case .hardSigmoid: return abs(x) < 3 ? 1 / 6 : 0
            case .sigmoid:
                let y = value(x)
                return y * (1 - y)
            }
        }

        private func cumulativeNormal<Scalar: ReferenceScalar>(_ x: Scalar) -> Scalar {
            (1 + Scalar.errorFunction(x * Scalar(0.5).squareRoot())) / 2
        }
    }

    package static let name = "smooth-activation"
    package var kind: Kind

    package init(_ kind: Kind) { self.kind = kind }

    package var attributes: Document { ["kind": .string(kind.rawValue)] }
    package var inPlaceInput: Int? { 0 }
    /// The laws' values stay inside -3...3, where the hard kinds have their kinks; a test of the engine's own reaches beyond. The last
    /// shape is long enough to be shared.
    package static var samples: [OperationSample] {
        let shapes: [Shape] = [[1, 3, 5, 7], [3, 4, 3, 16], [1, 24, 21, 16]]
        return Kind.allCases.flatMap { kind in shapes.map { OperationSample(SmoothActivation(kind), [$0]) } }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        guard let upstream = builder.outputGradients[0] else { return [nil] }
        return [builder.apply(SmoothActivationGradient(kind), builder.inputs[0], upstream)]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        [inputs[0].map { kind.value($0) }]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, y, code) = (context.inputs[0], context.outputs[0], Kind.code(kind))
        return FunctionKernel { o in
            halcyon_smooth_activation(x.shape.pixels, x.shape.channels, code, o.inputs[0], x.pitch, o.outputs[0], y.pitch)
        }
    }
}

/// dx = dy act'(x). Inputs: x, dy.
package struct SmoothActivationGradient: Operation {
    package static let name = "smooth-activation-gradient"
    package static let isDifferentiable = false
    package var kind: SmoothActivation.Kind

    package init(_ kind: SmoothActivation.Kind) { self.kind = kind }

    package var attributes: Document { ["kind": .string(kind.rawValue)] }
    package var inPlaceInput: Int? { 1 }
    package static var samples: [OperationSample] {
        let shapes: [Shape] = [[2, 3, 5, 7], [1, 24, 21, 16]]
        return SmoothActivation.Kind.allCases.flatMap { kind in
            shapes.map { OperationSample(SmoothActivationGradient(kind), [$0, $0]) }
        }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[1]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        [Tensor.zip(inputs[0], inputs[1]) { x, dy in dy * kind.derivative(x) }]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, dy, dx, code) = (context.inputs[0], context.inputs[1], context.outputs[0], SmoothActivation.Kind.code(kind))
        return FunctionKernel { o in
            halcyon_smooth_activation_backward(
                x.shape.pixels, x.shape.channels, code, o.inputs[0], x.pitch, o.inputs[1], dy.pitch, o.outputs[0], dx.pitch)
        }
    }
}
