import CKernels
import Documents

/// A depthwise convolution of the activation of a 1x1 convolution (`fuseExpansion`).
///
/// Inputs: x `[N, H, W, I]`, expansion weight `[C, I, 1, 1]`, its bias `[C]` where it has one, depthwise weight `[C, 1, K, K]`,
/// optionally its bias `[C]`. Output: `[N, H, W, C]`. MACs: N H W C (I + K²).
package struct ExpandedDepthwise: Operation {
    package static let name = "expanded-depthwise-convolution"
    package static let isDifferentiable = false
    package var dilation: Int
    package var inputActivation: SmoothActivation.Kind?
    package var hasExpansionBias: Bool

    package var attributes: Document {
        [
            "dilation": .int(dilation), "input-activation": .string(inputActivation?.rawValue ?? "none"),
            "expansion-bias": .bool(hasExpansionBias),
        ]
    }
    private var weightIndex: Int { hasExpansionBias ? 3 : 2 }
    private var convolution: DepthwiseConvolution { DepthwiseConvolution(dilation: dilation, inputActivation: inputActivation) }

    package static var samples: [OperationSample] {
        func sample(_ x: Shape, _ channels: Int, _ kernel: Int, dilation: Int = 1, biases: Bool, _ kind: SmoothActivation.Kind?)
            -> OperationSample
        {
            let (expansion, weight): (Shape, Shape) = ([channels, x.channels, 1, 1], [channels, 1, kernel, kernel])
            return OperationSample(
                ExpandedDepthwise(dilation: dilation, inputActivation: kind, hasExpansionBias: biases),
                biases ? [x, expansion, [channels], weight, [channels]] : [x, expansion, weight])
        }
        return [
            sample([2, 9, 11, 8], 20, 3, biases: true, .hardSwish), sample([1, 7, 6, 5], 82, 5, biases: false, nil),
            sample([1, 9, 5, 4], 16, 3, dilation: 2, biases: true, .gelu), sample([3, 11, 9, 17], 130, 7, biases: true, nil),
        ]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        let expanded = try Convolution().outputShapes(Array(inputs[..<weightIndex]))
        return try convolution.outputShapes(expanded + inputs[weightIndex...])
    }

    package func reach(_ inputs: [Shape]) -> Int? { dilation * (inputs[weightIndex][2] / 2) }

    package func macs(_ inputs: [Shape], _ outputs: [Shape]) -> Int {
        let weight = inputs[weightIndex]
        return outputs[0].count * (inputs[0].channels + weight[2] * weight[3])
    }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let expanded = Convolution().reference(Array(inputs[..<weightIndex]))
        return convolution.reference(expanded + inputs[weightIndex...])
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        ExpandedDepthwiseKernel(self, context, weightIndex: weightIndex)
    }
}

private final class ExpandedDepthwiseKernel: Kernel {
    let scratchBytes: Int
    let preparedBytes: Int
    let preparedInput: Int? = 1
    private let weightIndex: Int
    private let hasExpansionBias: Bool
    private let hasBias: Bool
    private let x: KernelContext.View
    private let y: KernelContext.View
    private let kernel: Int
    private let dilation: Int
    private let activation: Int32
    private var expansion = halcyon_pointwise()
    /// Behind the depthwise weights.
    private let packedOffset: Int
    /// The 1x1 convolution's scratch, ahead of the rest.
    private let expansionBytes: Int

    init(_ operation: ExpandedDepthwise, _ context: KernelContext, weightIndex: Int) {
        (x, y) = (context.inputs[0], context.outputs[0])
        self.weightIndex = weightIndex
        hasExpansionBias = operation.hasExpansionBias
        hasBias = context.inputs.count > weightIndex + 1
        kernel = context.inputs[weightIndex].shape[2]
        dilation = operation.dilation
        activation = SmoothActivation.Kind.code(operation.inputActivation)
        let channels = y.shape.channels
        expansion.inputs = x.shape.channels
        expansion.outputs = channels
        expansion.isRounded = context.precision == .bf16 ? 1 : 0
        packedOffset = kernel * kernel * DepthwiseKernel.pitch(channels)
        preparedBytes = (packedOffset + halcyon_pointwise_packed_floats(x.shape.channels, channels)) * MemoryLayout<Float>.stride
        expansionBytes = ProgramKernels.aligned(
            halcyon_pointwise_scratch(&expansion, 0, Int32(context.threads)) * MemoryLayout<Float>.stride)
        scratchBytes =
            expansionBytes
            + halcyon_depthwise_scratch_bytes(x.shape.width, channels, Int32(kernel), dilation, 1, Int32(context.threads))
    }

    func prepare(_ operands: Operands) {
        let prepared = operands.prepared.assumingMemoryBound(to: Float.self)
        DepthwiseKernel.prepare(operands.inputs[weightIndex], channels: y.shape.channels, taps: kernel * kernel, to: prepared)
        halcyon_pointwise_pack(
            expansion.inputs, expansion.outputs, operands.inputs[1], 0, expansion.isRounded, prepared + packedOffset)
    }

    func run(_ operands: Operands) {
        let prepared = operands.prepared.assumingMemoryBound(to: Float.self)
        var expand = expansion
        expand.weights = UnsafePointer(prepared + packedOffset)
        if hasExpansionBias { expand.bias = UnsafePointer(operands.inputs[2]) }
        expand.scratch = operands.scratch
        halcyon_depthwise(
            x.shape.batch, x.shape.height, x.shape.width, y.shape.channels, Int32(kernel), dilation, activation, &expand,
            operands.inputs[0], x.pitch, prepared, hasBias ? operands.inputs[weightIndex + 1] : nil, HALCYON_ACTIVATION_NONE, nil, 0,
            operands.outputs[0], y.pitch, operands.scratch + expansionBytes)
    }
}
