import CKernels
import Documents

/// A convolution's weight with the following batch norm folded in: w' = w gamma / sqrt(variance + epsilon), by output channel.
///
/// Inputs: weight `[O, I, K, K]`, gamma, running variance `[O]`. A derived parameter: computed when its sources change.
package struct FoldedWeight: Operation {
    package static let name = "folded-weight"
    package var takesSlices: Bool { false }
    package static let isDifferentiable = false
    package var epsilon: Double

    package var attributes: Document { ["epsilon": .float(epsilon)] }
    package static var samples: [OperationSample] {
        [OperationSample(FoldedWeight(epsilon: 1e-5), [[5, 3, 3, 3], [5], [5]], positive: [2])]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let perChannel = inputs[0].shape.count / inputs[0].shape[0]
        var folded = inputs[0]
        for index in folded.elements.indices {
            let o = index / perChannel
            folded.elements[index] *= inputs[1].elements[o] / (inputs[2].elements[o] + Scalar(epsilon)).squareRoot()
        }
        return [folded]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let shape = context.inputs[0].shape
        let perChannel = shape.count / shape[0]
        let epsilon = Float(self.epsilon)
        return FunctionKernel { o in
            for channel in 0..<shape[0] {
                let factor = o.inputs[1][channel] / (o.inputs[2][channel] + epsilon).squareRoot()
                halcyon_scale(perChannel, o.inputs[0] + channel * perChannel, factor, o.outputs[0] + channel * perChannel)
            }
        }
    }
}

/// The bias that goes with `FoldedWeight`: beta + (bias - mean) gamma / sqrt(variance + epsilon).
///
/// Inputs: gamma, beta, running mean, running variance and, where the convolution has one, its bias; `[O]` each.
package struct FoldedBias: Operation {
    package static let name = "folded-bias"
    package static let isDifferentiable = false
    package var epsilon: Double

    package var attributes: Document { ["epsilon": .float(epsilon)] }
    package static var samples: [OperationSample] {
        [4, 5].map { OperationSample(FoldedBias(epsilon: 1e-5), [Shape](repeating: [7], count: $0), positive: [3]) }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        var folded = inputs[1]
        for o in folded.elements.indices {
            let factor = inputs[0].elements[o] / (inputs[3].elements[o] + Scalar(epsilon)).squareRoot()
            folded.elements[o] += ((inputs.count > 4 ? inputs[4].elements[o] : 0) - inputs[2].elements[o]) * factor
        }
        return [folded]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let count = context.inputs[0].shape.count
        let hasBias = context.inputs.count > 4
        let epsilon = Float(self.epsilon)
        return FunctionKernel { o in
            for c in 0..<count {
                let factor = o.inputs[0][c] / (o.inputs[3][c] + epsilon).squareRoot()
                o.outputs[0][c] = o.inputs[1][c] + ((hasBias ? o.inputs[4][c] : 0) - o.inputs[2][c]) * factor
            }
        }
    }
}
