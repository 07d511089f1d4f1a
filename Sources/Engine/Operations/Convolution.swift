import Documents

/// An activation that a convolution or a batch norm applies to its output.
package enum FusedActivation: String, Sendable {
    case none, relu
}

/// 2-D convolution (cross-correlation), stride 1, zero padding that keeps the size.
///
/// Inputs: x `[N, H, W, I]`, weight `[O, I, K, K]` with odd K, optionally bias `[O]`, and where it adds a residual (`fuseResidual`),
/// that, `[N, H, W, O]`. Output: the activation of their sum, `[N, H, W, O]`. MACs: N H W O I K².
package struct Convolution: Operation {
    package static let name = "convolution"
    package var dilation: Int
    package var activation: FusedActivation
    /// Whether the last input is added; only for weights of which `canAddResidual`.
    package var addsResidual = false

    package init(dilation: Int = 1, activation: FusedActivation = .none) {
        self.dilation = dilation
        self.activation = activation
    }

    init(activation: FusedActivation = .none, addsResidual: Bool) {
        self.init(activation: activation)
        self.addsResidual = addsResidual
    }

    package var attributes: Document {
        ["dilation": .int(dilation), "activation": .string(activation.rawValue), "residual": .bool(addsResidual)]
    }
    func hasBias(_ count: Int) -> Bool { count - (addsResidual ? 1 : 0) > 2 }

    package static var samples: [OperationSample] {
        [
            OperationSample(Convolution(), [[1, 5, 4, 1], [3, 1, 3, 3]]),
            OperationSample(Convolution(), [[3, 7, 5, 5], [17, 5, 3, 3], [17]]),
            OperationSample(Convolution(), [[1, 6, 9, 16], [1, 16, 3, 3], [1]]),
            OperationSample(Convolution(), [[2, 5, 5, 24], [8, 24, 1, 1], [8]]),
            OperationSample(Convolution(), [[1, 9, 8, 3], [4, 3, 5, 5]]),
            OperationSample(Convolution(dilation: 2), [[1, 9, 7, 4], [6, 4, 3, 3], [6]]),
            OperationSample(Convolution(activation: .relu), [[2, 6, 5, 6], [10, 6, 3, 3], [10]]),
            OperationSample(Convolution(activation: .relu), [[1, 5, 5, 1], [32, 1, 3, 3], [32]]),
            OperationSample(Convolution(), [[2, 6, 7, 16], [32, 16, 3, 3], [32]]),
            OperationSample(Convolution(activation: .relu), [[1, 13, 10, 33], [50, 33, 3, 3], [50]]),
            OperationSample(Convolution(), [[3, 12, 9, 40], [67, 40, 3, 3]]),
            OperationSample(Convolution(), [[1, 9, 8, 12], [2, 12, 7, 7], [2]]),
            OperationSample(Convolution(activation: .relu), [[3, 7, 11, 17], [66, 17, 1, 1], [66]]),
            OperationSample(Convolution(), [[1, 9, 7, 70], [33, 70, 1, 1]]),
            OperationSample(Convolution(), [[2, 1, 1, 48], [144, 48, 1, 1], [144]]),
            OperationSample(Convolution(dilation: 3), [[1, 9, 8, 8], [3, 8, 3, 3]]),
            OperationSample(Convolution(addsResidual: true), [[2, 7, 6, 9], [18, 9, 1, 1], [18], [2, 7, 6, 18]]),
            OperationSample(Convolution(activation: .relu, addsResidual: true), [[1, 9, 6, 8], [5, 8, 3, 3], [1, 9, 6, 5]]),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        let (x, weight) = (inputs[0], inputs[1])
        guard x.rank == 4, weight.rank == 4 else { throw ShapeError("convolution of \(x) with weights \(weight)") }
        guard x[3] == weight[1] else { throw ShapeError("weights \(weight) expect \(weight[1]) channels, found \(x[3])") }
        guard weight[2] == weight[3], weight[2] % 2 == 1 else {
            throw ShapeError("a kernel must be square and odd, found \(weight[2])x\(weight[3])")
        }
        guard !hasBias(inputs.count) || inputs[2] == [weight[0]] else { throw ShapeError("bias \(inputs[2]) for \(weight[0]) channels") }
        let output = x.with(channels: weight[0])
        guard !addsResidual || inputs.last == output else { throw ShapeError("residual \(inputs[inputs.count - 1]) for \(output)") }
        return [output]
    }

    package func reach(_ inputs: [Shape]) -> Int? { dilation * (inputs[1][2] / 2) }

    package func macs(_ inputs: [Shape], _ outputs: [Shape]) -> Int {
        outputs[0].count * inputs[1][1] * inputs[1][2] * inputs[1][3]
    }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        guard var upstream = builder.outputGradients[0] else { return builder.inputs.map { _ in nil } }
        if activation == .relu {
            upstream = builder.apply(RectifiedLinearGradient(), builder.outputs[0], upstream, name: "activation-gradient")
        }
        let hasBias = hasBias(builder.inputs.count)
        let x = builder.apply(
            ConvolutionInputGradient(dilation: dilation), upstream, builder.inputs[1], name: "input-gradient")
        let weight = builder.applyAll(
            ConvolutionWeightGradient(dilation: dilation, hasBias: hasBias), builder.inputs[0], upstream,
            builder.inputs[1], name: "weight-gradient")
        return [x] + weight + (addsResidual ? [upstream] : [])
    }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let (x, weight) = (inputs[0], inputs[1])
        var y = Tensor<Scalar>(x.shape.with(channels: weight.shape[0]))
        forEachTap(x.shape, weight.shape, dilation) { pixel, neighbour, kh, kw in
            for o in 0..<weight.shape[0] {
                var sum: Scalar = 0
                for i in 0..<weight.shape[1] {
                    sum += x.elements[neighbour * weight.shape[1] + i] * weight.elements[weightIndex(weight.shape, o, i, kh, kw)]
                }
                y.elements[pixel * weight.shape[0] + o] += sum
            }
        }
        let channels = weight.shape[0]
        for index in y.elements.indices {
            if hasBias(inputs.count) { y.elements[index] += inputs[2].elements[index % channels] }
            if addsResidual { y.elements[index] += inputs[inputs.count - 1].elements[index] }
            if activation == .relu, y.elements[index] < 0 { y.elements[index] = 0 }
        }
        return [y]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        try convolutionKernel(
            .forward, context, x: context.inputs[0], y: context.outputs[0], weight: context.inputs[1].shape,
            dilation: dilation, hasBias: hasBias(context.inputs.count), relu: activation == .relu,
            residual: addsResidual ? context.inputs.last : nil)
    }
}

/// The gradient of a convolution with respect to its input: the transposed convolution.
///
/// Inputs: dy `[N, H, W, O]`, weight `[O, I, K, K]` and, where it adds another gradient of x (`fuseResidual`), that. Output: dx
/// `[N, H, W, I]`.
package struct ConvolutionInputGradient: Operation {
    package static let name = "convolution-input-gradient"
    package static let isDifferentiable = false
    package var dilation: Int
    var addsResidual = false

    package var attributes: Document { ["dilation": .int(dilation), "residual": .bool(addsResidual)] }
    package var inPlaceInput: Int? { addsResidual ? 2 : nil }

    package static var samples: [OperationSample] {
        [
            OperationSample(ConvolutionInputGradient(dilation: 1), [[2, 5, 7, 3], [3, 17, 3, 3]]),
            OperationSample(ConvolutionInputGradient(dilation: 1), [[2, 5, 4, 32], [32, 1, 3, 3]]),
            OperationSample(ConvolutionInputGradient(dilation: 1), [[1, 5, 4, 1], [1, 24, 3, 3]]),
            OperationSample(ConvolutionInputGradient(dilation: 1), [[2, 6, 7, 32], [32, 16, 3, 3]]),
            OperationSample(ConvolutionInputGradient(dilation: 1), [[1, 13, 10, 33], [33, 50, 3, 3]]),
            OperationSample(ConvolutionInputGradient(dilation: 1), [[1, 7, 6, 6], [6, 5, 5, 5]]),
            OperationSample(ConvolutionInputGradient(dilation: 1), [[1, 8, 9, 16], [16, 3, 7, 7]]),
            OperationSample(ConvolutionInputGradient(dilation: 2), [[2, 9, 7, 17], [17, 16, 3, 3]]),
            OperationSample(ConvolutionInputGradient(dilation: 2), [[1, 9, 7, 24], [24, 1, 3, 3]]),
            OperationSample(ConvolutionInputGradient(dilation: 1), [[2, 5, 4, 8], [8, 12, 1, 1]]),
            OperationSample(ConvolutionInputGradient(dilation: 1), [[1, 9, 11, 35], [35, 81, 1, 1]]),
            OperationSample(ConvolutionInputGradient(dilation: 1, addsResidual: true), [[2, 6, 7, 12], [12, 9, 1, 1], [2, 6, 7, 9]]),
            OperationSample(ConvolutionInputGradient(dilation: 1, addsResidual: true), [[1, 8, 9, 5], [5, 20, 3, 3], [1, 8, 9, 20]]),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0].with(channels: inputs[1][1])] }

    package func macs(_ inputs: [Shape], _ outputs: [Shape]) -> Int { inputs[0].pixels * inputs[1].count }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let (dy, weight) = (inputs[0], inputs[1])
        var dx = addsResidual ? inputs[2] : Tensor<Scalar>(dy.shape.with(channels: weight.shape[1]))
        forEachTap(dx.shape, weight.shape, dilation) { pixel, neighbour, kh, kw in
            for o in 0..<weight.shape[0] {
                let upstream = dy.elements[pixel * weight.shape[0] + o]
                for i in 0..<weight.shape[1] {
                    dx.elements[neighbour * weight.shape[1] + i] +=
                        upstream * weight.elements[weightIndex(weight.shape, o, i, kh, kw)]
                }
            }
        }
        return [dx]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        try convolutionKernel(
            .inputGradient, context, x: context.outputs[0], y: context.inputs[0], weight: context.inputs[1].shape,
            dilation: dilation, hasBias: false, relu: false, residual: addsResidual ? context.inputs[2] : nil)
    }
}

/// The gradients of a convolution with respect to its weight and, where it has one, its bias.
///
/// Inputs: x `[N, H, W, I]`, dy `[N, H, W, O]`, weight `[O, I, K, K]` (for its shape). Outputs: dw `[O, I, K, K]`, db `[O]`.
package struct ConvolutionWeightGradient: Operation {
    package static let name = "convolution-weight-gradient"
    package static let isDifferentiable = false
    package var dilation: Int
    package var hasBias: Bool

    init(dilation: Int, hasBias: Bool) {
        self.dilation = dilation
        self.hasBias = hasBias
    }

    package var attributes: Document { ["dilation": .int(dilation), "bias": .bool(hasBias)] }
    package var outputCount: Int { hasBias ? 2 : 1 }

    package static var samples: [OperationSample] {
        [
            OperationSample(
                ConvolutionWeightGradient(dilation: 1, hasBias: true), [[2, 5, 7, 17], [2, 5, 7, 3], [3, 17, 3, 3]]),
            OperationSample(
                ConvolutionWeightGradient(dilation: 1, hasBias: false), [[2, 5, 4, 1], [2, 5, 4, 32], [32, 1, 3, 3]]),
            OperationSample(
                ConvolutionWeightGradient(dilation: 1, hasBias: true), [[1, 5, 4, 24], [1, 5, 4, 1], [1, 24, 1, 1]]),
            OperationSample(
                ConvolutionWeightGradient(dilation: 1, hasBias: true), [[2, 6, 7, 16], [2, 6, 7, 32], [32, 16, 3, 3]]),
            OperationSample(
                ConvolutionWeightGradient(dilation: 1, hasBias: true), [[3, 13, 10, 33], [3, 13, 10, 50], [50, 33, 3, 3]]),
            OperationSample(
                ConvolutionWeightGradient(dilation: 1, hasBias: false), [[1, 7, 6, 5], [1, 7, 6, 6], [6, 5, 5, 5]]),
            OperationSample(
                ConvolutionWeightGradient(dilation: 1, hasBias: true), [[1, 8, 9, 16], [1, 8, 9, 3], [3, 16, 7, 7]]),
            OperationSample(
                ConvolutionWeightGradient(dilation: 2, hasBias: true), [[2, 9, 7, 16], [2, 9, 7, 17], [17, 16, 3, 3]]),
            OperationSample(
                ConvolutionWeightGradient(dilation: 2, hasBias: false), [[1, 9, 7, 1], [1, 9, 7, 32], [32, 1, 3, 3]]),
            OperationSample(
                ConvolutionWeightGradient(dilation: 1, hasBias: true), [[2, 5, 4, 12], [2, 5, 4, 8], [8, 12, 1, 1]]),
            OperationSample(
                ConvolutionWeightGradient(dilation: 1, hasBias: true), [[3, 9, 11, 19], [3, 9, 11, 66], [66, 19, 1, 1]]),
            OperationSample(
                ConvolutionWeightGradient(dilation: 1, hasBias: false), [[1, 12, 13, 65], [1, 12, 13, 9], [9, 65, 1, 1]]),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { hasBias ? [inputs[2], [inputs[2][0]]] : [inputs[2]] }

    package func macs(_ inputs: [Shape], _ outputs: [Shape]) -> Int { inputs[0].pixels * inputs[2].count }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let (x, dy, shape) = (inputs[0], inputs[1], inputs[2].shape)
        var dw = Tensor<Scalar>(shape)
        forEachTap(x.shape, shape, dilation) { pixel, neighbour, kh, kw in
            for o in 0..<shape[0] {
                let upstream = dy.elements[pixel * shape[0] + o]
                for i in 0..<shape[1] {
                    dw.elements[weightIndex(shape, o, i, kh, kw)] += upstream * x.elements[neighbour * shape[1] + i]
                }
            }
        }
        guard hasBias else { return [dw] }
        var db = Tensor<Scalar>([shape[0]])
        for (index, value) in dy.elements.enumerated() { db.elements[index % shape[0]] += value }
        return [dw, db]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        try convolutionKernel(
            .weightGradient, context, x: context.inputs[0], y: context.inputs[1], weight: context.inputs[2].shape,
            dilation: dilation, hasBias: hasBias, relu: false)
    }
}

/// Whether the fastest kernel of a convolution with these weights can add a residual to what it writes.
func canAddResidual(_ weight: Shape, dilation: Int) -> Bool {
    PointwiseKernel.suits(weight) || Convolution3Kernel.suits(weight: weight, dilation: dilation)
}

/// The kernel of a convolution in one direction, whichever form is the fastest.
private func convolutionKernel(
    _ direction: ConvolutionKernel.Direction, _ context: KernelContext, x: KernelContext.View, y: KernelContext.View,
    weight: Shape, dilation: Int, hasBias: Bool, relu: Bool, residual: KernelContext.View? = nil
) throws -> any Kernel {
    if PointwiseKernel.suits(weight) {
        switch direction {
        case .forward: return PointwiseKernel(context, x: x, y: y, weight: weight, hasBias: hasBias, relu: relu, residual: residual)
        case .inputGradient: return PointwiseKernel(context, x: y, y: x, weight: weight, isTransposed: true, residual: residual)
        case .weightGradient: return PointwiseGradientKernel(context, x: x, dy: y, weight: weight, hasBias: hasBias)
        }
    }
    if Convolution3Kernel.suits(weight: weight, dilation: dilation) {
        return Convolution3Kernel(direction, context, x: x, y: y, weight: weight, hasBias: hasBias, relu: relu, residual: residual)
    }
    guard residual == nil else { throw ShapeError("no kernel adds a residual to a convolution with weights \(weight)") }
    return try ConvolutionKernel(
        direction, context, x: x, y: y, weight: weight, dilation: dilation, hasBias: hasBias, relu: relu)
}

private func weightIndex(_ shape: Shape, _ o: Int, _ i: Int, _ kh: Int, _ kw: Int) -> Int {
    ((o * shape[1] + i) * shape[2] + kh) * shape[3] + kw
}

/// Visits every (output pixel, input pixel, kernel row, kernel column) of a same-size convolution; pixels as flat indices.
@inline(__always)
private func forEachTap(_ x: Shape, _ weight: Shape, _ dilation: Int, _ visit: (Int, Int, Int, Int) -> Void) {
    let half = weight[2] / 2
    for n in 0..<x.batch {
        for h in 0..<x.height {
            for w in 0..<x.width {
                for kh in 0..<weight[2] {
                    let row = h + (kh - half) * dilation
                    guard row >= 0, row < x.height else { continue }
                    for kw in 0..<weight[3] {
                        let column = w + (kw - half) * dilation
                        guard column >= 0, column < x.width else { continue }
                        visit((n * x.height + h) * x.width + w, (n * x.height + row) * x.width + column, kh, kw)
                    }
                }
            }
        }
    }
}
