import Documents
import RandomStreams

/// Shot noise: a sample x becomes Poisson(peak x) / peak, where white has `peak` photons on average: `{kind: poisson, peak: [10, 100]}`.
/// Mean x, variance x / peak.
package struct PoissonNoise: NoiseModel {
    package static let word = "poisson"
    package static let keys = ["peak"]

    package let peak: NoiseRange

    package init(parsing document: Document) throws {
        peak = try NoiseRange(parsing: document.required("peak"), "peak", in: 0.1...1e6)
    }

    package var document: Document { ["kind": .string(Self.word), "peak": peak.document] }

    package func apply(
        to clean: UnsafeBufferPointer<Float>, into noisy: UnsafeMutableBufferPointer<Float>,
        levels: UnsafeMutableBufferPointer<Float>, size: ImageSize, stream: inout RandomStream
    ) {
        countPhotons(clean, into: noisy, peak: peak.draw(&stream), stream: &stream)
        fillWithMeasuredLevel(levels, noisy: noisy, clean: clean)
    }
}

/// Poisson(peak x) / peak for each sample.
func countPhotons(
    _ clean: UnsafeBufferPointer<Float>, into noisy: UnsafeMutableBufferPointer<Float>, peak: Double, stream: inout RandomStream
) {
    for i in clean.indices { noisy[i] = Float(Double(stream.poisson(mean: peak * Double(max(clean[i], 0)))) / peak) }
}
