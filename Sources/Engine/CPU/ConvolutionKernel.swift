import COneDNN

/// A convolution in one of its three directions through oneDNN (or its thin-layer kernels), with weights in the
/// library's own prepared layout.
final class ConvolutionKernel: Kernel {
    enum Direction: Int32 {
        case forward = 0
        case inputGradient = 1
        case weightGradient = 2
    }

    private let direction: Direction
    private let hasBias: Bool
    private let handle: OpaquePointer
    private let weightBytes: Int
    private let libraryScratchBytes: Int

    init(
        _ direction: Direction, _ context: KernelContext, x: KernelContext.View, y: KernelContext.View, weight: Shape,
        dilation: Int, hasBias: Bool, relu: Bool
    ) throws {
        var shape = halcyon_conv_shape(
            batch: Int32(x.shape.batch), inputHeight: Int32(x.shape.height), inputWidth: Int32(x.shape.width),
            inputChannels: Int32(weight[1]), outputChannels: Int32(weight[0]), kernelHeight: Int32(weight[2]),
            kernelWidth: Int32(weight[3]), stride: 1, paddingHeight: Int32(dilation * (weight[2] - 1) / 2),
            paddingWidth: Int32(dilation * (weight[3] - 1) / 2), dilation: Int32(dilation), groups: 1,
            sourcePitch: Int32(x.pitch), destinationPitch: Int32(y.pitch))
        var status: Int32 = 0
        halcyon_dnn_set_threads(Int32(context.threads))
        guard
            let handle = halcyon_conv_create(
                &shape, direction.rawValue, hasBias ? 1 : 0, relu ? HALCYON_CONV_RELU : HALCYON_CONV_NO_ACTIVATION, &status)
        else {
            throw ShapeError(
                "oneDNN has no convolution of \(x.shape) with weights \(weight): \(String(cString: halcyon_dnn_status_name(status)))")
        }
        self.direction = direction
        self.hasBias = hasBias
        self.handle = handle
        weightBytes = (halcyon_conv_weight_bytes(handle) + 63) / 64 * 64
        libraryScratchBytes = halcyon_conv_scratchpad_bytes(handle)
    }

    deinit { halcyon_conv_destroy(handle) }

    var preparedBytes: Int { direction == .weightGradient ? 0 : weightBytes }
    var preparedInput: Int? { direction == .weightGradient ? nil : 1 }
    /// A weight gradient is first made in the prepared layout, in front of the library's scratch memory.
    var scratchBytes: Int { libraryScratchBytes + (direction == .weightGradient ? weightBytes : 0) }

    func prepare(_ operands: Operands) {
        check(halcyon_conv_prepare_weights(handle, operands.inputs[1], operands.prepared))
    }

    func run(_ operands: Operands) {
        switch direction {
        case .forward:
            check(
                halcyon_conv_forward(
                    handle, operands.inputs[0], operands.prepared, hasBias ? operands.inputs[2] : nil, operands.outputs[0],
                    operands.scratch))
        case .inputGradient:
            check(
                halcyon_conv_backward_data(
                    handle, operands.inputs[0], operands.prepared, operands.outputs[0], operands.scratch))
        case .weightGradient:
            check(
                halcyon_conv_backward_weights(
                    handle, operands.inputs[0], operands.inputs[1], operands.scratch, hasBias ? operands.outputs[1] : nil,
                    operands.scratch + weightBytes))
            check(halcyon_conv_finish_weights(handle, operands.scratch, operands.outputs[0]))
        }
    }

    private func check(_ status: Int32) {
        precondition(status == 0, "oneDNN: \(String(cString: halcyon_dnn_status_name(status)))")
    }
}
