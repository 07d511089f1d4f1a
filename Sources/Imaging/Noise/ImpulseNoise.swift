import Documents
import RandomStreams

/// Dead and hot samples: with `probability` a sample is lost, each channel by itself, and is 0 or 1 (`values: salt-and-pepper`, the
/// default) or anything in 0...1 (`values: random`): `{kind: impulse, probability: [0, 0.3], values: random}`.
///
/// Mean (1 - p) x + p / 2; mean square of the noise p ((1 - x)² + x²) / 2, or p (1/3 - x + x²).
package struct ImpulseNoise: NoiseModel {
    package enum Values: String, Sendable, CaseIterable {
        case saltAndPepper = "salt-and-pepper"
        case random
    }

    package static let word = "impulse"
    package static let keys = ["probability", "values"]

    package let probability: NoiseRange
    package let values: Values

    package init(parsing document: Document) throws {
        probability = try NoiseRange(parsing: document.required("probability"), "probability", in: 0...1)
        values = try document.optional("values")?.word("values", as: Values.self) ?? .saltAndPepper
    }

    package var document: Document {
        ["kind": .string(Self.word), "probability": probability.document, "values": .string(values.rawValue)]
    }

    package func apply(
        to clean: UnsafeBufferPointer<Float>, into noisy: UnsafeMutableBufferPointer<Float>,
        levels: UnsafeMutableBufferPointer<Float>, size: ImageSize, stream: inout RandomStream
    ) {
        let probability = probability.draw(&stream)
        for i in clean.indices {
            let chance = stream.uniform()
            guard chance < probability else {
                noisy[i] = clean[i]
                continue
            }
            // Below the probability the chance is uniform again.
            switch values {
            case .saltAndPepper: noisy[i] = chance < probability / 2 ? 0 : 1
            case .random: noisy[i] = Float(chance / probability)
            }
        }
        fillWithMeasuredLevel(levels, noisy: noisy, clean: clean)
    }
}
