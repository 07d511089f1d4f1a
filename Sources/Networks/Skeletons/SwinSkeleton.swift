import Documents

/// `swin`: a first convolution, groups of blocks, each closed by a 3x3 convolution and a residual, y + conv(blocks(y)), and a last
/// convolution (SwinIR, Liang et al. 2021, whose groups hold window attention; here any blocks).
///
/// Keys: `width`, `head` `{kernel: 3, bias: true, normalization: none, activation: none, slope}`, `tail` `{kernel: 3, bias: true}`,
/// `groups`: a list of `{blocks: [...]}`, `long-residual` (default false): a 3x3 convolution `body` after all groups and the sum
/// with what the first one takes, as SwinIR has. Names: `conv0`, a chain's names for the blocks, counted from 1 through all
/// groups, `group{i}.conv`, and the last convolution is counted as a block.
package struct SwinSkeleton: Skeleton {
    package static let kind = "swin"
    package static let largestGroupCount = 16

    package static func samples(block: Document) -> [Document] {
        let attention: Document = ["block": "window-attention", "layers": 1, "heads": 2, "window": 2, "mlp-ratio": 0.5]
        return [
            ["kind": "swin", "width": 3, "groups": [["blocks": [block]], ["blocks": [block]]]],
            [
                "kind": "swin", "width": 4, "groups": [["blocks": [attention, block]]], "long-residual": true,
                "head": ["kernel": 1, "activation": "gelu"], "tail": ["kernel": 1, "bias": false],
            ],
        ]
    }

    var width: Int
    var head: HeadConvolution
    var tail: TailConvolution
    var groups: [[any Block]]
    var hasLongResidual: Bool

    package init(_ document: Document) throws {
        try document.allowOnly(["kind", "width", "head", "tail", "groups", "long-residual"])
        let width = try parseWidth(document)
        self.width = width
        head = try HeadConvolution(in: document, activation: .none)
        tail = try TailConvolution(in: document)
        hasLongResidual = try document.optional("long-residual")?.bool("long-residual") ?? false
        let list = try document.required("groups")
        let items = try list.array("groups")
        guard (1...Self.largestGroupCount).contains(items.count) else {
            throw list.fail(
                "groups: expected 1 to \(Self.largestGroupCount) groups, found \(items.count)", hint: "a group is {blocks: [...]}")
        }
        groups = try items.map { group in
            try group.allowOnly(["blocks"])
            return try parseBlocks(group, channels: width)
        }
        try checkCount(of: groups, in: list, "groups")
    }

    package var document: Document {
        document([
            ("width", .int(width)), ("head", head.document), ("tail", tail.document),
            ("groups", .array(groups.map { ["blocks": .array($0.map(\.document))] })), ("long-residual", .bool(hasLongResidual)),
        ])
    }

    package var sizeMultiple: Int { leastCommonMultiple(groups.flatMap { $0.map(\.sizeMultiple) }) }

    package func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, gain: Double) -> FeatureMap {
        let first = head.build(&builder, input, channels: width)
        var x = first, number = 1
        for (index, blocks) in groups.enumerated() {
            let y = builder.blocks(blocks, x, channels: width, number: &number)
            x = closed(&builder, y, onto: x, name: "group\(index + 1).conv")
        }
        if hasLongResidual { x = closed(&builder, x, onto: first, name: "body") }
        return tail.build(&builder, x, channels: channels, gain: gain, name: "conv\(number)")
    }

    /// The residual that closes a group. Its convolution starts small.
    private func closed(_ builder: inout NetworkBuilder, _ y: FeatureMap, onto x: FeatureMap, name: String) -> FeatureMap {
        let z = builder.convolution(y, channels: width, kernel: 3, bias: true, gain: 0.1, name: name)
        return builder.add(x, z, path: "\(name).sum")
    }
}
