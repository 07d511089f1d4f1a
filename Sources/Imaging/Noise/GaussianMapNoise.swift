import Documents
import RandomStreams

/// Gaussian noise whose level differs from place to place: `{kind: gaussian-map, sigma: [0, 55], scale: 24}`.
///
/// The map is smooth: levels drawn uniformly from the range at the corners of a grid of `scale` pixels, which is laid at random, and
/// bilinear in between. A network with a noise map is told the map itself.
/// Source: spatially variant noise as in Zhang, Zuo, Zhang, "FFDNet", 2018, section IV; the random map is ours.
package struct GaussianMapNoise: NoiseModel {
    package static let word = "gaussian-map"
    package static let keys = ["sigma", "scale"]

    package let sigma: NoiseRange
    /// The side of the grid's cells, in pixels.
    package let scale: Int

    package init(parsing document: Document) throws {
        sigma = try NoiseRange(parsing: document.required("sigma"), "sigma", in: 0...255)
        scale = try document.optional("scale")?.int("scale", in: 1...4096) ?? 24
    }

    package var document: Document { ["kind": .string(Self.word), "sigma": sigma.document, "scale": .int(scale)] }

    package func apply(
        to clean: UnsafeBufferPointer<Float>, into noisy: UnsafeMutableBufferPointer<Float>,
        levels: UnsafeMutableBufferPointer<Float>, size: ImageSize, stream: inout RandomStream
    ) {
        drawMap(into: levels, size: size, stream: &stream)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: size.width * size.channels) { normals in
            for row in 0..<size.height {
                fillNormal(normals, from: &stream)
                let start = row * size.width * size.channels
                for i in normals.indices {
                    let level = levels[row * size.width + i / size.channels]
                    noisy[start + i] = clean[start + i] + level / 255 * normals[i]
                }
            }
        }
    }

    private func drawMap(into levels: UnsafeMutableBufferPointer<Float>, size: ImageSize, stream: inout RandomStream) {
        let (top, left) = (stream.index(below: scale), stream.index(below: scale))
        let columns = size.width / scale + 3, rows = size.height / scale + 3
        let corners = (0..<rows * columns).map { _ in Float(sigma.draw(&stream)) }
        for row in 0..<size.height {
            let (y, fy) = ((row + top) / scale, Float((row + top) % scale) / Float(scale))
            for column in 0..<size.width {
                let (x, fx) = ((column + left) / scale, Float((column + left) % scale) / Float(scale))
                let upper = corners[y * columns + x] * (1 - fx) + corners[y * columns + x + 1] * fx
                let lower = corners[(y + 1) * columns + x] * (1 - fx) + corners[(y + 1) * columns + x + 1] * fx
                levels[row * size.width + column] = upper * (1 - fy) + lower * fy
            }
        }
    }
}
