import Documents
import Engine

/// The value of a candidate's `network:`: the input convention and the skeleton.
///
/// Keys: `input-channels` (1 or 3; default 1), `noise-map` (default false), `predicts` (`noise`, the default: the output is the
/// image minus what the skeleton computes; or `image`), `pixel-unshuffle` (1, the default, 2 or 4), `pixel-order`, `size-multiple`
/// (default: `pixel-unshuffle` times the skeleton's), `padding` (`reflect`, the default, or `replicate`), `skeleton`.
///
/// With `pixel-unshuffle: r` the skeleton works on r² sub-images of 1/r of the size, side by side as channels: channel c r² + k
/// is colour c at place k of each r x r cell, which costs r² times less than the same convolutions on the image and sees r
/// times as far (FFDNet, Zhang et al. 2018, "FFDNet: Toward a fast and flexible solution for CNN-based image denoising"). `pixel-order` says
/// which place k is: `row-major` (default; row r + column, as PyTorch) or `column-major` (column r + row, as the published
/// FFDNet). The noise map stays one plane, the last channel: its value at the first pixel of each cell.
package struct Network: Sendable {
    package enum Prediction: String, Sendable, CaseIterable {
        case noise, image
    }

    static let largestMultiple = 512

    package let inputChannels: Int
    /// Whether a plane of sigma / 255 is a second input, `noise-map` `[N, H, W, 1]`.
    package let hasNoiseMap: Bool
    package let predicts: Prediction
    /// The skeleton works on this many sub-images squared; 1 is the image itself.
    package let pixelUnshuffle: Int
    package let pixelOrder: PixelOrder
    /// The image is padded at bottom and right to a multiple of this, and the output cut back.
    package let sizeMultiple: Int
    package let padding: PaddingMode
    package let skeleton: any Skeleton

    package init(_ document: Document) throws {
        try document.allowOnly([
            "input-channels", "noise-map", "predicts", "pixel-unshuffle", "pixel-order", "size-multiple", "padding", "skeleton",
        ])
        inputChannels = try document.optional("input-channels")?.int("input-channels", in: 1...3) ?? 1
        if inputChannels == 2, let source = document["input-channels"] {
            throw source.fail("input-channels: expected 1 or 3, found the integer 2", hint: "1 is gray, 3 is colour")
        }
        hasNoiseMap = try document.optional("noise-map")?.bool("noise-map") ?? false
        predicts = try document.optional("predicts")?.word("predicts", as: Prediction.self) ?? .noise
        let factor = try document.optional("pixel-unshuffle")?.int("pixel-unshuffle", in: 1...4) ?? 1
        if factor == 3, let source = document["pixel-unshuffle"] {
            throw source.fail("pixel-unshuffle: expected 1, 2 or 4, found the integer 3", hint: "1 leaves the image whole")
        }
        pixelUnshuffle = factor
        pixelOrder = try document.optional("pixel-order")?.word("pixel-order", as: PixelOrder.self) ?? .rowMajor
        padding = try document.optional("padding")?.word("padding", as: PaddingMode.self) ?? .reflect
        let skeleton = try parseSkeleton(try document.required("skeleton"))
        self.skeleton = skeleton
        let needed = factor * skeleton.sizeMultiple
        guard needed <= Self.largestMultiple else {
            throw try document.required("skeleton").fail(
                "skeleton: its windows and scales together need images of a multiple of \(needed) pixels, at most \(Self.largestMultiple) is possible",
                hint: "use windows that divide one another, or fewer levels")
        }
        if let source = try document.optional("size-multiple") {
            sizeMultiple = try source.int("size-multiple", in: 1...Self.largestMultiple)
            guard sizeMultiple % needed == 0 else {
                let place = factor > 1 ? " on sub-images of 1/\(factor) of the size" : ""
                throw source.fail(
                    "size-multiple: this \(type(of: skeleton).kind)\(place) needs a multiple of \(needed), found \(sizeMultiple)",
                    hint: "write size-multiple: \(needed), or leave it out")
            }
        } else {
            sizeMultiple = needed
        }
    }

    /// Every field, defaults filled in.
    package var document: Document {
        [
            "input-channels": .int(inputChannels), "noise-map": .bool(hasNoiseMap), "predicts": .string(predicts.rawValue),
            "pixel-unshuffle": .int(pixelUnshuffle), "pixel-order": .string(pixelOrder.rawValue),
            "size-multiple": .int(sizeMultiple), "padding": .string(padding.rawValue), "skeleton": skeleton.document,
        ]
    }

    /// The training graph: inputs `image` `[N, H, W, inputChannels]` and perhaps `noise-map` `[N, H, W, 1]`, output `image`
    /// as large as the input. A network with several exits also has the outputs `exit1`, `exit2`, ... of the earlier ones, and a dynamic one `router`
    /// `[N, 1, 1, exits - 1]`, the gaps that it foretells in dB.
    package func graph() -> Graph {
        var builder = NetworkBuilder()
        let image = FeatureMap(value: builder.graph.input("image", channels: inputChannels), channels: inputChannels)
        var x = image
        if hasNoiseMap {
            let map = FeatureMap(value: builder.graph.input("noise-map", channels: 1), channels: 1)
            x = builder.concatenate([x, map], path: "input")
        }
        if sizeMultiple > 1 {
            x.value = builder.graph.apply(Padding(multiple: sizeMultiple, mode: padding), x.value, path: "padding")
        }
        let outputChannels = inputChannels * pixelUnshuffle * pixelUnshuffle
        if pixelUnshuffle > 1 { x = subImages(&builder, x, channels: outputChannels) }
        // A predicted noise starts near 0, so the output starts near the input.
        let gain = predicts == .noise ? 0.1 : 0.5.squareRoot()
        x = skeleton.build(&builder, x, channels: outputChannels, gain: gain)
        for (index, exit) in builder.exits.enumerated() {
            let name = Self.exitName(index)
            builder.graph.outputs.append((name, imageOutput(&builder, exit, image, path: { "\(name).\($0)" })))
        }
        builder.graph.outputs.append(("image", imageOutput(&builder, x, image, path: { $0 })))
        if let router = builder.router { builder.graph.outputs.append(("router", router.value)) }
        return builder.graph
    }

    /// The sub-images of the image, and the first of the noise map's: a plane of 1/r of the size.
    private func subImages(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int) -> FeatureMap {
        let unshuffle = PixelUnshuffle(factor: pixelUnshuffle, order: pixelOrder)
        let parts = builder.graph.apply(unshuffle, input.value, path: "pixel-unshuffle")
        guard hasNoiseMap else { return FeatureMap(value: parts, channels: channels) }
        let slice = ChannelSlice(start: 0, count: channels + 1)
        return FeatureMap(value: builder.graph.apply(slice, parts, path: "pixel-unshuffle"), channels: channels + 1)
    }

    /// The image that the skeleton's result stands for.
    private func imageOutput(
        _ builder: inout NetworkBuilder, _ result: FeatureMap, _ image: FeatureMap, path: (String) -> String
    ) -> ValueID {
        precondition(result.channels == inputChannels * pixelUnshuffle * pixelUnshuffle)
        var value = result.value
        if pixelUnshuffle > 1 {
            let shuffle = PixelShuffle(factor: pixelUnshuffle, order: pixelOrder)
            value = builder.graph.apply(shuffle, value, path: path("pixel-shuffle"))
        }
        if sizeMultiple > 1 { value = builder.graph.apply(Cropping(), value, image.value, path: path("cropping")) }
        if predicts == .noise { value = builder.graph.apply(Subtract(), image.value, value, path: path("output")) }
        return value
    }

    /// The output of an earlier exit, counted from 0: `exit1`, ...
    package static func exitName(_ index: Int) -> String { "exit\(index + 1)" }
}
