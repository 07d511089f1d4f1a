import Foundation
import Imaging
import RandomStreams
import Testing

@Suite struct BatchTests {
    struct Batch: Equatable {
        var clean: [Float], noisy: [Float], levels: [Float], mask: [Float]
    }

    static func batch(_ source: BatchSource, _ step: Int) throws -> Batch {
        let buffers = BatchSource.Buffers(for: source)
        defer { buffers.deallocate() }
        try source.batch(step: step, into: buffers)
        return Batch(clean: Array(buffers.target), noisy: Array(buffers.noisy), levels: Array(buffers.levels), mask: Array(buffers.mask))
    }

    static func source(
        channels: Int = 1, crop: Int = 12, augments: Bool = true, seed: UInt64 = 1, noise: any NoiseModel = GaussianNoise(sigmas: 0...55)
    ) -> BatchSource {
        let images = ImageSet((0..<3).map { i in
            ("\(i)", DeadLeaves(size: 16 + i, channels: channels).image(RandomStream(seed: 8).split(i)))
        })
        return BatchSource(images: images, noise: noise, crop: crop, batchSize: 6, augmentation: augments ? .symmetric : .none, seed: seed)
    }

    @Test(arguments: [1, 3])
    func aBatchDependsOnSeedAndStepAlone(channels: Int) throws {
        let forward = Self.source(channels: channels), other = Self.source(channels: channels)
        let batches = try (0..<5).map { try Self.batch(forward, $0) }
        for step in [3, 0, 4, 2, 1] { #expect(try Self.batch(other, step) == batches[step]) }
        #expect(batches[0] != batches[1])
        #expect(try Self.batch(Self.source(channels: channels, seed: 2), 0) != batches[0])
        for batch in batches {
            #expect(batch.clean.allSatisfy { 0 <= $0 && $0 <= 1 } && batch.noisy.allSatisfy { $0 > -5 })
            #expect(batch.levels.allSatisfy { 0 <= $0 && $0 <= 55 } && Set(batch.levels).count == 6)
        }
    }

    /// Every patch is one of the crops under one of the eight symmetries, and all eight occur; without augmentation only the crop itself.
    @Test(arguments: [1, 3])
    func patchesAreSymmetriesOfCrops(channels: Int) throws {
        for augments in [false, true] {
            let source = Self.source(channels: channels, augments: augments)
            var symmetries: [[Float]: Set<Int>] = [:]
            for i in 0..<source.images.count {
                let image = try source.images.image(i)
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
                let clean = try Self.batch(source, step).clean
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

    @Test func noiseIsAddedToThePatch() throws {
        let batch = try Self.batch(Self.source(crop: 16, noise: GaussianNoise(sigma: 0)), 0)
        #expect(batch.clean == batch.noisy && batch.levels.allSatisfy { $0 == 0 })
        let noisy = try Self.batch(Self.source(crop: 16, noise: GaussianNoise(sigma: 25)), 0)
        #expect(noisy.clean == batch.clean && noisy.noisy != batch.noisy)
    }

    /// Both partners are cut at one place and turned alike.
    @Test func pairsStayTogether() throws {
        let pairs = (0..<3).map { i -> (String, Image, Image) in
            let clean = DeadLeaves(size: 16 + i, channels: 3).image(RandomStream(seed: 8).split(i))
            var noisy = clean
            for j in noisy.pixels.indices { noisy.pixels[j] = 1 - clean.pixels[j] }
            return ("\(i)", clean, noisy)
        }
        let source = BatchSource(images: ImageSet(pairs: pairs), noise: nil, crop: 12, batchSize: 6, seed: 1)
        for step in 0..<5 {
            let batch = try Self.batch(source, step)
            #expect(zip(batch.clean, batch.noisy).allSatisfy { $1 == 1 - $0 })
            for item in 0..<6 {
                let range = item * 432..<(item + 1) * 432
                let square: Double = range.reduce(0.0) { $0 + pow(Double(batch.noisy[$1] - batch.clean[$1]), 2) } / 432
                let level = 255 * square.squareRoot()
                #expect(abs(Double(batch.levels[item * 144]) - level) < 1e-3)
            }
        }
    }

    static func source(_ supervision: Supervision, noise: any NoiseModel = GaussianNoise(sigma: 25), channels: Int = 1) -> BatchSource {
        let images = ImageSet((0..<3).map { i in
            ("\(i)", DeadLeaves(size: 40 + i, channels: channels).image(RandomStream(seed: 8).split(i)))
        })
        return BatchSource(images: images, noise: noise, crop: 20, batchSize: 6, supervision: supervision, seed: 1)
    }

    /// Two draws whose mean is the clean patch, and whose noises have nothing to do with each other.
    @Test func noise2noiseDrawsTwice() throws {
        let twice = try Self.batch(Self.source(.noise2noise), 1), clean = try Self.batch(Self.source(.clean), 1)
        #expect(twice.noisy == clean.noisy && twice.levels == clean.levels)
        let count = Double(clean.clean.count)
        func product(_ a: [Float], _ b: [Float]) -> Double {
            var sum = 0.0
            for (i, x) in clean.clean.enumerated() { sum += Double((a[i] - x) * (b[i] - x)) }
            return sum / count * 255 * 255
        }
        #expect(abs(product(twice.clean, twice.clean) / 625 - 1) < 0.1 && abs(product(twice.clean, twice.noisy)) < 625 * 6 / count.squareRoot())
    }

    /// One pixel of each 8x8 is hidden, its value is the target, and its place holds a neighbour's.
    @Test(arguments: [1, 3]) func noise2voidHidesPixels(channels: Int) throws {
        let blind = try Self.batch(Self.source(.noise2void, channels: channels), 1), seeing = try Self.batch(Self.source(.clean, channels: channels), 1)
        #expect(blind.mask.filter { $0 == 1 }.count == 6 * 9 * channels && blind.mask.allSatisfy { $0 == 0 || $0 == 1 })
        for i in blind.mask.indices {
            #expect(blind.clean[i] == (blind.mask[i] == 1 ? seeing.noisy[i] : 0))
            guard blind.mask[i] == 1 else {
                #expect(blind.noisy[i] == seeing.noisy[i])
                continue
            }
            let (item, pixel, k) = (i / (400 * channels), i / channels % 400, i % channels)
            let neighbours = (0..<400).filter { other in
                other != pixel && abs(other / 20 - pixel / 20) <= 2 && abs(other % 20 - pixel % 20) <= 2
            }
            #expect(neighbours.contains { seeing.noisy[(item * 400 + $0) * channels + k] == blind.noisy[i] })
        }
    }

    /// Without noise both halves are pixels of one picture, side by side.
    @Test func neighbor2neighborTakesNeighbours() throws {
        let ramp = Image(height: 64, width: 64, channels: 1, pixels: (0..<4096).map { Float($0 / 64 * 1000 + $0 % 64) })
        let source = BatchSource(
            images: ImageSet([("ramp", ramp)]), noise: GaussianNoise(sigma: 0), crop: 20, batchSize: 6, augmentation: .none,
            supervision: .neighbor2neighbor, seed: 1)
        let batch = try Self.batch(source, 1)
        var steps: [Float: Int] = [:]
        for (a, b) in zip(batch.noisy, batch.clean) { steps[b - a, default: 0] += 1 }
        #expect(Set(steps.keys) == [1, -1, 1000, -1000] && steps.values.allSatisfy { abs(Double($0) - 600) < 6 * 21.2 })
    }
}
