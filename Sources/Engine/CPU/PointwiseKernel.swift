import CKernels

/// A 1x1 convolution in one of its directions: our own matrix products, with the weights packed by `prepare`.
final class PointwiseKernel: Kernel {
    let scratchBytes: Int
    let preparedBytes: Int
    let preparedInput: Int? = 1
    private let inputs: Int
    private let outputs: Int
    private let isTransposed: Bool
    private var call: halcyon_pointwise
    private let hasBias: Bool
    /// Where the residual and the gate are among the inputs.
    private let residualInput: Int?
    private let gateInput: Int?
    private let gatesOutput: Bool

    /// - Parameters:
    ///   - x: what is read: dy for the gradient of the input.
    ///   - residual: what is added to the output: the last input but the gate.
    ///   - gate: what multiplies x, or the products if `gatesOutput`; the last input.
    init(
        _ context: KernelContext, x: KernelContext.View, y: KernelContext.View, weight: Shape, isTransposed: Bool = false,
        hasBias: Bool = false, relu: Bool = false, residual: KernelContext.View? = nil, activation: SmoothActivation.Kind? = nil,
        gate: KernelContext.View? = nil, gatesOutput: Bool = false
    ) {
        self.gatesOutput = gatesOutput
        inputs = x.shape.channels
        outputs = y.shape.channels
        self.isTransposed = isTransposed
        self.hasBias = hasBias
        gateInput = gate == nil ? nil : context.inputs.count - 1
        residualInput = residual == nil ? nil : (gateInput ?? context.inputs.count) - 1
        preparedBytes = halcyon_pointwise_packed_floats(inputs, outputs) * MemoryLayout<Float>.stride
        call = halcyon_pointwise()
        call.batch = x.shape.batch
        call.pixels = x.shape.height * x.shape.width
        call.inputs = inputs
        call.outputs = outputs
        call.xPitch = x.pitch
        call.yPitch = y.pitch
        call.residualPitch = residual?.pitch ?? 0
        call.relu = relu ? 1 : 0
        call.activation = SmoothActivation.Kind.code(activation)
        call.gatePitch = gate?.pitch ?? 0
        call.isRounded = context.precision == .bf16 ? 1 : 0
        scratchBytes =
            halcyon_pointwise_scratch(&call, gate == nil || gatesOutput ? 0 : 1, Int32(context.threads)) * MemoryLayout<Float>.stride
    }

    /// Below 4 channels on one side the thin kernels of `ConvolutionKernel` are faster.
    static func suits(_ weight: Shape) -> Bool { weight[2] == 1 && weight[3] == 1 && weight[0] >= 4 && weight[1] >= 4 }

    func prepare(_ operands: Operands) {
        halcyon_pointwise_pack(
            inputs, outputs, operands.inputs[1], isTransposed ? 1 : 0, call.isRounded,
            operands.prepared.assumingMemoryBound(to: Float.self))
    }

    func run(_ operands: Operands) {
        var call = call
        call.x = UnsafePointer(operands.inputs[0])
        call.weights = UnsafePointer(operands.prepared.assumingMemoryBound(to: Float.self))
        if hasBias { call.bias = UnsafePointer(operands.inputs[2]) }
        if let residualInput { call.residual = UnsafePointer(operands.inputs[residualInput]) }
        if let gateInput {
            let gate = UnsafePointer(operands.inputs[gateInput])
            if gatesOutput { call.outputGate = gate } else { call.gate = gate }
        }
        call.y = operands.outputs[0]
        call.scratch = operands.scratch
        halcyon_pointwise_run(&call)
    }
}

/// The gradients of a 1x1 convolution's weight, bias and gate.
final class PointwiseGradientKernel: Kernel {
    let scratchBytes: Int
    let preparedBytes = 0
    let preparedInput: Int? = nil
    private var call: halcyon_pointwise_gradient
    private let hasBias: Bool
    /// Then weight and gate are the inputs behind dy, and the gate's gradient is the first output.
    private let isGated: Bool

    init(
        _ context: KernelContext, x: KernelContext.View, dy: KernelContext.View, weight: Shape, hasBias: Bool,
        gate: KernelContext.View? = nil, dGate: KernelContext.View? = nil
    ) {
        self.hasBias = hasBias
        isGated = gate != nil
        scratchBytes =
            halcyon_pointwise_gradient_scratch(weight[1], weight[0], Int32(context.threads)) * MemoryLayout<Float>.stride
        call = halcyon_pointwise_gradient()
        call.batch = x.shape.batch
        call.pixels = x.shape.height * x.shape.width
        call.inputs = weight[1]
        call.outputs = weight[0]
        call.xPitch = x.pitch
        call.dyPitch = dy.pitch
        call.gatePitch = gate?.pitch ?? 0
        call.dGatePitch = dGate?.pitch ?? 0
        call.isRounded = context.precision == .bf16 ? 1 : 0
    }

    func prepare(_ operands: Operands) {}

    func run(_ operands: Operands) {
        var call = call
        call.x = UnsafePointer(operands.inputs[0])
        call.dy = UnsafePointer(operands.inputs[1])
        let first = isGated ? 1 : 0
        call.dw = operands.outputs[first]
        if hasBias { call.db = operands.outputs[first + 1] }
        if isGated {
            call.weights = UnsafePointer(operands.inputs[2])
            call.gate = UnsafePointer(operands.inputs[3])
            call.dGate = operands.outputs[0]
        }
        call.scratch = operands.scratch
        halcyon_pointwise_gradient_run(&call)
    }
}
