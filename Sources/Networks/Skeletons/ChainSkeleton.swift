import Documents

/// `chain`: a first convolution to `width` channels, the blocks one after the other, a last convolution (DnCNN, Zhang et al. 2017).
///
/// Keys: `width`, `head` `{kernel: 3, bias: true, normalization: none, activation: relu, slope}`, `tail` `{kernel: 3, bias: true}`,
/// `blocks` (a list of at most 256). A head with normalization has no bias. Names: `conv0`, then `conv{i}`/`norm{i}` for a block
/// of one convolution at place i from 1, `block{i}.…` for others, and `conv{n+1}`.
package struct ChainSkeleton: Skeleton {
    package static let kind = "chain"

    package static func samples(block: Document) -> [Document] {
        [
            ["kind": "chain", "width": 3, "blocks": [block, block]],
            [
                "kind": "chain", "width": 2, "blocks": [block],
                "head": ["kernel": 5, "normalization": "batch", "activation": "leaky-relu"], "tail": ["kernel": 1, "bias": false],
            ],
        ]
    }

    var width: Int
    var head: HeadConvolution
    var tail: TailConvolution
    var blocks: [any Block]

    package init(_ document: Document) throws {
        try document.allowOnly(["kind", "width", "head", "tail", "blocks"])
        width = try parseWidth(document)
        head = try HeadConvolution(in: document)
        tail = try TailConvolution(in: document)
        blocks = try parseBlocks(document, channels: width)
    }

    package var document: Document {
        document([
            ("width", .int(width)), ("head", head.document), ("tail", tail.document), ("blocks", .array(blocks.map(\.document))),
        ])
    }

    package var sizeMultiple: Int { leastCommonMultiple(blocks.map(\.sizeMultiple)) }

    package func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, gain: Double) -> FeatureMap {
        var number = 1
        let x = builder.blocks(blocks, head.build(&builder, input, channels: width), channels: width, number: &number)
        return tail.build(&builder, x, channels: channels, gain: gain, name: "conv\(number)")
    }
}
