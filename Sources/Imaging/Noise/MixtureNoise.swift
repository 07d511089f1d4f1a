import Documents
import RandomStreams

/// One of several models for each picture, with probabilities that make 1:
/// `{kind: mixture, of: [{probability: 0.7, noise: {kind: gaussian, sigma: [0, 55]}}, {probability: 0.3, noise: {kind: jpeg, quality: 40}}]}`.
package struct MixtureNoise: NoiseModel {
    package static let word = "mixture"
    package static let keys = ["of"]

    package let models: [(probability: Double, noise: any NoiseModel)]

    package init(parsing document: Document) throws {
        let list = try document.required("of")
        models = try list.array("of").map { entry in
            try entry.allowOnly(["probability", "noise"])
            return (
                try entry.required("probability").double("probability", in: 0...1), try parseNoiseModel(entry.required("noise"))
            )
        }
        let sum = models.reduce(0) { $0 + $1.probability }
        guard abs(sum - 1) < 1e-6 else {
            throw list.fail("of: the probabilities make \(sum), expected 1", hint: "for example 0.7 and 0.3")
        }
    }

    package var document: Document {
        let entries = models.map { Document.object([("probability", .float($0.probability)), ("noise", $0.noise.document)]) }
        return ["kind": .string(Self.word), "of": .array(entries)]
    }

    package func apply(
        to clean: UnsafeBufferPointer<Float>, into noisy: UnsafeMutableBufferPointer<Float>,
        levels: UnsafeMutableBufferPointer<Float>, size: ImageSize, stream: inout RandomStream
    ) {
        var left = stream.uniform()
        let chosen = models.first { entry in
            left -= entry.probability
            return left < 0
        }
        // Rounding may leave a last sliver to nobody.
        guard let noise = (chosen ?? models.last { $0.probability > 0 })?.noise else { preconditionFailure("probabilities make 1") }
        noise.apply(to: clean, into: noisy, levels: levels, size: size, stream: &stream)
    }
}
