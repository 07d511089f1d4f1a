import CKernels

/// A depthwise convolution or its input gradient, with its weights prepared as `[K * K, C rounded up to 16]`.
final class DepthwiseKernel: Kernel {
    let scratchBytes: Int
    let preparedBytes: Int
    let preparedInput: Int? = 1
    private let channels: Int
    private let taps: Int
    private let isFlipped: Bool
    private let body: (Operands, UnsafePointer<Float>) -> Void

    /// - Parameters:
    ///   - isFlipped: whether the taps are taken in reverse order, as the gradient of the input does.
    ///   - body: runs the kernel with the operands and the prepared weights.
    init(
        _ context: KernelContext, weight: Shape, dilation: Int, isFlipped: Bool,
        body: @escaping (Operands, UnsafePointer<Float>) -> Void
    ) {
        channels = weight[0]
        taps = weight[2] * weight[3]
        self.isFlipped = isFlipped
        self.body = body
        preparedBytes = taps * Self.pitch(channels) * MemoryLayout<Float>.stride
        scratchBytes = Self.scratchBytes(context, weight: weight, dilation: dilation)
    }

    static func scratchBytes(_ context: KernelContext, weight: Shape, dilation: Int) -> Int {
        halcyon_depthwise_scratch_bytes(
            context.inputs[0].shape.width, weight[0], Int32(weight[2]), dilation, 0, Int32(context.threads))
    }

    static func pitch(_ channels: Int) -> Int { (channels + 15) / 16 * 16 }

    func prepare(_ operands: Operands) {
        Self.prepare(
            operands.inputs[1], channels: channels, taps: taps, isFlipped: isFlipped,
            to: operands.prepared.assumingMemoryBound(to: Float.self))
    }

    static func prepare(
        _ weight: UnsafePointer<Float>, channels: Int, taps: Int, isFlipped: Bool = false, to prepared: UnsafeMutablePointer<Float>
    ) {
        let pitch = pitch(channels)
        for tap in 0..<taps {
            let source = isFlipped ? taps - 1 - tap : tap
            for c in 0..<pitch { prepared[tap * pitch + c] = c < channels ? weight[c * taps + source] : 0 }
        }
    }

    func run(_ operands: Operands) { body(operands, UnsafePointer(operands.prepared.assumingMemoryBound(to: Float.self))) }
}
