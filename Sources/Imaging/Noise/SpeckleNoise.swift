import Documents
import RandomStreams

/// Noise in proportion to the light: a sample x becomes x (1 + n), n normal of deviation sigma / 255: `{kind: speckle, sigma: [10, 60]}`.
/// Mean x, variance x² sigma² / 255².
package struct SpeckleNoise: NoiseModel {
    package static let word = "speckle"
    package static let keys = ["sigma"]

    /// At white, on the 0...255 scale.
    package let sigma: NoiseRange

    package init(parsing document: Document) throws {
        sigma = try NoiseRange(parsing: document.required("sigma"), "sigma", in: 0...255)
    }

    package var document: Document { ["kind": .string(Self.word), "sigma": sigma.document] }

    package func apply(
        to clean: UnsafeBufferPointer<Float>, into noisy: UnsafeMutableBufferPointer<Float>,
        levels: UnsafeMutableBufferPointer<Float>, size: ImageSize, stream: inout RandomStream
    ) {
        let deviation = Float(sigma.draw(&stream) / 255)
        fillNormal(noisy, from: &stream)
        for i in clean.indices { noisy[i] = clean[i] * (1 + deviation * noisy[i]) }
        fillWithMeasuredLevel(levels, noisy: noisy, clean: clean)
    }
}
