import Documents
import Engine

/// `inverted-residual`: a 1x1 convolution to `expansion` times the input's channels, a depthwise convolution, a squeeze-and-excite
/// gate and a 1x1 projection (MobileNetV3, Howard et al. 2019). Where the channels agree, the input is added, and the projection
/// starts small. Expansion 1 has no expanding convolution.
///
/// Keys: `kernel` (3, 5 or 7; default 3), `expansion` (1 to 8; default 2), `squeeze-excite` (default true), `normalization` (default
/// none; batch: after each of the three convolutions), `activation` (default hard-swish; after the first two), `slope`. The gate
/// (Hu et al. 2018) has a quarter of the hidden channels, at least 1: global average, 1x1, ReLU, 1x1, hard-sigmoid. Names:
/// `expand`, `norm1`, `depthwise`, `norm2`, `squeeze`, `excite`, `project`, `norm3`; biases where nothing normalizes.
package struct InvertedResidualBlock: Block {
    package static let kind = "inverted-residual"
    package static let samples: [Document] = [
        ["block": "inverted-residual"],
        ["block": "inverted-residual", "expansion": 1, "kernel": 5, "normalization": "batch", "activation": "relu"],
        ["block": "inverted-residual", "expansion": 3, "squeeze-excite": false, "activation": "gelu"],
        ["block": "inverted-residual", "normalization": "batch"],
    ]

    var kernel: Int
    var expansion: Int
    var hasSqueezeExcite: Bool
    var normalization: Normalization
    var activation: Activation

    package init(_ document: Document) throws {
        try document.allowOnly(["block", "kernel", "expansion", "squeeze-excite", "normalization"] + Activation.keys)
        kernel = try parseDepthwiseKernel(document)
        expansion = try document.optional("expansion")?.int("expansion", in: 1...8) ?? 2
        hasSqueezeExcite = try document.optional("squeeze-excite")?.bool("squeeze-excite") ?? true
        normalization = try document.optional("normalization")?.word("normalization", as: Normalization.self) ?? .none
        activation = try Activation(in: document, default: .hardSwish)
    }

    package var document: Document {
        document(
            [
                ("kernel", .int(kernel)), ("expansion", .int(expansion)), ("squeeze-excite", .bool(hasSqueezeExcite)),
                ("normalization", .string(normalization.rawValue)),
            ] + activation.fields)
    }

    package func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, scope: NameScope) -> FeatureMap {
        let bias = normalization == .none
        func normalize(_ x: FeatureMap, _ number: Int) -> FeatureMap {
            bias ? x : builder.batchNormalization(x, name: scope.normalization(number))
        }
        var x = input
        if expansion > 1 {
            x = builder.convolution(
                x, channels: input.channels * expansion, kernel: 1, bias: bias, gain: activation.gain, name: scope.path("expand"))
            x = builder.activate(normalize(x, 1), activation, path: scope.path("activation1"))
        }
        x = builder.depthwiseConvolution(x, kernel: kernel, bias: bias, gain: activation.gain, name: scope.path("depthwise"))
        x = builder.activate(normalize(x, 2), activation, path: scope.path("activation2"))
        if hasSqueezeExcite { x = squeezeExcite(&builder, x, scope) }
        let addsInput = input.channels == channels
        x = builder.convolution(
            x, channels: channels, kernel: 1, bias: bias, gain: addsInput ? 0.1 : 0.5.squareRoot(), name: scope.path("project"))
        x = normalize(x, 3)
        return addsInput ? builder.add(input, x, path: scope.path("sum")) : x
    }

    private func squeezeExcite(_ builder: inout NetworkBuilder, _ input: FeatureMap, _ scope: NameScope) -> FeatureMap {
        var gate = FeatureMap(
            value: builder.graph.apply(GlobalAveragePooling(), input.value, path: scope.path("average")), channels: input.channels)
        gate = builder.convolution(
            gate, channels: max(1, input.channels / 4), kernel: 1, bias: true, name: scope.path("squeeze"))
        gate = builder.activate(gate, Activation(.relu), path: scope.path("squeeze-activation"))
        gate = builder.convolution(
            gate, channels: input.channels, kernel: 1, bias: true, gain: 0.5.squareRoot(), name: scope.path("excite"))
        let opening = builder.graph.apply(SmoothActivation(.hardSigmoid), gate.value, path: scope.path("gate"))
        return FeatureMap(
            value: builder.graph.apply(ChannelScale(), input.value, opening, path: scope.path("scale")), channels: input.channels)
    }
}
