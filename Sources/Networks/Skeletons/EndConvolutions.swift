import Documents

/// A skeleton's first convolution: `head: {kernel: 3, bias: true, normalization: none, activation: relu, slope}`. With
/// normalization it has no bias.
struct HeadConvolution: Sendable {
    var kernel: Int
    var bias: Bool
    var normalization: Normalization
    var activation: Activation

    /// Reads `head` from the skeleton's mapping.
    init(in skeleton: Document, activation: Activation.Kind = .relu) throws {
        let head = try skeleton.optional("head") ?? [:]
        try head.allowOnly(["kernel", "bias", "normalization"] + Activation.keys)
        kernel = try parseKernel(head)
        bias = try head.optional("bias")?.bool("bias") ?? true
        normalization = try head.optional("normalization")?.word("normalization", as: Normalization.self) ?? .none
        self.activation = try Activation(in: head, default: activation)
    }

    var document: Document {
        let fields: [(String, Document)] = [
            ("kernel", .int(kernel)), ("bias", .bool(bias)), ("normalization", .string(normalization.rawValue)),
        ]
        return .object(fields + activation.fields)
    }

    /// Adds `conv0`, perhaps `norm0`, and the activation.
    func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int) -> FeatureMap {
        var x = builder.convolution(
            input, channels: channels, kernel: kernel, bias: bias && normalization == .none, gain: activation.gain, name: "conv0")
        if normalization == .batch { x = builder.batchNormalization(x, name: "norm0") }
        return builder.activate(x, activation, path: "activation0")
    }
}

/// A skeleton's last convolution: `tail: {kernel: 3, bias: true}`.
struct TailConvolution: Sendable {
    var kernel: Int
    var bias: Bool

    /// Reads `tail` from the skeleton's mapping.
    init(in skeleton: Document) throws {
        let tail = try skeleton.optional("tail") ?? [:]
        try tail.allowOnly(["kernel", "bias"])
        kernel = try parseKernel(tail)
        bias = try tail.optional("bias")?.bool("bias") ?? true
    }

    var document: Document { ["kernel": .int(kernel), "bias": .bool(bias)] }

    func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, gain: Double, name: String) -> FeatureMap {
        builder.convolution(input, channels: channels, kernel: kernel, bias: bias, gain: gain, name: name)
    }
}
