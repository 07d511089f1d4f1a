import Documents

/// `chain`: a first convolution to `width` channels, the blocks one after the other, a last convolution (DnCNN, Zhang et al. 2017).
///
/// Keys: `width`, `head` `{kernel: 3, bias: true, normalization: none, activation: relu, slope}`, `tail` `{kernel: 3, bias: true}`,
/// `blocks` (a list of at most 256). A head with normalization has no bias. Names: `conv0`, then `conv{i}`/`norm{i}` for a block
/// of one convolution at place i from 1, `block{i}.…` for others, and `conv{n+1}`.
package struct ChainSkeleton: Skeleton {
    package static let kind = "chain"
    package static let largestCount = 256

    package static func samples(block: Document) -> [Document] {
        [
            ["kind": "chain", "width": 3, "blocks": [block, block]],
            [
                "kind": "chain", "width": 2, "blocks": [block],
                "head": ["kernel": 5, "normalization": "batch", "activation": "leaky-relu"], "tail": ["kernel": 1, "bias": false],
            ],
        ]
    }

    struct Head: Sendable {
        var kernel: Int
        var bias: Bool
        var normalization: Normalization
        var activation: Activation
    }

    struct Tail: Sendable {
        var kernel: Int
        var bias: Bool
    }

    var width: Int
    var head: Head
    var tail: Tail
    var blocks: [any Block]

    package init(_ document: Document) throws {
        try document.allowOnly(["kind", "width", "head", "tail", "blocks"])
        let width = try parseWidth(document)
        self.width = width
        let head = try document.optional("head") ?? [:]
        try head.allowOnly(["kernel", "bias", "normalization"] + Activation.keys)
        self.head = Head(
            kernel: try parseKernel(head), bias: try head.optional("bias")?.bool("bias") ?? true,
            normalization: try head.optional("normalization")?.word("normalization", as: Normalization.self) ?? .none,
            activation: try Activation(in: head))
        let tail = try document.optional("tail") ?? [:]
        try tail.allowOnly(["kernel", "bias"])
        self.tail = Tail(kernel: try parseKernel(tail), bias: try tail.optional("bias")?.bool("bias") ?? true)
        let list = try document.required("blocks")
        let items = try list.array("blocks")
        guard items.count <= Self.largestCount else {
            throw list.fail("blocks: expected at most \(Self.largestCount) blocks, found \(items.count)")
        }
        blocks = try items.map { try parseBlock($0, channels: width) }
    }

    package var document: Document {
        let headFields: [(String, Document)] = [
            ("kernel", .int(head.kernel)), ("bias", .bool(head.bias)), ("normalization", .string(head.normalization.rawValue)),
        ]
        return document([
            ("width", .int(width)), ("head", .object(headFields + head.activation.fields)),
            ("tail", ["kernel": .int(tail.kernel), "bias": .bool(tail.bias)]), ("blocks", .array(blocks.map(\.document))),
        ])
    }

    package var sizeMultiple: Int { leastCommonMultiple(blocks.map(\.sizeMultiple)) }

    package func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, gain: Double) -> FeatureMap {
        var x = builder.convolution(
            input, channels: width, kernel: head.kernel, bias: head.bias && head.normalization == .none,
            gain: head.activation.gain, name: "conv0")
        if head.normalization == .batch { x = builder.batchNormalization(x, name: "norm0") }
        x = builder.activate(x, head.activation, path: "activation0")
        for (index, block) in blocks.enumerated() {
            let scope = block.isSingleConvolution ? NameScope(position: index + 1) : NameScope(prefix: "block\(index + 1)")
            x = block.build(&builder, x, channels: width, scope: scope)
        }
        return builder.convolution(
            x, channels: channels, kernel: tail.kernel, bias: tail.bias, gain: gain, name: "conv\(blocks.count + 1)")
    }
}
