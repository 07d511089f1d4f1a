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

    /// The model with every setting, as `init(parsing:)` reads it.
    var document: Document { get }

    /// Makes one picture noisy.
    /// - Parameters:
    ///   - clean: `[H, W, C]`, samples in 0...1.
    ///   - noisy: the same size, other memory; the result is not clipped.
    ///   - levels: `[H, W]`, what a network's noise map is told: the deviation of the noise on the 0...255 scale. Where that depends
    ///     on what is in the picture, it is the root mean square of the whole picture's noise at every place.
    func apply(
        to clean: UnsafeBufferPointer<Float>, into noisy: UnsafeMutableBufferPointer<Float>,
        levels: UnsafeMutableBufferPointer<Float>, size: ImageSize, stream: inout RandomStream)
}

/// Every noise model.
package let noiseModels: [any NoiseModel.Type] = [
    GaussianNoise.self, GaussianMapNoise.self, PoissonNoise.self, PoissonGaussianNoise.self, ImpulseNoise.self, SpeckleNoise.self,
    JPEGArtefacts.self, MoireNoise.self, MixtureNoise.self,
]

/// Reads `{kind: gaussian, sigma: 25}`.
package func parseNoiseModel(_ document: Document) throws -> any NoiseModel {
    let word = try document.required("kind").word("kind", of: noiseModels.map { $0.word })
    guard let model = noiseModels.first(where: { $0.word == word }) else { preconditionFailure("a listed word") }
    try document.allowOnly(["kind"] + model.keys)
    return try model.init(parsing: document)
}

extension NoiseModel {
    /// A noisy copy of a picture, not clipped, and its noise map `[H, W]` on the 0...255 scale.
    package func noisy(_ clean: Image, stream: inout RandomStream) -> (image: Image, levels: [Float]) {
        var image = clean
        var levels = [Float](repeating: 0, count: clean.height * clean.width)
        clean.pixels.withUnsafeBufferPointer { source in
            image.pixels.withUnsafeMutableBufferPointer { target in
                levels.withUnsafeMutableBufferPointer { apply(to: source, into: target, levels: $0, size: clean.size, stream: &stream) }
            }
        }
        return (image, levels)
    }
}

/// The root mean square of a picture's noise, on the 0...255 scale.
package func noiseLevel(of noisy: UnsafeBufferPointer<Float>, against clean: UnsafeBufferPointer<Float>) -> Float {
    var sum = 0.0
    for i in clean.indices {
        let difference = Double(noisy[i] - clean[i])
        sum += difference * difference
    }
    return Float(255 * (sum / Double(clean.count)).squareRoot())
}

/// Writes the root mean square of the noise to every place.
func fillWithMeasuredLevel(
    _ levels: UnsafeMutableBufferPointer<Float>, noisy: UnsafeMutableBufferPointer<Float>, clean: UnsafeBufferPointer<Float>
) {
    levels.update(repeating: noiseLevel(of: UnsafeBufferPointer(noisy), against: clean))
}

/// Adds normal noise of one deviation, in units of the samples, to each of `source`'s samples; the buffers may be the same memory.
func addNormal(
    deviation: Float, to source: UnsafeBufferPointer<Float>, into target: UnsafeMutableBufferPointer<Float>, stream: inout RandomStream
) {
    // Through a small piece of scratch, since the buffers may be the same.
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 1024) { normals in
        var done = 0
        while done < source.count {
            let count = min(1024, source.count - done)
            fillNormal(UnsafeMutableBufferPointer(rebasing: normals[..<count]), from: &stream)
            for i in 0..<count { target[done + i] = source[done + i] + deviation * normals[i] }
            done += count
        }
    }
}
