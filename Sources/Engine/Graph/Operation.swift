import Documents

/// One kind of node: shape rule, cost, gradient, slow reference twin and CPU kernel. Adding an operation is one file
/// that conforms to this and one line in `operationCatalogue`; the law suites iterate the catalogue's `samples`.
package protocol Operation: Sendable {
    /// The catalogue's name, for example `convolution`.
    static var name: String { get }
    /// Small cases with awkward sizes that the law suites run: shapes, finite differences, kernel against twin.
    static var samples: [OperationSample] { get }

    /// Everything that makes two operations of a kind different. Part of cache keys and of exports.
    var attributes: Document { get }
    var outputCount: Int { get }
    /// False for operations that are only part of backward passes or of prepared inference graphs.
    static var isDifferentiable: Bool { get }
    /// Whether its kernel reads and writes maps whose pixels are farther apart than their channels.
    var takesSlices: Bool { get }
    /// Whether images of a batch have to do with each other, other than by sums and means over all of them.
    var mixesImages: Bool { get }
    /// An input that the first output may overwrite, for element-wise kernels.
    var inPlaceInput: Int? { get }

    /// True where, for these shapes, the output is the first input unchanged: nothing is then run.
    func isIdentity(_ inputs: [Shape]) -> Bool
    /// - Throws: `ShapeError` when the inputs do not fit.
    func outputShapes(_ inputs: [Shape]) throws -> [Shape]
    /// How far, in pixels of the input, an output pixel of a forward operation looks beyond its own place; nil where that
    /// depends on the image's size (global pooling, windows that wrap around).
    func reach(_ inputs: [Shape]) -> Int?
    /// Multiply-accumulates of one run (DESIGN.md: convolutions and matrix products only).
    func macs(_ inputs: [Shape], _ outputs: [Shape]) -> Int
    /// Adds the nodes that compute the gradient of each input from those of the outputs (nil: no gradient flows).
    /// Not called where `isDifferentiable` is false.
    func gradient(_ builder: inout GradientBuilder) -> [ValueID?]
    /// The slow twin, the definition of what the operation computes.
    func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>]
    /// The fast twin for these shapes.
    func makeKernel(_ context: KernelContext) throws -> any Kernel
}

extension Operation {
    package var attributes: Document { [:] }
    package var outputCount: Int { 1 }
    package static var isDifferentiable: Bool { true }
    package var takesSlices: Bool { true }
    package var mixesImages: Bool { false }
    package var inPlaceInput: Int? { nil }
    package func isIdentity(_ inputs: [Shape]) -> Bool { false }
    package func reach(_ inputs: [Shape]) -> Int? { 0 }
    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        preconditionFailure("\(Self.name) is not differentiable: differentiate the training graph")
    }
    package func macs(_ inputs: [Shape], _ outputs: [Shape]) -> Int { 0 }
    /// What makes two nodes do the same.
    var identity: String { "\(Self.name)\(attributes.canonicalJSON)" }
}

/// A case of a law suite: an operation with input shapes.
package struct OperationSample: Sendable {
    package var operation: any Operation
    package var inputs: [Shape]
    /// Inputs that must be positive (variances).
    package var positiveInputs: Set<Int>
    package init(_ operation: any Operation, _ inputs: [Shape], positive: Set<Int> = []) {
        self.operation = operation
        self.inputs = inputs
        positiveInputs = positive
    }
}

/// Every operation. Tests, cost accounting and exports iterate this list.
package let operationCatalogue: [any Operation.Type] = [
    Convolution.self, ConvolutionInputGradient.self, ConvolutionWeightGradient.self, PointwiseConvolution.self,
    GatedConvolution.self, GatedInputGradient.self, GatedWeightGradient.self,
    NormalizedConvolution.self, NormalizedWeightGradient.self,
    FoldedWeight.self, FoldedBias.self,
    BatchNormalization.self, BatchNormalizationGradient.self, RenewedNormalization.self, BatchStatistics.self,
    RectifiedLinear.self, RectifiedLinearGradient.self,
    Add.self, Subtract.self, Negate.self, StopGradient.self,
    Concatenation.self, ChannelSlice.self,
    MaxPooling.self, MaxPoolingGradient.self,
    Upsampling.self, UpsamplingGradient.self,
    Padding.self, PaddingGradient.self, Cropping.self, CroppingGradient.self,
    MirroredBorder.self, MirroredBorderGradient.self, Subsampling.self, SubsamplingGradient.self,
    WindowMaximum.self, WindowMaximumGradient.self,
    PixelLoss.self, PixelLossGradient.self, SimilarityLoss.self, SimilarityLossGradient.self,
    DepthwiseConvolution.self, DepthwiseInputGradient.self, DepthwiseWeightGradient.self, ExpandedDepthwise.self,
    SmoothActivation.self, SmoothActivationGradient.self, Multiply.self,
    GlobalAveragePooling.self, GlobalAveragePoolingGradient.self, ActivatedPooling.self, ActivatedPoolingGradient.self,
    ChannelScale.self, ChannelScaleGradient.self,
    ImageLoss.self, ImageLossGradient.self, QualityGap.self, DepthRouting.self,
    LayerNormalization.self, LayerNormalizationGradient.self, WindowAttention.self, WindowAttentionGradient.self,
    RelativePositionBias.self, RelativePositionBiasGradient.self,
    PixelUnshuffle.self, PixelShuffle.self,
]
