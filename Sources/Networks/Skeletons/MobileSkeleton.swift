import Documents

/// `mobile`: a first convolution, stages of blocks at one size, a last convolution (after MobileNetV3, Howard et al. 2019, without
/// its downsampling). The first convolution makes the first stage's channels; each later stage's first block changes them.
///
/// Keys: `head` `{kernel: 3, bias: true, normalization: none, activation: none, slope}`, `tail` `{kernel: 3, bias: true}`, `stages`:
/// a list of `{width, blocks}`. Names are a chain's: blocks are counted from 1 through all stages.
package struct MobileSkeleton: Skeleton {
    package static let kind = "mobile"
    package static let largestStageCount = 16

    package static func samples(block: Document) -> [Document] {
        [
            ["kind": "mobile", "stages": [["width": 3, "blocks": [block, block]]]],
            [
                "kind": "mobile", "head": ["kernel": 5, "activation": "hard-swish"], "tail": ["kernel": 1, "bias": false],
                "stages": [["width": 2, "blocks": [block]], ["width": 4, "blocks": [block, ["block": "identity"]]]],
            ],
        ]
    }

    struct Stage: Sendable {
        var width: Int
        var blocks: [any Block]

        var document: Document { ["width": .int(width), "blocks": .array(blocks.map(\.document))] }
    }

    var head: HeadConvolution
    var tail: TailConvolution
    var stages: [Stage]

    package init(_ document: Document) throws {
        try document.allowOnly(["kind", "head", "tail", "stages"])
        head = try HeadConvolution(in: document, activation: .none)
        tail = try TailConvolution(in: document)
        let list = try document.required("stages")
        let items = try list.array("stages")
        guard (1...Self.largestStageCount).contains(items.count) else {
            throw list.fail(
                "stages: expected 1 to \(Self.largestStageCount) stages, found \(items.count)", hint: "a stage is {width: 32, blocks: [...]}")
        }
        stages = try items.enumerated().map { index, stage in
            try stage.allowOnly(["width", "blocks"])
            let width = try parseWidth(stage)
            let blocks = try parseBlocks(stage, channels: width)
            guard index == 0 || !blocks.isEmpty else {
                throw try stage.required("blocks").fail(
                    "blocks: a stage after the first needs at least one block, found none",
                    hint: "its first block changes the channels; leave the stage out, or write {block: identity}")
            }
            return Stage(width: width, blocks: blocks)
        }
        try checkCount(of: stages.map(\.blocks), in: list, "stages")
    }

    package var document: Document {
        document([("head", head.document), ("tail", tail.document), ("stages", .array(stages.map(\.document)))])
    }

    package var sizeMultiple: Int { leastCommonMultiple(stages.flatMap { $0.blocks.map(\.sizeMultiple) }) }

    package func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, gain: Double) -> FeatureMap {
        var x = head.build(&builder, input, channels: stages[0].width)
        var number = 1
        for stage in stages { x = builder.blocks(stage.blocks, x, channels: stage.width, number: &number) }
        return tail.build(&builder, x, channels: channels, gain: gain, name: "conv\(number)")
    }
}
