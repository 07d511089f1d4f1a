import CKernels

/// A 3x3 convolution in one of its three directions: by Winograd's F(4x4, 3x3) (`WinogradKernels.h`), or with bf16 operands on the
/// processor's tiles (`TileConvolutionKernels.h`).
final class Convolution3Kernel: Kernel {
    let scratchBytes: Int
    let preparedBytes: Int
    let preparedInput: Int?
    private let direction: ConvolutionKernel.Direction
    private let weight: Shape
    private let pixels: Int
    private var shape: halcyon_conv3_shape
    private let hasBias: Bool
    private let residualIndex: Int?
    private let isNormalized: Bool

    /// Whether this form is the fastest: measured at 16x48x48 and 16x6x6 on one thread against oneDNN's direct convolution and the
    /// kernels for thin layers.
    static func suits(weight: Shape, dilation: Int) -> Bool {
        weight[2] == 3 && weight[3] == 3 && dilation == 1 && min(weight[0], weight[1]) > 3
    }

    /// - Parameters:
    ///   - x: the side of the forward direction's input.
    ///   - y: the side of its output.
    ///   - residual: what is added to the output, the last input but those of the normalization.
    ///   - isNormalized: whether x is normalized as it is read; gamma, beta, mean and inverse deviation are then the last inputs.
    init(
        _ direction: ConvolutionKernel.Direction, _ context: KernelContext, x: KernelContext.View, y: KernelContext.View,
        weight: Shape, hasBias: Bool, relu: Bool, residual: KernelContext.View? = nil, isNormalized: Bool = false
    ) {
        self.direction = direction
        self.weight = weight
        self.hasBias = hasBias
        residualIndex = residual == nil ? nil : context.inputs.count - (isNormalized ? 5 : 1)
        self.isNormalized = isNormalized
        let (source, target) = direction == .inputGradient ? (y, x) : (x, y)
        pixels = x.shape.pixels
        shape = halcyon_conv3_shape()
        shape.batch = x.shape.batch
        shape.height = x.shape.height
        shape.width = x.shape.width
        shape.inputChannels = source.shape.channels
        shape.outputChannels = target.shape.channels
        shape.xPitch = source.pitch
        shape.yPitch = target.pitch
        shape.residualPitch = residual?.pitch ?? 0
        shape.relu = relu ? 1 : 0
        shape.isRounded = context.precision == .bf16 ? 1 : 0
        let isGradient = direction == .weightGradient
        preparedInput = isGradient ? nil : 1
        preparedBytes =
            isGradient
            ? 0
            : halcyon_conv3_weight_floats(shape.inputChannels, shape.outputChannels, shape.isRounded) * MemoryLayout<Float>.stride
        scratchBytes = halcyon_conv3_scratch(&shape, isGradient ? 1 : 0, Int32(context.threads))
    }

    func prepare(_ operands: Operands) {
        halcyon_conv3_weights(
            weight[0], weight[1], operands.inputs[1], direction == .inputGradient ? 1 : 0, shape.isRounded,
            operands.prepared.assumingMemoryBound(to: Float.self))
    }

    func run(_ operands: Operands) {
        var shape = shape
        guard isNormalized else { return run(&shape, operands) }
        let inputs = operands.inputs, first = inputs.count - 4
        var normalization = halcyon_normalization(
            gamma: inputs[first], beta: inputs[first + 1], mean: inputs[first + 2], inverseDeviation: inputs[first + 3])
        withUnsafePointer(to: &normalization) {
            shape.normalization = $0
            run(&shape, operands)
        }
    }

    private func run(_ shape: inout halcyon_conv3_shape, _ operands: Operands) {
        let scratch = operands.scratch.assumingMemoryBound(to: Float.self)
        guard direction == .weightGradient else {
            halcyon_conv3(
                &shape, operands.inputs[0], operands.prepared.assumingMemoryBound(to: Float.self),
                hasBias ? operands.inputs[2] : nil, residualIndex.map { operands.inputs[$0] }, operands.outputs[0], scratch)
            return
        }
        halcyon_conv3_weight_gradient(&shape, operands.inputs[0], operands.inputs[1], operands.outputs[0], scratch)
        guard hasBias else { return }
        // The bias' gradient: the mean over all pixels, times their number.
        let channels = shape.outputChannels, bias = operands.outputs[1]
        halcyon_average_pool(1, pixels, channels, operands.inputs[1], shape.yPitch, bias, channels)
        halcyon_scale(channels, bias, Float(pixels), bias)
    }
}
