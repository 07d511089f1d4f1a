import Documents
import RandomStreams

/// How clean pictures become noisy ones: one model, one file, one line in `noiseModels`.
package protocol NoiseModel: Sendable {
    /// The word after `kind:`.
    static var word: String { get }

    /// The keys that this model reads, beside `kind`.
    static var keys: [String] { get }

    /// Reads the model's own keys; throws located `InputError`s.
    init(parsing document: Document) throws

    /// The noise levels that can occur, on the 0...255 scale.
    var sigmas: ClosedRange<Double> { get }

    /// The model with every setting, as `init(parsing:)` reads it.
    var document: Document { get }

    /// Writes `clean` plus noise to `noisy`: one picture, samples in 0...1; the result is not clipped.
    /// The buffers have one length and may be the same memory.
    /// - Returns: the sigma used, on the 0...255 scale.
    func apply(
        to clean: UnsafeBufferPointer<Float>, into noisy: UnsafeMutableBufferPointer<Float>, stream: inout RandomStream
    ) -> Float
}

/// Every noise model.
package let noiseModels: [any NoiseModel.Type] = [GaussianNoise.self]

/// Reads `{kind: gaussian, sigma: 25}`.
package func parseNoiseModel(_ document: Document) throws -> any NoiseModel {
    let word = try document.required("kind").word("kind", of: noiseModels.map { $0.word })
    guard let model = noiseModels.first(where: { $0.word == word }) else { preconditionFailure("a listed word") }
    try document.allowOnly(["kind"] + model.keys)
    return try model.init(parsing: document)
}

extension NoiseModel {
    /// A noisy copy of a picture, not clipped, and the sigma used.
    package func noisy(_ clean: Image, stream: inout RandomStream) -> (image: Image, sigma: Float) {
        var image = clean
        let sigma = clean.pixels.withUnsafeBufferPointer { source in
            image.pixels.withUnsafeMutableBufferPointer { apply(to: source, into: $0, stream: &stream) }
        }
        return (image, sigma)
    }
}
