import Foundation
import Imaging
import RandomStreams
import Testing

@Suite struct DeadLeavesTests {
    @Test(arguments: [1, 3])
    func picturesAreDeterministicVariedAndInRange(channels: Int) {
        let generator = DeadLeaves(size: 64, channels: channels)
        for i in 0..<8 {
            let image = generator.image(RandomStream(seed: 1).split(i))
            #expect(image == generator.image(RandomStream(seed: 1).split(i)))
            #expect(image != generator.image(RandomStream(seed: 2).split(i)))
            #expect(image.pixels.allSatisfy { 0 <= $0 && $0 <= 1 })
            #expect(image.pixels == image.bytes.map { Float($0) / 255 }, "8-bit levels, as from a file")
        }
    }

    @Test func noPictureIsUniform() {
        for size in [8, 16, 48] {
            for i in 0..<300 {
                let pixels = DeadLeaves(size: size, channels: 1).image(RandomStream(seed: 4).split(i)).pixels
                #expect((pixels.max() ?? 0) - (pixels.min() ?? 0) >= 0.1, "\(size), \(i)")
            }
        }
    }

    /// Among disks whose centre lies in the picture, the number with radius in [r, 2r] falls as r^-2.
    @Test func radiiFollowTheInverseCube() {
        let generator = DeadLeaves(size: 128, channels: 1)
        var stream = RandomStream(seed: 7)
        var counts = [Int](repeating: 0, count: 9)
        for _ in 0..<400_000 {
            let disk = generator.disk(smallestRadius: 1, &stream)
            #expect(1 <= disk.radius && disk.radius <= generator.largestRadius)
            if 0 <= disk.x, disk.x < 128, 0 <= disk.y, disk.y < 128 { counts[Int(log2(disk.radius))] += 1 }
        }
        for octave in 0..<4 {
            let ratio = Double(counts[octave]) / Double(counts[octave + 1])
            #expect(abs(ratio - 4) < 0.4, "octave \(octave): \(ratio)")
        }
    }

    /// Neighbouring pixels are alike inside leaves and jump at edges: mostly small differences, some large.
    @Test func picturesHaveFlatPartsAndEdges() {
        let image = DeadLeaves(size: 128, channels: 1).image(RandomStream(seed: 3))
        let differences = (1..<image.pixels.count).map { abs(image.pixels[$0] - image.pixels[$0 - 1]) }
        let flat = differences.filter { $0 < 0.004 }.count, edges = differences.filter { $0 > 0.1 }.count
        #expect(flat > differences.count / 5 && edges > differences.count / 50 && edges < differences.count / 2)
    }
}
