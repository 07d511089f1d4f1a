import Documents
import Engine

/// `unet`: U-Net (Ronneberger et al. 2015, "U-Net: Convolutional networks for biomedical image segmentation") as denoising uses it
/// (DRUNet, Zhang et al. 2021, "Plug-and-play image restoration with deep denoiser prior"). Level i works at 1/2^i of the size with
/// a width of its own: its encoder's blocks, the level below, and its decoder's blocks on what comes up joined with what the encoder
/// made. The last level has an encoder only.
///
/// Keys: `levels`: a list of 2 to 5 `{width, encoder: [...], decoder: [...]}`, the last without `decoder`; `head` `{kernel: 3, bias:
/// true, normalization: none, activation: none, slope}`, `tail` `{kernel: 3, bias: true}`; `down`: `strided` (default; 2x2 with stride
/// 2) or `max` (the 2x2 maximum, then 1x1); `up`: `transposed` (default; 2x2 with stride 2) or `bilinear` (1x1, then x2); `join`:
/// `add` (default) or `concatenate` (with a 1x1 convolution back to the width). None of these has a bias.
/// Names: `conv0`, `level{i}.down`, `level{i}.encoder{b}.conv1`, `level{i}.up`, `level{i}.join`, `level{i}.decoder{b}.conv1`, `out`.
package struct UNetSkeleton: Skeleton {
    package static let kind = "unet"

    enum Down: String, CaseIterable { case strided, max }
    enum Up: String, CaseIterable { case transposed, bilinear }
    enum Join: String, CaseIterable { case add, concatenate }

    package static func samples(block: Document) -> [Document] {
        [
            ["kind": "unet", "levels": [["width": 2, "encoder": [block], "decoder": []], ["width": 4, "encoder": [block]]]],
            [
                "kind": "unet", "down": "max", "up": "bilinear", "join": "concatenate", "head": ["kernel": 1, "activation": "relu"],
                "tail": ["kernel": 1, "bias": false],
                "levels": [
                    ["width": 2, "encoder": [], "decoder": [block]], ["width": 3, "encoder": [], "decoder": [["block": "plain"]]],
                    ["width": 2, "encoder": [block]],
                ],
            ],
        ]
    }

    struct Level: Sendable {
        var width: Int
        var encoder: [any Block]
        /// Nil at the last level.
        var decoder: [any Block]?

        var blocks: [any Block] { encoder + (decoder ?? []) }

        var document: Document {
            let decoder: [(String, Document)] = self.decoder.map { [("decoder", .array($0.map(\.document)))] } ?? []
            return .object([("width", .int(width)), ("encoder", .array(encoder.map(\.document)))] + decoder)
        }
    }

    var head: HeadConvolution
    var tail: TailConvolution
    var down: Down
    var up: Up
    var join: Join
    var levels: [Level]

    package init(_ document: Document) throws {
        try document.allowOnly(["kind", "head", "tail", "down", "up", "join", "levels"])
        head = try HeadConvolution(in: document, activation: .none)
        tail = try TailConvolution(in: document)
        down = try document.optional("down")?.word("down", as: Down.self) ?? .strided
        up = try document.optional("up")?.word("up", as: Up.self) ?? .transposed
        join = try document.optional("join")?.word("join", as: Join.self) ?? .add
        let list = try document.required("levels")
        let items = try list.array("levels")
        guard (2...5).contains(items.count) else {
            throw list.fail(
                "levels: expected 2 to 5 levels, found \(items.count)", hint: "a level is {width: 32, encoder: [...], decoder: [...]}")
        }
        levels = try items.enumerated().map { number, level in
            let isLast = number == items.count - 1
            if isLast, let decoder = level["decoder"] {
                throw decoder.fail("decoder: the last level has none", hint: "put its blocks into encoder")
            }
            try level.allowOnly(["width", "encoder", "decoder"])
            let width = try parseWidth(level)
            return Level(
                width: width, encoder: try parseBlocks(level, channels: width, key: "encoder"),
                decoder: isLast ? nil : try parseBlocks(level, channels: width, key: "decoder"))
        }
        try checkCount(of: levels.map(\.blocks), in: list, "levels")
    }

    package var document: Document {
        document([
            ("head", head.document), ("tail", tail.document), ("down", .string(down.rawValue)), ("up", .string(up.rawValue)),
            ("join", .string(join.rawValue)), ("levels", .array(levels.map(\.document))),
        ])
    }

    /// Level i is 2^i times smaller, and its blocks' multiples hold there.
    package var sizeMultiple: Int {
        leastCommonMultiple(
            [1 << (levels.count - 1)] + levels.enumerated().flatMap { number, level in level.blocks.map { $0.sizeMultiple << number } })
    }

    package func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, gain: Double) -> FeatureMap {
        var x = head.build(&builder, input, channels: levels[0].width)
        var skips: [FeatureMap] = []
        for (number, level) in levels.enumerated() {
            if number > 0 { x = descend(&builder, x, to: number) }
            x = chain(&builder, level.encoder, x, level.width, "level\(number).encoder")
            skips.append(x)
        }
        for (number, level) in levels.enumerated().dropLast().reversed() {
            x = ascend(&builder, x, from: number + 1, onto: skips[number])
            x = chain(&builder, level.decoder ?? [], x, level.width, "level\(number).decoder")
        }
        return tail.build(&builder, x, channels: channels, gain: gain, name: "out")
    }

    private func chain(
        _ builder: inout NetworkBuilder, _ blocks: [any Block], _ input: FeatureMap, _ width: Int, _ prefix: String
    ) -> FeatureMap {
        blocks.enumerated().reduce(input) { x, block in
            block.element.build(&builder, x, channels: width, scope: NameScope(prefix: "\(prefix)\(block.offset + 1)"))
        }
    }

    /// Half the size and a level's width. A 2x2 convolution of stride 2 is a 1x1 one on the four sub-images.
    private func descend(_ builder: inout NetworkBuilder, _ input: FeatureMap, to level: Int) -> FeatureMap {
        let name = "level\(level).down"
        let halved: FeatureMap
        switch down {
        case .strided:
            let unshuffle = PixelUnshuffle(factor: 2, order: .rowMajor)
            halved = FeatureMap(value: builder.graph.apply(unshuffle, input.value, path: "\(name).unshuffle"), channels: 4 * input.channels)
        case .max:
            halved = FeatureMap(value: builder.graph.apply(MaxPooling(), input.value, path: "\(name).pooling"), channels: input.channels)
        }
        return builder.convolution(halved, channels: levels[level].width, kernel: 1, bias: false, gain: 0.5.squareRoot(), name: name)
    }

    /// What a level made, at the size and width of the one above, joined with what that one's encoder made.
    private func ascend(_ builder: inout NetworkBuilder, _ input: FeatureMap, from level: Int, onto skip: FeatureMap) -> FeatureMap {
        let name = "level\(level).up"
        let channels = (up == .transposed ? 4 : 1) * skip.channels
        // Where both are added, they share the variance.
        let gain = join == .add ? 0.5 : 0.5.squareRoot()
        var x = builder.convolution(input, channels: channels, kernel: 1, bias: false, gain: gain, name: name)
        switch up {
        case .transposed: x.value = builder.graph.apply(PixelShuffle(factor: 2, order: .rowMajor), x.value, path: "\(name).shuffle")
        case .bilinear: x.value = builder.graph.apply(Upsampling(), x.value, path: "\(name).upsampling")
        }
        x.channels = skip.channels
        let place = "level\(level - 1).join"
        guard join == .concatenate else { return builder.add(skip, x, path: place) }
        let both = builder.concatenate([skip, x], path: "\(place).concatenation")
        return builder.convolution(both, channels: skip.channels, kernel: 1, bias: false, gain: 0.5.squareRoot(), name: place)
    }
}
