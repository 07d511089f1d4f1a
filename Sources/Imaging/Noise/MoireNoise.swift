import Documents
import Foundation
import RandomStreams

/// The fringes of a photographed screen: `{kind: moire, strength: [5, 40], period: [4, 32]}`.
///
/// Two gratings, the screen's and the sensor's, that differ a little in period and angle show their difference: fringes of a long
/// `period` (in pixels, drawn uniformly in its logarithm) in any direction, bent by the lens. The subpixels of a screen lie a third of
/// a pixel apart, so the fringes of red, green and blue do too, which makes them coloured. `strength` is the amplitude on the 0...255 scale:
/// mean 0, variance strength² / 2.
/// Source: the beat of two gratings, Amidror, "The theory of the moiré phenomenon", 2009, section 2.3; without its higher harmonics.
package struct MoireNoise: NoiseModel {
    package static let word = "moire"
    package static let keys = ["strength", "period"]

    /// The phase in radians that the lens adds at the border of the picture, at most.
    private static let bend = 3.0

    package let strength: NoiseRange
    package let period: NoiseRange

    package init(parsing document: Document) throws {
        strength = try NoiseRange(parsing: document.required("strength"), "strength", in: 0...255)
        period = try document.optional("period").map { try NoiseRange(parsing: $0, "period", in: 2...4096) } ?? NoiseRange(4...32)
    }

    package var document: Document { ["kind": .string(Self.word), "strength": strength.document, "period": period.document] }

    package func apply(
        to clean: UnsafeBufferPointer<Float>, into noisy: UnsafeMutableBufferPointer<Float>,
        levels: UnsafeMutableBufferPointer<Float>, size: ImageSize, stream: inout RandomStream
    ) {
        let amplitude = strength.draw(&stream) / 255
        let (shortest, longest) = (period.bounds.lowerBound, period.bounds.upperBound)
        let frequency = 2 * Double.pi / (shortest * pow(longest / shortest, stream.uniform()))
        let angle = stream.uniform(0, 2 * .pi), phase = stream.uniform(0, 2 * .pi)
        let (alongX, alongY) = (frequency * cos(angle), frequency * sin(angle))
        let bend = (0..<2).map { _ in stream.uniform(-Self.bend, Self.bend) }
        for row in 0..<size.height {
            let y = Double(row) - Double(size.height) / 2, v = 2 * y / Double(size.height)
            for column in 0..<size.width {
                let x = Double(column) - Double(size.width) / 2, u = 2 * x / Double(size.width)
                let place = phase + alongX * x + alongY * y + bend[0] * u * u + bend[1] * v * v
                for channel in 0..<size.channels {
                    let i = (row * size.width + column) * size.channels + channel
                    noisy[i] = clean[i] + Float(amplitude * cos(place + 2 * .pi / 3 * Double(channel)))
                }
            }
        }
        fillWithMeasuredLevel(levels, noisy: noisy, clean: clean)
    }
}
