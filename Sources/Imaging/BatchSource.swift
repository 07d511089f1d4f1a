import RandomStreams

/// Training batches: random patches of random pictures, varied, with noise, or with their noisy partners.
///
/// Everything in item i of a batch is drawn from stream (seed, "batch", step, i), so a batch is a function of the seed
/// and the step alone: it can be made anywhere, in any order, and there is no state to save.
package struct BatchSource: Sendable {
    package let images: ImageSet
    /// Nil for pairs, which have their own.
    package let noise: (any NoiseModel)?
    /// Side of the square patches.
    package let crop: Int
    package let batchSize: Int
    package let augmentation: Augmentation
    package let supervision: Supervision
    package let channels: Int
    private let stream: RandomStream

    /// Every picture must be at least `supervision.cutSide(crop)` on each side and all must have the same channels; only clean targets
    /// and `noise2void`, `neighbor2neighbor` may have pairs.
    package init(
        images: ImageSet, noise: (any NoiseModel)?, crop: Int, batchSize: Int, augmentation: Augmentation = .symmetric, supervision: Supervision = .clean,
        seed: UInt64
    ) {
        precondition(images.count > 0 && crop > 0 && batchSize > 0, "a batch needs pictures, a crop and a size")
        precondition((noise == nil) == images.isPaired, "pairs have their own noise")
        precondition(!images.isPaired || supervision != .noise2noise, "pairs have one noisy picture each")
        precondition(!images.isPaired || !augmentation.changesSamples, "the noise of pairs stays as it is")
        channels = images.size(0).channels
        let side = supervision.cutSide(crop)
        for i in 0..<images.count {
            let size = images.size(i)
            precondition(size.height >= side && size.width >= side && size.channels == channels, "pictures fit the crop")
        }
        self.images = images
        self.noise = noise
        self.crop = crop
        self.batchSize = batchSize
        self.augmentation = augmentation
        self.supervision = supervision
        stream = RandomStream(seed: seed).split("batch")
    }

    /// Samples in a batch, `[N, crop, crop, C]`.
    package var sampleCount: Int { batchSize * crop * crop * channels }

    /// Pixels in a batch, `[N, crop, crop]`.
    package var pixelCount: Int { batchSize * crop * crop }

    /// A batch's memory.
    package struct Buffers {
        /// `[N, crop, crop, C]`: the clean patches, samples in 0...1, or what stands for them.
        package var target: UnsafeMutableBufferPointer<Float>
        /// The same with noise, not clipped.
        package var noisy: UnsafeMutableBufferPointer<Float>
        /// `[N, crop, crop]`: the noise level at each place on the 0...255 scale.
        package var levels: UnsafeMutableBufferPointer<Float>
        /// As the target, for `noise2void`; empty otherwise.
        package var mask: UnsafeMutableBufferPointer<Float>

        package init(for source: BatchSource) {
            func memory(_ count: Int) -> UnsafeMutableBufferPointer<Float> {
                let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
                buffer.initialize(repeating: 0)
                return buffer
            }
            target = memory(source.sampleCount)
            noisy = memory(source.sampleCount)
            levels = memory(source.pixelCount)
            mask = memory(source.supervision == .noise2void ? source.sampleCount : 0)
        }

        package func deallocate() { for buffer in [target, noisy, levels, mask] { buffer.deallocate() } }
    }

    /// Writes the batch of a step.
    /// - Throws: `InputError` where a picture cannot be read any more.
    package func batch(step: Int, into buffers: Buffers) throws {
        precondition(buffers.noisy.count == sampleCount && buffers.levels.count == pixelCount, "buffer sizes")
        let atStep = stream.split(step)
        for item in 0..<batchSize {
            func part(_ buffer: UnsafeMutableBufferPointer<Float>) -> UnsafeMutableBufferPointer<Float> {
                let count = buffer.count / batchSize
                return UnsafeMutableBufferPointer(rebasing: buffer[item * count..<(item + 1) * count])
            }
            var stream = atStep.split(item)
            try write(
                target: part(buffers.target), noisy: part(buffers.noisy), levels: part(buffers.levels), mask: part(buffers.mask), &stream)
        }
    }

    private func write(
        target: UnsafeMutableBufferPointer<Float>, noisy: UnsafeMutableBufferPointer<Float>, levels: UnsafeMutableBufferPointer<Float>,
        mask: UnsafeMutableBufferPointer<Float>, _ stream: inout RandomStream
    ) throws {
        let place = draw(&stream), size = ImageSize(height: crop, width: crop, channels: channels)
        switch supervision {
        case .clean: try cut(place, clean: target, noisy: noisy, levels: levels, size, &stream)
        case .noise2noise:
            try cut(place, clean: target, noisy: noisy, levels: levels, size, &stream)
            withUnsafeTemporaryAllocation(of: Float.self, capacity: size.count) { again in
                noise?.apply(to: UnsafeBufferPointer(target), into: again, levels: levels, size: size, stream: &stream)
                _ = target.update(fromContentsOf: again)
            }
        case .noise2void:
            try cut(place, clean: target, noisy: noisy, levels: levels, size, &stream)
            hidePixels(of: noisy, target: target, mask: mask, size: size, stream: &stream)
        case .neighbor2neighbor:
            let whole = ImageSize(height: 2 * crop, width: 2 * crop, channels: channels)
            try withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * whole.count + whole.height * whole.width) { memory in
                func part(_ range: Range<Int>) -> UnsafeMutableBufferPointer<Float> { UnsafeMutableBufferPointer(rebasing: memory[range]) }
                let (clean, patch) = (part(0..<whole.count), part(whole.count..<2 * whole.count)), map = part(2 * whole.count..<memory.count)
                try cut(place, clean: clean, noisy: patch, levels: map, whole, &stream)
                takeNeighbours(of: UnsafeBufferPointer(patch), first: noisy, second: target, size: size, stream: &stream)
                for i in levels.indices { levels[i] = map[i / crop * 4 * crop + i % crop * 2] }
            }
        }
    }

    /// A clean patch and its noisy version.
    private func cut(
        _ place: Place, clean: UnsafeMutableBufferPointer<Float>, noisy: UnsafeMutableBufferPointer<Float>,
        levels: UnsafeMutableBufferPointer<Float>, _ size: ImageSize, _ stream: inout RandomStream
    ) throws {
        if augmentation.resamples {
            augmentation.resample(try images.image(place.picture), into: clean, side: size.height, stream: &stream)
        } else {
            copy(place, of: try images.image(place.picture), into: clean, side: size.height)
        }
        if augmentation.changesColours { augmentation.changeColours(clean, channels: channels, stream: &stream) }
        if let noise {
            noise.apply(to: UnsafeBufferPointer(clean), into: noisy, levels: levels, size: size, stream: &stream)
        } else if let partner = try images.noisy(place.picture) {
            copy(place, of: partner, into: noisy, side: size.height)
            fillWithMeasuredLevel(levels, noisy: noisy, clean: UnsafeBufferPointer(clean))
        }
    }

    /// Where a patch is cut and which symmetry of the square it is turned by.
    private struct Place {
        var picture: Int
        var top: Int
        var left: Int
        var symmetry: Int
    }

    private func draw(_ stream: inout RandomStream) -> Place {
        let picture = stream.index(below: images.count), image = images.size(picture), side = supervision.cutSide(crop)
        return Place(
            picture: picture, top: stream.index(below: image.height - side + 1), left: stream.index(below: image.width - side + 1),
            symmetry: augmentation.symmetries ? stream.index(below: 8) : 0)
    }

    private func copy(_ place: Place, of image: Image, into patch: UnsafeMutableBufferPointer<Float>, side: Int) {
        // The symmetry is a walk through the source: where it starts, and how far each row and column of the patch steps.
        let rowStride = image.width * channels, last = side - 1
        var start = place.top * rowStride + place.left * channels
        var down = rowStride, right = channels
        if place.symmetry & 1 != 0 { start += last * right; right = -right }
        if place.symmetry & 2 != 0 { start += last * down; down = -down }
        if place.symmetry & 4 != 0 { swap(&down, &right) }
        image.pixels.withUnsafeBufferPointer { source in
            var target = 0
            for row in 0..<side {
                var at = start + row * down
                for _ in 0..<side {
                    for k in 0..<channels { patch[target + k] = source[at + k] }
                    target += channels
                    at += right
                }
            }
        }
    }
}
