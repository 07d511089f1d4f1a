import Documents
import Engine

/// `dynamic`: a chain of blocks in stages, with an exit after each, and a router that decides for each image at which exit it
/// leaves (early exits: BranchyNet, Teerapittayanon et al. 2016; depth by the input's difficulty: Path-Restore, Yu et al. 2021,
/// and ClassSR, Kong et al. 2021). Here the router foretells, from the noisy image alone and before any block runs, how many
/// dB each earlier exit would lose against full depth; the image leaves at the first exit whose loss is below a threshold.
///
/// Keys: `width`, `head` (as in `chain`), `tail` `{kernel: 3, bias: true}`: the convolution of each exit, `stages`: a list of 2 to 8
/// `{blocks: [...]}`, `router` `{channels: 8, hidden: 16}`: a 3x3 convolution, ReLU, the mean over the image, and two 1x1
/// convolutions with ReLU between. Names: as in `chain`, counted through all stages, `exit{k}`, `router.conv`,
/// `router.hidden`, `router.output`, and the buffer `router.threshold` `[1]`, in dB, that training adapts to the budget.
package struct DynamicSkeleton: Skeleton {
    package static let kind = "dynamic"
    package static let thresholdName = "router.threshold"
    package static let firstThreshold = 0.1

    package static func samples(block: Document) -> [Document] {
        [
            ["kind": "dynamic", "width": 2, "stages": [["blocks": [block]], ["blocks": [block]]], "router": ["channels": 2, "hidden": 2]],
            [
                "kind": "dynamic", "width": 3, "head": ["activation": "none"], "tail": ["kernel": 1],
                "stages": [["blocks": []], ["blocks": [block]], ["blocks": [["block": "plain"]]]],
                "router": ["channels": 1, "hidden": 3],
            ],
        ]
    }

    var width: Int
    var head: HeadConvolution
    var tail: TailConvolution
    var stages: [[any Block]]
    var routerChannels: Int
    var routerHidden: Int

    package init(_ document: Document) throws {
        try document.allowOnly(["kind", "width", "head", "tail", "stages", "router"])
        let width = try parseWidth(document)
        self.width = width
        head = try HeadConvolution(in: document)
        tail = try TailConvolution(in: document)
        let list = try document.required("stages")
        let items = try list.array("stages")
        guard (2...8).contains(items.count) else {
            throw list.fail(
                "stages: expected 2 to 8 stages, found \(items.count)",
                hint: items.count < 2 ? "a network with one exit is a chain" : "put more blocks into a stage")
        }
        stages = try items.map { stage in
            try stage.allowOnly(["blocks"])
            return try parseBlocks(stage, channels: width)
        }
        try checkCount(of: stages, in: list, "stages")
        let router = try document.optional("router") ?? [:]
        try router.allowOnly(["channels", "hidden"])
        routerChannels = try router.optional("channels")?.int("channels", in: 1...64) ?? 8
        routerHidden = try router.optional("hidden")?.int("hidden", in: 1...256) ?? 16
    }

    package var document: Document {
        document([
            ("width", .int(width)), ("head", head.document), ("tail", tail.document),
            ("stages", .array(stages.map { ["blocks": .array($0.map(\.document))] })),
            ("router", ["channels": .int(routerChannels), "hidden": .int(routerHidden)]),
        ])
    }

    package var sizeMultiple: Int { leastCommonMultiple(stages.joined().map(\.sizeMultiple)) }
    package var exitCount: Int { stages.count }
    package var hasRouter: Bool { true }

    package func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, gain: Double) -> FeatureMap {
        var x = head.build(&builder, input, channels: width)
        var results: [FeatureMap] = []
        var number = 1
        for (index, blocks) in stages.enumerated() {
            x = builder.blocks(blocks, x, channels: width, number: &number)
            results.append(tail.build(&builder, x, channels: channels, gain: gain, name: "exit\(index + 1)"))
        }
        builder.router = router(&builder, input)
        builder.exits = results.dropLast()
        return results[results.count - 1]
    }

    /// `[N, 1, 1, exits - 1]`: the gaps to full depth that are foretold, in dB.
    private func router(_ builder: inout NetworkBuilder, _ input: FeatureMap) -> FeatureMap {
        let relu = Activation(.relu)
        // Noise of a few gray levels has means of a few hundredths: started larger, they are of order 1 and are learned sooner.
        var x = builder.convolution(input, channels: routerChannels, kernel: 3, bias: true, gain: 10, name: "router.conv")
        x = builder.activate(x, relu, path: "router.activation")
        x = FeatureMap(value: builder.graph.apply(GlobalAveragePooling(), x.value, path: "router.mean"), channels: x.channels)
        x = builder.convolution(x, channels: routerHidden, kernel: 1, bias: true, name: "router.hidden")
        x = builder.activate(x, relu, path: "router.hidden-activation")
        x = builder.convolution(x, channels: exitCount - 1, kernel: 1, bias: true, name: "router.output")
        _ = builder.graph.parameter(
            Self.thresholdName, shape: [1], initializer: .constant(Self.firstThreshold), trainable: false)
        return x
    }
}
