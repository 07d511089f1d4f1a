import Documents

/// `depthwise-separable`: a depthwise convolution of each channel and a pointwise one across channels, each followed by
/// normalization and activation (MobileNet, Howard et al. 2017). Where the channels agree, the input is added, unless
/// `residual: false`.
///
/// Keys: `kernel` (3, 5 or 7; default 3), `dilation` (default 1), `normalization` (default batch), `activation` (default relu),
/// `slope`, `residual` (default true). Names: `depthwise`, `norm1`, `pointwise`, `norm2`; biases where nothing normalizes.
package struct DepthwiseSeparableBlock: Block {
    package static let kind = "depthwise-separable"
    package static let samples: [Document] = [
        ["block": "depthwise-separable"],
        ["block": "depthwise-separable", "kernel": 5, "normalization": "none", "activation": "hard-swish"],
        ["block": "depthwise-separable", "dilation": 2, "activation": "gelu", "residual": false],
    ]

    var kernel: Int
    var dilation: Int
    var normalization: Normalization
    var activation: Activation
    var isResidual: Bool

    package init(_ document: Document) throws {
        try document.allowOnly(["block", "kernel", "dilation", "normalization", "residual"] + Activation.keys)
        kernel = try parseDepthwiseKernel(document)
        dilation = try document.optional("dilation")?.int("dilation", in: 1...16) ?? 1
        normalization = try document.optional("normalization")?.word("normalization", as: Normalization.self) ?? .batch
        activation = try Activation(in: document)
        isResidual = try document.optional("residual")?.bool("residual") ?? true
    }

    package var document: Document {
        document(
            [
                ("kernel", .int(kernel)), ("dilation", .int(dilation)), ("normalization", .string(normalization.rawValue)),
                ("residual", .bool(isResidual)),
            ] + activation.fields)
    }

    package func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, scope: NameScope) -> FeatureMap {
        let addsInput = isResidual && input.channels == channels
        var x = builder.depthwiseConvolution(
            input, kernel: kernel, dilation: dilation, bias: normalization == .none, gain: activation.gain,
            name: scope.path("depthwise"))
        if normalization == .batch { x = builder.batchNormalization(x, name: scope.normalization(1)) }
        x = builder.activate(x, activation, path: scope.path("activation1"))
        x = builder.convolution(
            x, channels: channels, kernel: 1, bias: normalization == .none, gain: activation.gain * (addsInput ? 0.1 : 1),
            name: scope.path("pointwise"))
        if normalization == .batch { x = builder.batchNormalization(x, name: scope.normalization(2)) }
        x = builder.activate(x, activation, path: scope.path("activation2"))
        return addsInput ? builder.add(input, x, path: scope.path("sum")) : x
    }
}

/// The side of a depthwise kernel: 3, 5 or 7; 3 when absent.
func parseDepthwiseKernel(_ document: Document) throws -> Int {
    guard let source = try document.optional("kernel") else { return 3 }
    let kernel = try source.int("kernel", in: 3...7)
    guard kernel % 2 == 1 else {
        throw source.fail("kernel: expected one of 3, 5, 7, found the integer \(kernel)", hint: "an odd kernel has a centre")
    }
    return kernel
}
