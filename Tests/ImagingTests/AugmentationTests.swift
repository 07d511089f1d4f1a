import Documents
import Foundation
import Imaging
import RandomStreams
import Testing

@Suite struct AugmentationTests {
    private func patches(_ text: String, of image: Image, crop: Int = 24, steps: Int = 8) throws -> [[Float]] {
        let source = BatchSource(
            images: ImageSet([("a", image)]), noise: GaussianNoise(sigma: 0), crop: crop, batchSize: 4,
            augmentation: try Augmentation(Document.parse(text, file: "e.yaml")), seed: 3)
        let size = crop * crop * image.channels
        return try (0..<steps).flatMap { step -> [[Float]] in
            let batch = try BatchTests.batch(source, step).clean
            return (0..<4).map { Array(batch[$0 * size..<($0 + 1) * size]) }
        }
    }

    /// A plane stays a plane: bicubic weights are exact for it, its slope is the picture's over the scale, and its direction turns.
    @Test(arguments: [(0.0, 1.5), (30, 1), (180, 0.7)]) func rotationAndScaleTurnAPlane(rotation: Double, scale: Double) throws {
        let side = 160
        let plane = Image(height: side, width: side, channels: 1, pixels: (0..<side * side).map { Float($0 % side) / Float(side) })
        var angles: [Double] = []
        for patch in try patches("{symmetries: false, rotation: \(rotation), scale: [\(scale), \(scale)]}", of: plane) {
            let across = Double(patch[12 * 24 + 13] - patch[12 * 24 + 11]) / 2, down = Double(patch[13 * 24 + 12] - patch[11 * 24 + 12]) / 2
            let slope = (across * across + down * down).squareRoot() * Double(side)
            #expect(abs(slope - 1 / scale) < 1e-3, "\(slope)")
            for row in 0..<24 {
                for column in 0..<24 {
                    let expected = Double(patch[0]) + across * Double(column) + down * Double(row)
                    #expect(abs(Double(patch[row * 24 + column]) - expected) < 1e-4)
                }
            }
            angles.append(atan2(down, across) * 180 / .pi)
        }
        #expect(angles.allSatisfy { abs($0) <= rotation + 0.1 } && (rotation == 0 || (angles.max() ?? 0) - (angles.min() ?? 0) > rotation))
    }

    @Test func scaleOneWithoutRotationIsACrop() throws {
        let image = DeadLeaves(size: 24, channels: 3).image(RandomStream(seed: 1))
        // As large as the picture: one place, whatever is drawn.
        for patch in try patches("{symmetries: false, rotation: 1e-9}", of: image) {
            #expect(zip(patch, image.pixels).allSatisfy { abs($0 - $1) < 1e-5 })
        }
    }

    @Test func coloursKeepTheirPlacesInTheHexagon() throws {
        let colours: [[Float]] = [[0.8, 0.2, 0.2], [0.5, 0.5, 0.5], [0.1, 0.7, 0.4], [0, 0, 0]]
        for colour in colours {
            let image = Image(height: 24, width: 24, channels: 3, pixels: (0..<24 * 24).flatMap { _ in colour })
            for patch in try patches("{hue: 180}", of: image) {
                // Turning the hue keeps value and chroma.
                let (r, g, b) = (patch[0], patch[1], patch[2])
                #expect(abs(max(r, g, b) - colour.max()!) < 1e-5 && abs(min(r, g, b) - colour.min()!) < 1e-5)
            }
            for patch in try patches("{saturation: 0.5}", of: image) { #expect(abs(patch[..<3].max()! - colour.max()!) < 1e-5) }
            for patch in try patches("{value: 0.2}", of: image) {
                let factor = colour[1] > 0 ? patch[1] / colour[1] : 1
                #expect((0.8 - 1e-5...1.2 + 1e-5).contains(factor))
                for k in 0..<3 { #expect(abs(patch[k] - colour[k] * factor) < 1e-5) }
            }
        }
    }

    @Test(arguments: [1, 3]) func sameStepSamePatch(channels: Int) throws {
        let image = DeadLeaves(size: 30, channels: channels).image(RandomStream(seed: 1))
        let text = "{rotation: 90, scale: [0.5, 2], hue: 20, saturation: 0.5, value: 0.5}"
        let first = try patches(text, of: image)
        #expect(try patches(text, of: image) == first && Set(first.map { $0[100] }).count > 20)
        #expect(first.joined().allSatisfy { 0 <= $0 && $0 <= 1 })
        #expect(try patches("true", of: image) != first)
    }
}
