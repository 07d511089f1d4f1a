import CKernels
import Documents

private func sameShapes(_ inputs: [Shape], _ name: String) throws -> [Shape] {
    guard inputs[0] == inputs[1] else { throw ShapeError("\(name) of \(inputs[0]) and \(inputs[1])") }
    return [inputs[0]]
}

/// a + b, equal shapes.
package struct Add: Operation {
    package static let name = "add"
    package init() {}
    package var inPlaceInput: Int? { 0 }
    package static var samples: [OperationSample] {
        [OperationSample(Add(), [[2, 3, 5, 7], [2, 3, 5, 7]]), OperationSample(Add(), [[16], [16]]), OperationSample(Add(), [[], []])]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { try sameShapes(inputs, "sum") }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        [builder.outputGradients[0], builder.outputGradients[0]]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        [Tensor.zip(inputs[0], inputs[1], +)]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (a, b, y) = (context.inputs[0], context.inputs[1], context.outputs[0])
        return FunctionKernel { o in
            halcyon_add(a.shape.pixels, a.shape.channels, o.inputs[0], a.pitch, o.inputs[1], b.pitch, o.outputs[0], y.pitch)
        }
    }
}

/// a - b, equal shapes.
package struct Subtract: Operation {
    package static let name = "subtract"
    package init() {}
    package var inPlaceInput: Int? { 1 }
    package static var samples: [OperationSample] { [OperationSample(Subtract(), [[1, 5, 3, 2], [1, 5, 3, 2]])] }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { try sameShapes(inputs, "difference") }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        guard let upstream = builder.outputGradients[0] else { return [nil, nil] }
        return [upstream, builder.apply(Negate(), upstream)]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        [Tensor.zip(inputs[0], inputs[1], -)]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (a, b, y) = (context.inputs[0], context.inputs[1], context.outputs[0])
        return FunctionKernel { o in
            halcyon_subtract(a.shape.pixels, a.shape.channels, o.inputs[0], a.pitch, o.inputs[1], b.pitch, o.outputs[0], y.pitch)
        }
    }
}

/// -a.
package struct Negate: Operation {
    package static let name = "negate"
    package var takesSlices: Bool { false }
    package init() {}
    package var inPlaceInput: Int? { 0 }
    package static var samples: [OperationSample] { [OperationSample(Negate(), [[1, 5, 3, 2]])] }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        [builder.outputGradients[0].map { builder.apply(Negate(), $0) }]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] { [inputs[0].map { -$0 }] }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let view = context.inputs[0]
        precondition(view.pitch == view.shape.channels && context.outputs[0].pitch == view.pitch)
        return FunctionKernel { o in halcyon_scale(view.shape.count, o.inputs[0], -1, o.outputs[0]) }
    }
}

/// The input, through which no gradient flows.
package struct StopGradient: Operation {
    package static let name = "stop-gradient"
    package init() {}
    package var inPlaceInput: Int? { 0 }
    package static var samples: [OperationSample] { [OperationSample(StopGradient(), [[1, 5, 3, 2]])] }

    package func isIdentity(_ inputs: [Shape]) -> Bool { true }
    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }
    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] { [nil] }
    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] { [inputs[0]] }
    package func makeKernel(_ context: KernelContext) throws -> any Kernel { copyKernel(context) }
}

/// Copies the first input to the output.
func copyKernel(_ context: KernelContext) -> any Kernel {
    let (x, y) = (context.inputs[0], context.outputs[0])
    return FunctionKernel { o in
        halcyon_copy(x.shape.pixels, x.shape.channels, o.inputs[0], x.pitch, o.outputs[0], y.pitch)
    }
}
