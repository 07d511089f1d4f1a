import CKernels
import Documents

/// Convolution of each channel with a kernel of its own, stride 1, zero padding that keeps the size; perhaps of an activation of
/// its input (`fuseSmoothActivation`).
///
/// Inputs: x `[N, H, W, C]`, weight `[C, 1, K, K]` with K 3, 5 or 7, optionally bias `[C]`. Output: `[N, H, W, C]`.
/// MACs: N H W C K².
package struct DepthwiseConvolution: Operation {
    package static let name = "depthwise-convolution"
    package var dilation: Int
    /// Applied to x first, before the padding.
    package var inputActivation: SmoothActivation.Kind?

    package init(dilation: Int = 1, inputActivation: SmoothActivation.Kind? = nil) {
        self.dilation = dilation
        self.inputActivation = inputActivation
    }

    package var attributes: Document {
        ["dilation": .int(dilation), "input-activation": .string(inputActivation?.rawValue ?? "none")]
    }

    package static var samples: [OperationSample] {
        [
            OperationSample(DepthwiseConvolution(), [[1, 5, 4, 1], [1, 1, 3, 3]]),
            OperationSample(DepthwiseConvolution(), [[3, 7, 19, 5], [5, 1, 3, 3], [5]]),
            OperationSample(DepthwiseConvolution(), [[1, 3, 9, 82], [82, 1, 3, 3], [82]]),
            OperationSample(DepthwiseConvolution(), [[2, 6, 9, 17], [17, 1, 5, 5], [17]]),
            OperationSample(DepthwiseConvolution(), [[1, 8, 17, 6], [6, 1, 7, 7]]),
            OperationSample(DepthwiseConvolution(dilation: 2), [[1, 9, 7, 12], [12, 1, 3, 3], [12]]),
            OperationSample(DepthwiseConvolution(dilation: 3), [[1, 1, 2, 3], [3, 1, 5, 5]]),
            OperationSample(DepthwiseConvolution(inputActivation: .hardSwish), [[3, 5, 11, 18], [18, 1, 3, 3], [18]]),
            OperationSample(DepthwiseConvolution(inputActivation: .sigmoid), [[1, 5, 9, 3], [3, 1, 5, 5]]),
            OperationSample(DepthwiseConvolution(dilation: 2, inputActivation: .gelu), [[1, 9, 8, 4], [4, 1, 7, 7], [4]]),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        let (x, weight) = (inputs[0], inputs[1])
        guard x.rank == 4, weight.rank == 4, weight[0] == x[3], weight[1] == 1 else {
            throw ShapeError("depthwise convolution of \(x) with weights \(weight)")
        }
        guard weight[2] == weight[3], [3, 5, 7].contains(weight[2]) else {
            throw ShapeError("a depthwise kernel is 3x3, 5x5 or 7x7, found \(weight[2])x\(weight[3])")
        }
        guard inputs.count < 3 || inputs[2] == [weight[0]] else { throw ShapeError("bias \(inputs[2]) for \(weight[0]) channels") }
        return [x]
    }

    package func reach(_ inputs: [Shape]) -> Int? { dilation * (inputs[1][2] / 2) }

    package func macs(_ inputs: [Shape], _ outputs: [Shape]) -> Int { outputs[0].count * inputs[1][2] * inputs[1][3] }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        guard let upstream = builder.outputGradients[0] else { return builder.inputs.map { _ in nil } }
        let inputGradient = DepthwiseInputGradient(dilation: dilation, inputActivation: inputActivation)
        let (x, weight) = (builder.inputs[0], builder.inputs[1])
        let dx =
            inputActivation == nil
            ? builder.apply(inputGradient, upstream, weight, name: "input-gradient")
            : builder.apply(inputGradient, upstream, weight, x, name: "input-gradient")
        let weightGradient = DepthwiseWeightGradient(
            dilation: dilation, hasBias: builder.inputs.count > 2, inputActivation: inputActivation)
        return [dx] + builder.applyAll(weightGradient, x, upstream, weight, name: "weight-gradient")
    }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let x = inputActivation.map { kind in inputs[0].map { kind.value($0) } } ?? inputs[0]
        let weight = inputs[1]
        var y = Tensor<Scalar>(x.shape)
        forEachDepthwiseTap(x.shape, weight.shape, dilation) { target, source, tap in
            y.elements[target] += x.elements[source] * weight.elements[tap]
        }
        if inputs.count > 2 { for index in y.elements.indices { y.elements[index] += inputs[2].elements[index % x.shape.channels] } }
        return [y]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, y, weight) = (context.inputs[0], context.outputs[0], context.inputs[1].shape)
        let (dilation, kernel, hasBias) = (dilation, Int32(weight[2]), context.inputs.count > 2)
        let code = SmoothActivation.Kind.code(inputActivation)
        return DepthwiseKernel(context, weight: weight, dilation: dilation, isFlipped: false) { o, prepared in
            halcyon_depthwise(
                x.shape.batch, x.shape.height, x.shape.width, x.shape.channels, kernel, dilation, code, nil, o.inputs[0], x.pitch,
                prepared, hasBias ? o.inputs[2] : nil, HALCYON_ACTIVATION_NONE, nil, 0, o.outputs[0], y.pitch, o.scratch)
        }
    }
}

/// The gradient of a depthwise convolution with respect to its input.
///
/// Inputs: dy `[N, H, W, C]`, weight `[C, 1, K, K]` and, with an activation, the convolution's input x. Output: dx.
package struct DepthwiseInputGradient: Operation {
    package static let name = "depthwise-convolution-input-gradient"
    package static let isDifferentiable = false
    package var dilation: Int
    package var inputActivation: SmoothActivation.Kind?

    package var attributes: Document {
        ["dilation": .int(dilation), "input-activation": .string(inputActivation?.rawValue ?? "none")]
    }

    package static var samples: [OperationSample] {
        func sample(_ x: Shape, _ kernel: Int, dilation: Int = 1, _ kind: SmoothActivation.Kind? = nil) -> OperationSample {
            OperationSample(
                DepthwiseInputGradient(dilation: dilation, inputActivation: kind),
                [x, [x.channels, 1, kernel, kernel]] + (kind == nil ? [] : [x]))
        }
        return [
            sample([2, 5, 7, 3], 3), sample([3, 6, 9, 17], 5), sample([1, 8, 9, 66], 7), sample([1, 9, 7, 16], 3, dilation: 2),
            sample([3, 5, 11, 18], 3, .hardSwish), sample([1, 5, 4, 5], 5, .gelu),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func macs(_ inputs: [Shape], _ outputs: [Shape]) -> Int { inputs[0].count * inputs[1][2] * inputs[1][3] }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let (dy, weight) = (inputs[0], inputs[1])
        var dx = Tensor<Scalar>(dy.shape)
        forEachDepthwiseTap(dy.shape, weight.shape, dilation) { target, source, tap in
            dx.elements[source] += dy.elements[target] * weight.elements[tap]
        }
        guard let kind = inputActivation else { return [dx] }
        return [Tensor.zip(dx, inputs[2]) { $0 * kind.derivative($1) }]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (dy, dx, weight) = (context.inputs[0], context.outputs[0], context.inputs[1].shape)
        let (dilation, kernel, isActivated) = (dilation, Int32(weight[2]), inputActivation != nil)
        let code = SmoothActivation.Kind.code(inputActivation)
        let argumentPitch = isActivated ? context.inputs[2].pitch : 0
        return DepthwiseKernel(context, weight: weight, dilation: dilation, isFlipped: true) { o, prepared in
            halcyon_depthwise(
                dy.shape.batch, dy.shape.height, dy.shape.width, dy.shape.channels, kernel, dilation, HALCYON_ACTIVATION_NONE,
                nil, o.inputs[0], dy.pitch, prepared, nil, code, isActivated ? o.inputs[2] : nil, argumentPitch, o.outputs[0], dx.pitch,
                o.scratch)
        }
    }
}

/// The gradients of a depthwise convolution with respect to its weight and, where it has one, its bias.
///
/// Inputs: x `[N, H, W, C]`, dy, weight `[C, 1, K, K]` (for its shape). Outputs: dw, db `[C]`.
package struct DepthwiseWeightGradient: Operation {
    package static let name = "depthwise-convolution-weight-gradient"
    package static let isDifferentiable = false
    package var dilation: Int
    package var hasBias: Bool
    package var inputActivation: SmoothActivation.Kind?

    package var attributes: Document {
        [
            "dilation": .int(dilation), "bias": .bool(hasBias),
            "input-activation": .string(inputActivation?.rawValue ?? "none"),
        ]
    }
    package var outputCount: Int { hasBias ? 2 : 1 }

    package static var samples: [OperationSample] {
        func sample(
            _ x: Shape, _ kernel: Int, dilation: Int = 1, bias: Bool = true, _ kind: SmoothActivation.Kind? = nil
        ) -> OperationSample {
            OperationSample(
                DepthwiseWeightGradient(dilation: dilation, hasBias: bias, inputActivation: kind),
                [x, x, [x.channels, 1, kernel, kernel]])
        }
        return [
            sample([2, 5, 7, 3], 3), sample([3, 6, 9, 17], 5, bias: false), sample([1, 8, 9, 66], 7),
            sample([1, 9, 7, 16], 3, dilation: 2), sample([3, 5, 11, 18], 3, .hardSwish), sample([1, 5, 4, 5], 5, .sigmoid),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { hasBias ? [inputs[2], [inputs[2][0]]] : [inputs[2]] }

    package func macs(_ inputs: [Shape], _ outputs: [Shape]) -> Int { inputs[0].count * inputs[2][2] * inputs[2][3] }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let x = inputActivation.map { kind in inputs[0].map { kind.value($0) } } ?? inputs[0]
        let dy = inputs[1]
        var dw = Tensor<Scalar>(inputs[2].shape)
        forEachDepthwiseTap(x.shape, dw.shape, dilation) { target, source, tap in
            dw.elements[tap] += x.elements[source] * dy.elements[target]
        }
        guard hasBias else { return [dw] }
        var db = Tensor<Scalar>([dw.shape[0]])
        for (index, value) in dy.elements.enumerated() { db.elements[index % dw.shape[0]] += value }
        return [dw, db]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, dy, weight) = (context.inputs[0], context.inputs[1], context.inputs[2].shape)
        let (dilation, kernel, hasBias, code) = (dilation, Int32(weight[2]), hasBias, SmoothActivation.Kind.code(inputActivation))
        let bytes = DepthwiseKernel.scratchBytes(context, weight: weight, dilation: dilation)
        return FunctionKernel(scratchBytes: bytes) { o in
            halcyon_depthwise_weight_gradient(
                x.shape.batch, x.shape.height, x.shape.width, x.shape.channels, kernel, dilation, code, o.inputs[0], x.pitch,
                o.inputs[1], dy.pitch, o.outputs[0], hasBias ? o.outputs[1] : nil, o.scratch)
        }
    }
}

/// Visits (output element, input element, weight element) of every tap of a same-size depthwise convolution.
@inline(__always)
private func forEachDepthwiseTap(_ x: Shape, _ weight: Shape, _ dilation: Int, _ visit: (Int, Int, Int) -> Void) {
    let (kernel, channels) = (weight[2], x.channels)
    for n in 0..<x.batch {
        for h in 0..<x.height {
            for w in 0..<x.width {
                for a in 0..<kernel {
                    let row = h + (a - kernel / 2) * dilation
                    guard row >= 0, row < x.height else { continue }
                    for b in 0..<kernel {
                        let column = w + (b - kernel / 2) * dilation
                        guard column >= 0, column < x.width else { continue }
                        let (target, source) = ((n * x.height + h) * x.width + w, (n * x.height + row) * x.width + column)
                        for c in 0..<channels {
                            visit(target * channels + c, source * channels + c, (c * kernel + a) * kernel + b)
                        }
                    }
                }
            }
        }
    }
}
