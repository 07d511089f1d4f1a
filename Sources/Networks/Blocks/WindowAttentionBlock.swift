import Documents
import Engine

/// `window-attention`: layers of self-attention in windows (SwinIR, Liang et al. 2021, after Swin, Liu et al. 2021), each
/// x + proj(attention(qkv(norm1 x))), then x + mlp2(gelu(mlp1(norm2 x))). Every second layer's windows are shifted by half.
///
/// Keys: `layers` (default 2), `heads` (default 4; they divide the channels), `window` (default 8; sizes are multiples of it),
/// `mlp-ratio` (hidden channels of the perceptron by channels, default 2), `bias`: `relative` (the default: one number for each
/// head and relative position) or `table` (one for each head and pair of places), `mask` (default true: shifted windows do not
/// attend across the image's border; false: they wrap around it). Where the channels differ, x first goes through a 1x1
/// convolution. Linear layers are 1x1 convolutions that start as He et al. 2015 with a linear gain, those that end a residual
/// branch at a tenth. Names: `layer1.norm1.weight`, `.qkv.weight`, `.bias_table` or `.bias`, `.proj.weight`, `.mlp1.weight`, ...
package struct WindowAttentionBlock: Block {
    package static let kind = "window-attention"
    package static let samples: [Document] = [
        ["block": "window-attention", "heads": 1, "window": 2, "mlp-ratio": 1],
        ["block": "window-attention", "layers": 1, "heads": 1, "window": 2, "mlp-ratio": 2, "bias": "table"],
        ["block": "window-attention", "heads": 1, "window": 2, "mlp-ratio": 1, "bias": "table", "mask": false],
    ]

    package enum Bias: String, Sendable, CaseIterable {
        case table, relative
    }

    var layers: Int
    var heads: Int
    var window: Int
    var ratio: Double
    var bias: Bias
    var mask: Bool

    package init(_ document: Document) throws {
        try document.allowOnly(["block", "layers", "heads", "window", "mlp-ratio", "bias", "mask"])
        layers = try document.optional("layers")?.int("layers", in: 1...16) ?? 2
        heads = try document.optional("heads")?.int("heads", in: 1...16) ?? 4
        window = try document.optional("window")?.int("window", in: 2...WindowAttention.largestWindow) ?? 8
        ratio = try document.optional("mlp-ratio")?.double("mlp-ratio", in: 0.5...8) ?? 2
        bias = try document.optional("bias")?.word("bias", as: Bias.self) ?? .relative
        mask = try document.optional("mask")?.bool("mask") ?? true
    }

    package func check(channels: Int, in document: Document) throws {
        guard channels > 1 else {
            throw document.fail("window-attention: one channel normalizes to nothing", hint: "use a width of at least 2")
        }
        guard channels % heads == 0 else {
            let possible = (1...16).filter { channels % $0 == 0 }.map(String.init).joined(separator: ", ")
            throw (document["heads"] ?? document).fail(
                "heads: \(heads) heads do not divide \(channels) channels", hint: "possible here: \(possible)")
        }
        let hidden = ratio * Double(channels)
        guard hidden == hidden.rounded() else {
            throw (document["mlp-ratio"] ?? document).fail(
                "mlp-ratio: \(ratio) times \(channels) channels is no whole number",
                hint: "for example \((hidden.rounded(.up) / Double(channels)))")
        }
    }

    package var document: Document {
        document([
            ("layers", .int(layers)), ("heads", .int(heads)), ("window", .int(window)), ("mlp-ratio", .float(ratio)),
            ("bias", .string(bias.rawValue)), ("mask", .bool(mask)),
        ])
    }

    package var sizeMultiple: Int { window }

    package func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, scope: NameScope) -> FeatureMap {
        var x = builder.project(input, channels: channels, scope: scope)
        for layer in 0..<layers {
            x = build(&builder, x, shift: layer % 2 * (window / 2), path: scope.path("layer\(layer + 1)"))
        }
        return x
    }

    private func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, shift: Int, path: String) -> FeatureMap {
        let channels = input.channels, linear = 0.5.squareRoot(), activation = Activation(.gelu)
        func dense(_ x: FeatureMap, _ channels: Int, _ gain: Double, _ name: String) -> FeatureMap {
            builder.convolution(x, channels: channels, kernel: 1, bias: true, gain: gain, name: "\(path).\(name)")
        }
        let first = builder.layerNormalization(input, name: "\(path).norm1")
        let qkv = dense(first, 3 * channels, linear, "qkv")
        let scoreBias = scoreBias(&builder, path)
        let attention = WindowAttention(heads: heads, window: window, shift: shift, mask: mask)
        let attended = FeatureMap(
            value: builder.graph.apply(attention, qkv.value, scoreBias, path: "\(path).attention"), channels: channels)
        let x = builder.add(input, dense(attended, channels, 0.1, "proj"), path: "\(path).sum1")
        let second = builder.layerNormalization(x, name: "\(path).norm2")
        let hidden = dense(second, Int(ratio * Double(channels)), linear, "mlp1")
        let active = builder.activate(hidden, activation, path: "\(path).activation")
        return builder.add(x, dense(active, channels, 0.1 * activation.gain, "mlp2"), path: "\(path).sum2")
    }

    /// The scores' bias, `[heads, window², window²]`.
    private func scoreBias(_ builder: inout NetworkBuilder, _ path: String) -> ValueID {
        let places = window * window, side = 2 * window - 1
        switch bias {
        case .table:
            return builder.graph.parameter("\(path).bias", shape: [heads, places, places], initializer: .constant(0))
        case .relative:
            let table = builder.graph.parameter("\(path).bias_table", shape: [side * side, heads], initializer: .constant(0))
            return builder.graph.apply(RelativePositionBias(window: window), table, path: "\(path).bias")
        }
    }
}
