import CKernels
import Documents

/// Leaky rectified linear unit: x where x > 0, else slope x. Slope 0 is ReLU. Any shape.
package struct RectifiedLinear: Operation {
    package static let name = "rectified-linear"
    package var slope: Double

    package init(slope: Double = 0) { self.slope = slope }

    package var attributes: Document { ["slope": .float(slope)] }
    package var inPlaceInput: Int? { 0 }
    package static var samples: [OperationSample] {
        [
            OperationSample(RectifiedLinear(), [[1, 3, 5, 7]]),
            OperationSample(RectifiedLinear(slope: 0.1), [[2, 4, 3, 16]]),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        guard let upstream = builder.outputGradients[0] else { return [nil] }
        return [builder.apply(RectifiedLinearGradient(slope: slope), builder.outputs[0], upstream)]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        [inputs[0].map { $0 > 0 ? $0 : Scalar(slope) * $0 }]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, y, slope) = (context.inputs[0], context.outputs[0], Float(self.slope))
        return FunctionKernel { o in
            halcyon_leaky_relu(x.shape.pixels, x.shape.channels, o.inputs[0], x.pitch, slope, o.outputs[0], y.pitch)
        }
    }
}

/// dx = dy where y > 0, else slope dy. Inputs: the output y, dy.
package struct RectifiedLinearGradient: Operation {
    package static let name = "rectified-linear-gradient"
    package static let isDifferentiable = false
    package var slope: Double

    package init(slope: Double = 0) { self.slope = slope }

    package var attributes: Document { ["slope": .float(slope)] }
    package var inPlaceInput: Int? { 1 }
    package static var samples: [OperationSample] {
        [OperationSample(RectifiedLinearGradient(slope: 0.2), [[2, 3, 5, 7], [2, 3, 5, 7]])]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[1]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        [Tensor.zip(inputs[0], inputs[1]) { y, dy in y > 0 ? dy : Scalar(slope) * dy }]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (y, dy, dx, slope) = (context.inputs[0], context.inputs[1], context.outputs[0], Float(self.slope))
        return FunctionKernel { o in
            halcyon_leaky_relu_backward(
                y.shape.pixels, y.shape.channels, o.inputs[0], y.pitch, o.inputs[1], dy.pitch, slope, o.outputs[0], dx.pitch)
        }
    }
}
