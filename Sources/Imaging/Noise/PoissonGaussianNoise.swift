import Documents
import RandomStreams

/// A camera's shot and read noise: `{kind: poisson-gaussian, shot: [0.001, 0.02], read: [1, 10]}`.
///
/// A sample x becomes shot Poisson(x / shot) + N(0, read²): mean x, variance shot x + read², where `shot` is the part of white that one
/// photon makes (1 / peak of `poisson`) and `read` a deviation on the 0...255 scale.
/// Source: Foi, Trimeche, Katkovnik, Egiazarian, "Practical Poissonian-Gaussian noise modeling and fitting for single-image raw-data",
/// 2008, eq. 1 and 2; we count real photons instead of their normal approximation.
package struct PoissonGaussianNoise: NoiseModel {
    package static let word = "poisson-gaussian"
    package static let keys = ["shot", "read"]

    package let shot: NoiseRange
    package let read: NoiseRange

    package init(parsing document: Document) throws {
        shot = try NoiseRange(parsing: document.required("shot"), "shot", in: 1e-6...10)
        read = try NoiseRange(parsing: document.required("read"), "read", in: 0...255)
    }

    package var document: Document { ["kind": .string(Self.word), "shot": shot.document, "read": read.document] }

    package func apply(
        to clean: UnsafeBufferPointer<Float>, into noisy: UnsafeMutableBufferPointer<Float>,
        levels: UnsafeMutableBufferPointer<Float>, size: ImageSize, stream: inout RandomStream
    ) {
        let peak = 1 / shot.draw(&stream), deviation = Float(read.draw(&stream) / 255)
        countPhotons(clean, into: noisy, peak: peak, stream: &stream)
        addNormal(deviation: deviation, to: UnsafeBufferPointer(noisy), into: noisy, stream: &stream)
        fillWithMeasuredLevel(levels, noisy: noisy, clean: clean)
    }
}
