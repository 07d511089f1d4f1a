import CKernels
import Documents

/// Batch normalization over N, H, W (Ioffe and Szegedy 2015), PyTorch's conventions: momentum 0.1, unbiased running variance.
///
/// Inputs: x `[N, H, W, C]`, gamma, beta, running mean, running variance `[C]`. Outputs: y; with `.batch` statistics also the
/// batch's mean and inverse deviation and the new running mean and variance, `[C]` each.
package struct BatchNormalization: Operation {
    package enum Statistics: String, Sendable {
        /// Of this batch: training.
        case batch
        /// The running ones: inference.
        case running
    }

    package static let name = "batch-normalization"
    package static let momentum = 0.1
    package var epsilon: Double
    package var statistics: Statistics
    package var activation: FusedActivation

    package init(epsilon: Double = 1e-5, statistics: Statistics = .batch, activation: FusedActivation = .none) {
        self.epsilon = epsilon
        self.statistics = statistics
        self.activation = activation
    }

    package var attributes: Document {
        ["epsilon": .float(epsilon), "statistics": .string(statistics.rawValue), "activation": .string(activation.rawValue)]
    }
    package var outputCount: Int { statistics == .batch ? 5 : 1 }

    package static var samples: [OperationSample] {
        func sample(_ x: Shape, _ operation: BatchNormalization) -> OperationSample {
            OperationSample(operation, [x] + [Shape](repeating: [x.channels], count: 4), positive: [1, 4])
        }
        return [
            sample([1, 4, 5, 1], BatchNormalization()), sample([3, 5, 3, 17], BatchNormalization()),
            sample([2, 3, 7, 16], BatchNormalization(activation: .relu)),
            sample([2, 5, 3, 24], BatchNormalization(statistics: .running)),
            sample([1, 5, 3, 7], BatchNormalization(statistics: .running, activation: .relu)),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard inputs[0].rank == 4, inputs.dropFirst().allSatisfy({ $0 == [inputs[0].channels] }) else {
            throw ShapeError("batch normalization of \(inputs[0]) with parameters \(inputs[1])")
        }
        return statistics == .batch ? [inputs[0]] + inputs[1...] : [inputs[0]]
    }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        precondition(statistics == .batch, "differentiate the training graph: running statistics are constants of inference")
        guard let upstream = builder.outputGradients[0] else { return [nil, nil, nil, nil, nil] }
        let found = builder.applyAll(
            BatchNormalizationGradient(activation: activation), builder.inputs[0], builder.inputs[1], builder.inputs[2],
            builder.outputs[1], builder.outputs[2], upstream)
        return [found[0], found[1], found[2], nil, nil]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let normalization = RenewedNormalization(activation: activation)
        guard statistics == .batch else {
            let inverse = inputs[4].map { 1 / ($0 + Scalar(epsilon)).squareRoot() }
            return normalization.reference(inputs[0..<4] + [inverse])
        }
        let found = BatchStatistics(epsilon: epsilon).reference([inputs[0], inputs[3], inputs[4]])
        return normalization.reference(Array(inputs[0..<3] + found[0..<2])) + found
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, y) = (context.inputs[0], context.outputs[0])
        let (pixels, channels) = (x.shape.pixels, x.shape.channels)
        let (epsilon, relu) = (Float(self.epsilon), Int32(activation == .relu ? 1 : 0))
        if statistics == .running {
            return FunctionKernel { o in
                halcyon_batch_norm_inference(
                    pixels, channels, o.inputs[0], x.pitch, o.inputs[1], o.inputs[2], o.inputs[3], o.inputs[4], epsilon, relu,
                    o.outputs[0], y.pitch)
            }
        }
        let statistics = BatchStatistics(epsilon: self.epsilon)
        return FunctionKernel(scratchBytes: Self.scratchBytes(context)) { o in
            statistics.find(o, x, running: 3, found: 1)
            halcyon_batch_norm_apply(
                pixels, channels, o.inputs[0], x.pitch, o.inputs[1], o.inputs[2], o.outputs[1], o.outputs[2], relu, o.outputs[0],
                y.pitch)
        }
    }

    static func scratchBytes(_ context: KernelContext) -> Int {
        context.threads * Int(HALCYON_BATCH_NORM_SCRATCH) * MemoryLayout<Double>.stride
    }
}

/// What `BatchNormalization` finds in training, without the map that it makes (`fuseNormalization`).
///
/// Inputs: x `[N, H, W, C]`, running mean, running variance `[C]`. Outputs: the batch's mean and inverse deviation and the new running
/// mean and variance, `[C]` each.
package struct BatchStatistics: Operation {
    package static let name = "batch-statistics"
    package static let isDifferentiable = false
    package var epsilon = 1e-5

    package var attributes: Document { ["epsilon": .float(epsilon)] }
    package var outputCount: Int { 4 }
    package var mixesImages: Bool { true }

    package static var samples: [OperationSample] {
        [[3, 5, 3, 17], [1, 4, 5, 1], [2, 9, 7, 48]].map { (x: Shape) in
            OperationSample(BatchStatistics(), [x, [x.channels], [x.channels]], positive: [2])
        }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard inputs[0].rank == 4, inputs.dropFirst().allSatisfy({ $0 == [inputs[0].channels] }) else {
            throw ShapeError("batch statistics of \(inputs[0]) with running ones \(inputs[1])")
        }
        return [inputs[1], inputs[1], inputs[1], inputs[1]]
    }

    package func reach(_ inputs: [Shape]) -> Int? { nil }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let x = inputs[0], channels = x.shape.channels, count = Scalar(x.shape.pixels)
        var mean = Tensor<Scalar>([channels]), variance = Tensor<Scalar>([channels])
        for (index, value) in x.elements.enumerated() { mean.elements[index % channels] += value / count }
        for (index, value) in x.elements.enumerated() {
            let difference = value - mean.elements[index % channels]
            variance.elements[index % channels] += difference * difference / count
        }
        let momentum = Scalar(BatchNormalization.momentum)
        let unbiased = count > 1 ? count / (count - 1) : 1
        return [
            mean, variance.map { 1 / ($0 + Scalar(epsilon)).squareRoot() },
            Tensor.zip(inputs[1], mean) { (1 - momentum) * $0 + momentum * $1 },
            Tensor.zip(inputs[2], variance) { (1 - momentum) * $0 + momentum * $1 * unbiased },
        ]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let x = context.inputs[0]
        return FunctionKernel(scratchBytes: BatchNormalization.scratchBytes(context)) { o in find(o, x, running: 1, found: 0) }
    }

    /// Finds the statistics of the first operand. The running ones are operands from the place `running` on, and what is found goes to
    /// outputs from the place `found` on.
    func find(_ o: Operands, _ x: KernelContext.View, running: Int, found: Int) {
        let channels = x.shape.channels
        for place in 0..<2 { o.outputs[found + 2 + place].update(from: o.inputs[running + place], count: channels) }
        halcyon_batch_norm_statistics(
            x.shape.pixels, channels, o.inputs[0], x.pitch, Float(epsilon), Float(BatchNormalization.momentum), o.outputs[found],
            o.outputs[found + 1], o.outputs[found + 2], o.outputs[found + 3], o.scratch.assumingMemoryBound(to: Double.self))
    }
}

/// What `BatchNormalization` made in training, made again with the batch's statistics that it found, to the last bit.
///
/// Inputs: x `[N, H, W, C]`, gamma, beta, mean, inverse deviation `[C]`. Output: y.
package struct RenewedNormalization: Operation {
    package static let name = "renewed-normalization"
    package static let isDifferentiable = false
    package var activation: FusedActivation

    package init(activation: FusedActivation) { self.activation = activation }

    package var attributes: Document { ["activation": .string(activation.rawValue)] }

    package static var samples: [OperationSample] {
        [FusedActivation.none, .relu].map { activation in
            OperationSample(RenewedNormalization(activation: activation), [[2, 3, 5, 17], [17], [17], [17], [17]], positive: [4])
        }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let channels = inputs[0].shape.channels
        var y = inputs[0]
        for index in y.elements.indices {
            let c = index % channels
            let value = (y.elements[index] - inputs[3].elements[c]) * inputs[4].elements[c] * inputs[1].elements[c] + inputs[2].elements[c]
            y.elements[index] = activation == .relu ? max(0, value) : value
        }
        return [y]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, y) = (context.inputs[0], context.outputs[0])
        let relu = Int32(activation == .relu ? 1 : 0)
        return FunctionKernel { o in
            halcyon_batch_norm_apply(
                x.shape.pixels, x.shape.channels, o.inputs[0], x.pitch, o.inputs[1], o.inputs[2], o.inputs[3], o.inputs[4], relu,
                o.outputs[0], y.pitch)
        }
    }
}

/// The gradients of training-mode batch normalization, the activation's mask recomputed from x.
///
/// Inputs: x, gamma, beta, mean, inverse deviation, dy. Outputs: dx, dgamma, dbeta.
package struct BatchNormalizationGradient: Operation {
    package static let name = "batch-normalization-gradient"
    package var mixesImages: Bool { true }
    package static let isDifferentiable = false
    package var activation: FusedActivation

    package var attributes: Document { ["activation": .string(activation.rawValue)] }
    package var outputCount: Int { 3 }
    package var inPlaceInput: Int? { 5 }

    package static var samples: [OperationSample] {
        [FusedActivation.none, .relu].map { activation in
            let c: Shape = [17]
            return OperationSample(
                BatchNormalizationGradient(activation: activation), [[2, 3, 5, 17], c, c, c, c, [2, 3, 5, 17]], positive: [4])
        }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0], inputs[1], inputs[2]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let (x, gamma, beta, mean, inverse) = (inputs[0], inputs[1], inputs[2], inputs[3], inputs[4])
        var dy = inputs[5]
        let channels = x.shape.channels
        let count = Scalar(x.shape.pixels)
        var dx = x, dgamma = gamma.map { _ in 0 }, dbeta = beta.map { _ in 0 }
        func normalized(_ index: Int) -> Scalar {
            (x.elements[index] - mean.elements[index % channels]) * inverse.elements[index % channels]
        }
        for index in x.elements.indices {
            let c = index % channels
            if activation == .relu, normalized(index) * gamma.elements[c] + beta.elements[c] <= 0 { dy.elements[index] = 0 }
            dgamma.elements[c] += dy.elements[index] * normalized(index)
            dbeta.elements[c] += dy.elements[index]
        }
        for index in x.elements.indices {
            let c = index % channels
            let centred = dy.elements[index] - (dbeta.elements[c] + normalized(index) * dgamma.elements[c]) / count
            dx.elements[index] = gamma.elements[c] * inverse.elements[c] * centred
        }
        return [dx, dgamma, dbeta]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, dy, dx) = (context.inputs[0], context.inputs[5], context.outputs[0])
        let relu = Int32(activation == .relu ? 1 : 0)
        return FunctionKernel(scratchBytes: BatchNormalization.scratchBytes(context)) { o in
            halcyon_batch_norm_backward(
                x.shape.pixels, x.shape.channels, o.inputs[0], x.pitch, o.inputs[5], dy.pitch, o.inputs[1], o.inputs[2],
                o.inputs[3], o.inputs[4], relu, o.outputs[0], dx.pitch, o.outputs[1], o.outputs[2],
                o.scratch.assumingMemoryBound(to: Double.self))
        }
    }
}
