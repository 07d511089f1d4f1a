import CKernels
import Documents

/// Layer normalization (Ba, Kiros and Hinton 2016) over the channels of each pixel, biased variance, as PyTorch:
/// (x - mean) / sqrt(variance + epsilon) gamma + beta.
///
/// Inputs: x `[N, H, W, C]`, gamma, beta `[C]`. Output: `[N, H, W, C]`.
package struct LayerNormalization: Operation {
    package static let name = "layer-normalization"
    package var epsilon: Double

    package init(epsilon: Double = 1e-5) { self.epsilon = epsilon }

    package var attributes: Document { ["epsilon": .float(epsilon)] }
    package var inPlaceInput: Int? { 0 }

    package static var samples: [OperationSample] {
        let shapes: [Shape] = [[1, 4, 5, 2], [3, 3, 5, 17], [2, 3, 7, 16], [1, 9, 15, 33], [1, 2, 3, 48]]
        return shapes.map { OperationSample(LayerNormalization(), [$0, [$0.channels], [$0.channels]]) }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard inputs[0].rank == 4, inputs[1] == [inputs[0].channels], inputs[2] == inputs[1] else {
            throw ShapeError("layer normalization of \(inputs[0]) with parameters \(inputs[1])")
        }
        return [inputs[0]]
    }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        guard let upstream = builder.outputGradients[0] else { return [nil, nil, nil] }
        return builder.applyAll(LayerNormalizationGradient(epsilon: epsilon), builder.inputs[0], builder.inputs[1], upstream)
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        var (y, _) = normalized(inputs[0], epsilon: epsilon)
        let channels = y.shape.channels
        for index in y.elements.indices {
            y.elements[index] = y.elements[index] * inputs[1].elements[index % channels] + inputs[2].elements[index % channels]
        }
        return [y]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, y, epsilon) = (context.inputs[0], context.outputs[0], Float(self.epsilon))
        return FunctionKernel { o in
            halcyon_layer_norm(
                x.shape.pixels, x.shape.channels, o.inputs[0], x.pitch, o.inputs[1], o.inputs[2], epsilon, o.outputs[0], y.pitch)
        }
    }
}

/// The gradients of layer normalization, the statistics recomputed from x.
///
/// Inputs: x, gamma, dy. Outputs: dx, dgamma, dbeta.
package struct LayerNormalizationGradient: Operation {
    package static let name = "layer-normalization-gradient"
    package static let isDifferentiable = false
    package var epsilon: Double

    package var attributes: Document { ["epsilon": .float(epsilon)] }
    package var outputCount: Int { 3 }
    package var inPlaceInput: Int? { 2 }

    package static var samples: [OperationSample] {
        let shapes: [Shape] = [[2, 3, 5, 17], [1, 4, 3, 3], [1, 9, 17, 32], [3, 2, 3, 48]]
        return shapes.map { OperationSample(LayerNormalizationGradient(epsilon: 1e-5), [$0, [$0.channels], $0]) }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0], inputs[1], inputs[1]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let (gamma, dy) = (inputs[1], inputs[2])
        let (x, inverse) = normalized(inputs[0], epsilon: epsilon)
        let channels = x.shape.channels
        var dx = x, dgamma = gamma.map { _ in 0 }, dbeta = dgamma
        for pixel in 0..<x.shape.pixels {
            var ofOne: Scalar = 0, ofX: Scalar = 0
            for c in 0..<channels {
                let index = pixel * channels + c
                dgamma.elements[c] += dy.elements[index] * x.elements[index]
                dbeta.elements[c] += dy.elements[index]
                ofOne += dy.elements[index] * gamma.elements[c] / Scalar(channels)
                ofX += dy.elements[index] * gamma.elements[c] * x.elements[index] / Scalar(channels)
            }
            for c in 0..<channels {
                let index = pixel * channels + c
                dx.elements[index] = inverse[pixel] * (dy.elements[index] * gamma.elements[c] - ofOne - x.elements[index] * ofX)
            }
        }
        return [dx, dgamma, dbeta]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, dy, dx, epsilon) = (context.inputs[0], context.inputs[2], context.outputs[0], Float(self.epsilon))
        let channels = x.shape.channels
        return FunctionKernel(scratchBytes: context.threads * 2 * channels * MemoryLayout<Double>.size) { o in
            halcyon_layer_norm_backward(
                x.shape.pixels, channels, o.inputs[0], x.pitch, o.inputs[2], dy.pitch, o.inputs[1], epsilon, o.outputs[0],
                dx.pitch, o.outputs[1], o.outputs[2], o.scratch.assumingMemoryBound(to: Double.self))
        }
    }
}

/// (x - mean) / sqrt(variance + epsilon), and the inverse deviation of each pixel.
private func normalized<Scalar: ReferenceScalar>(_ x: Tensor<Scalar>, epsilon: Double) -> (Tensor<Scalar>, [Scalar]) {
    let channels = x.shape.channels
    var y = x, inverses: [Scalar] = []
    for pixel in 0..<x.shape.pixels {
        let range = pixel * channels..<(pixel + 1) * channels
        let mean = x.elements[range].reduce(0, +) / Scalar(channels)
        let variance = x.elements[range].reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Scalar(channels)
        let inverse = 1 / (variance + Scalar(epsilon)).squareRoot()
        for index in range { y.elements[index] = (x.elements[index] - mean) * inverse }
        inverses.append(inverse)
    }
    return (y, inverses)
}
