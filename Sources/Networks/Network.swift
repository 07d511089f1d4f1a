import Documents
import Engine

/// The value of a candidate's `network:`: the input convention and the skeleton.
///
/// Keys: `input-channels` (1 or 3; default 1), `noise-map` (default false), `predicts` (`noise`, the default: the output is the
/// image minus what the skeleton computes; or `image`), `size-multiple` (default: the skeleton's), `padding` (`reflect`, the
/// default, or `replicate`), `skeleton`.
package struct Network: Sendable {
    package enum Prediction: String, Sendable, CaseIterable {
        case noise, image
    }

    package let inputChannels: Int
    /// Whether a plane of sigma / 255 is a second input, `noise-map` `[N, H, W, 1]`.
    package let hasNoiseMap: Bool
    package let predicts: Prediction
    /// The image is padded at bottom and right to a multiple of this, and the output cut back.
    package let sizeMultiple: Int
    package let padding: PaddingMode
    package let skeleton: any Skeleton

    package init(_ document: Document) throws {
        try document.allowOnly(["input-channels", "noise-map", "predicts", "size-multiple", "padding", "skeleton"])
        inputChannels = try document.optional("input-channels")?.int("input-channels", in: 1...3) ?? 1
        if inputChannels == 2, let source = document["input-channels"] {
            throw source.fail("input-channels: expected 1 or 3, found the integer 2", hint: "1 is gray, 3 is colour")
        }
        hasNoiseMap = try document.optional("noise-map")?.bool("noise-map") ?? false
        predicts = try document.optional("predicts")?.word("predicts", as: Prediction.self) ?? .noise
        padding = try document.optional("padding")?.word("padding", as: PaddingMode.self) ?? .reflect
        let skeleton = try parseSkeleton(try document.required("skeleton"))
        self.skeleton = skeleton
        if let source = try document.optional("size-multiple") {
            sizeMultiple = try source.int("size-multiple", in: 1...512)
            guard sizeMultiple % skeleton.sizeMultiple == 0 else {
                throw source.fail(
                    "size-multiple: this \(type(of: skeleton).kind) needs a multiple of \(skeleton.sizeMultiple), found \(sizeMultiple)",
                    hint: "write size-multiple: \(skeleton.sizeMultiple), or leave it out")
            }
        } else {
            sizeMultiple = skeleton.sizeMultiple
        }
    }

    /// Every field, defaults filled in.
    package var document: Document {
        [
            "input-channels": .int(inputChannels), "noise-map": .bool(hasNoiseMap), "predicts": .string(predicts.rawValue),
            "size-multiple": .int(sizeMultiple), "padding": .string(padding.rawValue), "skeleton": skeleton.document,
        ]
    }

    /// The training graph: inputs `image` `[N, H, W, inputChannels]` and perhaps `noise-map` `[N, H, W, 1]`, output `image`
    /// as large as the input. A dynamic network also has the outputs `exit1`, `exit2`, ... of its earlier exits and `router`
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
        // A predicted noise starts near 0, so the output starts near the input.
        let gain = predicts == .noise ? 0.1 : 0.5.squareRoot()
        x = skeleton.build(&builder, x, channels: inputChannels, gain: gain)
        for (index, exit) in builder.exits.enumerated() {
            let name = Self.exitName(index)
            builder.graph.outputs.append((name, imageOutput(&builder, exit, image, path: { "\(name).\($0)" })))
        }
        builder.graph.outputs.append(("image", imageOutput(&builder, x, image, path: { $0 })))
        if let router = builder.router { builder.graph.outputs.append(("router", router.value)) }
        return builder.graph
    }

    /// The image that the skeleton's result stands for.
    private func imageOutput(
        _ builder: inout NetworkBuilder, _ result: FeatureMap, _ image: FeatureMap, path: (String) -> String
    ) -> ValueID {
        precondition(result.channels == inputChannels)
        var value = result.value
        if sizeMultiple > 1 { value = builder.graph.apply(Cropping(), value, image.value, path: path("cropping")) }
        if predicts == .noise { value = builder.graph.apply(Subtract(), image.value, value, path: path("output")) }
        return value
    }

    /// The output of an earlier exit, counted from 0: `exit1`, ...
    static func exitName(_ index: Int) -> String { "exit\(index + 1)" }
}
