import Imaging
import RandomStreams
import Testing

@Suite struct BatchTests {
    struct Batch: Equatable {
        var clean: [Float], noisy: [Float], sigmas: [Float]
    }

    static func batch(_ source: BatchSource, _ step: Int) -> Batch {
        var batch = Batch(
            clean: [Float](repeating: -9, count: source.sampleCount), noisy: [Float](repeating: -9, count: source.sampleCount),
            sigmas: [Float](repeating: -9, count: source.batchSize))
        batch.clean.withUnsafeMutableBufferPointer { clean in
            batch.noisy.withUnsafeMutableBufferPointer { noisy in
                batch.sigmas.withUnsafeMutableBufferPointer { source.batch(step: step, clean: clean, noisy: noisy, sigmas: $0) }
            }
        }
        return batch
    }

    static func source(
        channels: Int = 1, crop: Int = 12, augments: Bool = true, seed: UInt64 = 1, noise: any NoiseModel = GaussianNoise(sigmas: 0...55)
    ) -> BatchSource {
        let images = ImageSet((0..<3).map { i in
            ("\(i)", DeadLeaves(size: 16 + i, channels: channels).image(RandomStream(seed: 8).split(i)))
        })
        return BatchSource(images: images, noise: noise, crop: crop, batchSize: 6, augments: augments, seed: seed)
    }

    @Test(arguments: [1, 3])
    func aBatchDependsOnSeedAndStepAlone(channels: Int) {
        let forward = Self.source(channels: channels), other = Self.source(channels: channels)
        let batches = (0..<5).map { Self.batch(forward, $0) }
        for step in [3, 0, 4, 2, 1] { #expect(Self.batch(other, step) == batches[step]) }
        #expect(batches[0] != batches[1])
        #expect(Self.batch(Self.source(channels: channels, seed: 2), 0) != batches[0])
        for batch in batches {
            #expect(batch.clean.allSatisfy { 0 <= $0 && $0 <= 1 } && batch.noisy.allSatisfy { $0 > -5 })
            #expect(batch.sigmas.allSatisfy { 0 <= $0 && $0 <= 55 } && Set(batch.sigmas).count == 6)
        }
    }

    /// Every patch is one of the crops under one of the eight symmetries, and all eight occur; without augmentation only the crop itself.
    @Test(arguments: [1, 3])
    func patchesAreSymmetriesOfCrops(channels: Int) {
        for augments in [false, true] {
            let source = Self.source(channels: channels, augments: augments)
            var symmetries: [[Float]: Set<Int>] = [:]
            for i in 0..<source.images.count {
                let image = source.images.image(i)
                for top in 0...image.height - 12 {
                    for left in 0...image.width - 12 {
                        var crop = image.cropped(top: top, left: left, height: 12, width: 12)
                        for turn in 0..<8 {
                            symmetries[crop.pixels, default: []].insert(turn)
                            crop = turn == 3 ? Self.mirrored(crop) : Self.turned(crop)
                        }
                    }
                }
            }
            var seen: Set<Int> = []
            for step in 0..<40 {
                let clean = Self.batch(source, step).clean
                let size = 12 * 12 * channels
                for item in 0..<6 {
                    let found = symmetries[Array(clean[item * size..<(item + 1) * size])]
                    #expect(found != nil, "step \(step), item \(item)")
                    if let found, found.count == 1 { seen.formUnion(found) }
                }
            }
            #expect(seen == (augments ? Set(0..<8) : [0]))
        }
    }

    static func turned(_ image: Image) -> Image {
        var result = image
        let side = image.height, channels = image.channels
        for y in 0..<side {
            for x in 0..<side {
                for k in 0..<channels {
                    result.pixels[(x * side + side - 1 - y) * channels + k] = image.pixels[(y * side + x) * channels + k]
                }
            }
        }
        return result
    }

    static func mirrored(_ image: Image) -> Image {
        var result = image
        for y in 0..<image.height {
            for x in 0..<image.width {
                for k in 0..<image.channels {
                    result.pixels[(y * image.width + x) * image.channels + k] =
                        image.pixels[(y * image.width + image.width - 1 - x) * image.channels + k]
                }
            }
        }
        return result
    }

    @Test func noiseIsAddedToThePatch() {
        let batch = Self.batch(Self.source(crop: 16, noise: GaussianNoise(sigma: 0)), 0)
        #expect(batch.clean == batch.noisy && batch.sigmas == [0, 0, 0, 0, 0, 0])
        let noisy = Self.batch(Self.source(crop: 16, noise: GaussianNoise(sigma: 25)), 0)
        #expect(noisy.clean == batch.clean && noisy.noisy != batch.noisy)
    }
}
