import Documents
import RandomStreams

/// White Gaussian noise: `sigma: 25`, or `sigma: [0, 55]` for a level drawn uniformly for each picture (0...255 scale).
package struct GaussianNoise: NoiseModel {
    package static let word = "gaussian"
    package static let keys = ["sigma"]

    package let sigma: NoiseRange

    package init(sigma: Double) { self.sigma = NoiseRange(sigma) }

    package init(sigmas: ClosedRange<Double>) { sigma = NoiseRange(sigmas) }

    package init(parsing document: Document) throws {
        sigma = try NoiseRange(parsing: document.required("sigma"), "sigma", in: 0...255)
    }

    package var document: Document { ["kind": .string(Self.word), "sigma": sigma.document] }

    package func apply(
        to clean: UnsafeBufferPointer<Float>, into noisy: UnsafeMutableBufferPointer<Float>,
        levels: UnsafeMutableBufferPointer<Float>, size: ImageSize, stream: inout RandomStream
    ) {
        let level = Float(sigma.draw(&stream))
        addNormal(deviation: level / 255, to: clean, into: noisy, stream: &stream)
        levels.update(repeating: level)
    }
}
