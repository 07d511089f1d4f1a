import CKernels
import Documents

/// a * b element by element, equal shapes.
package struct Multiply: Operation {
    package static let name = "multiply"
    package init() {}
    package var inPlaceInput: Int? { 0 }
    package static var samples: [OperationSample] {
        [OperationSample(Multiply(), [[3, 3, 5, 7], [3, 3, 5, 7]]), OperationSample(Multiply(), [[17], [17]])]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard inputs[0] == inputs[1] else { throw ShapeError("product of \(inputs[0]) and \(inputs[1])") }
        return [inputs[0]]
    }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        guard let upstream = builder.outputGradients[0] else { return [nil, nil] }
        let a = builder.apply(Multiply(), upstream, builder.inputs[1], name: "first-gradient")
        return [a, builder.apply(Multiply(), upstream, builder.inputs[0], name: "second-gradient")]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        [Tensor.zip(inputs[0], inputs[1], *)]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (a, b, y) = (context.inputs[0], context.inputs[1], context.outputs[0])
        return FunctionKernel { o in
            halcyon_multiply(
                a.shape.pixels, a.shape.channels, o.inputs[0], a.pitch, o.inputs[1], b.pitch, o.outputs[0], y.pitch)
        }
    }
}
