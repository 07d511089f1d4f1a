import RandomStreams

/// Training batches: random patches of random pictures, turned and mirrored, with noise.
///
/// Everything in item i of a batch is drawn from stream (seed, "batch", step, i), so a batch is a function of the seed
/// and the step alone: it can be made anywhere, in any order, and there is no state to save.
package struct BatchSource: Sendable {
    package let images: ImageSet
    package let noise: any NoiseModel
    /// Side of the square patches.
    package let crop: Int
    package let batchSize: Int
    /// Whether patches are mirrored and turned by right angles (the eight symmetries of the square).
    package let augments: Bool
    package let channels: Int
    private let stream: RandomStream

    /// Every picture must be at least `crop` on each side and all must have the same channels;
    /// `DatasetDescription.open` sees to it.
    package init(images: ImageSet, noise: any NoiseModel, crop: Int, batchSize: Int, augments: Bool = true, seed: UInt64) {
        precondition(images.count > 0 && crop > 0 && batchSize > 0, "a batch needs pictures, a crop and a size")
        channels = images.image(0).channels
        for i in 0..<images.count {
            let image = images.image(i)
            precondition(image.height >= crop && image.width >= crop && image.channels == channels, "pictures fit the crop")
        }
        self.images = images
        self.noise = noise
        self.crop = crop
        self.batchSize = batchSize
        self.augments = augments
        stream = RandomStream(seed: seed).split("batch")
    }

    /// Samples in a batch, `[N, crop, crop, C]`.
    package var sampleCount: Int { batchSize * crop * crop * channels }

    /// Writes the batch of a step.
    /// - Parameters:
    ///   - clean: `[N, crop, crop, C]`, samples in 0...1.
    ///   - noisy: the same with noise, not clipped.
    ///   - sigmas: `[N]`, the noise level of each item on the 0...255 scale.
    package func batch(
        step: Int, clean: UnsafeMutableBufferPointer<Float>, noisy: UnsafeMutableBufferPointer<Float>,
        sigmas: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(clean.count == sampleCount && noisy.count == sampleCount && sigmas.count == batchSize, "buffer sizes")
        let itemCount = crop * crop * channels
        let atStep = stream.split(step)
        for item in 0..<batchSize {
            var stream = atStep.split(item)
            let range = item * itemCount..<(item + 1) * itemCount
            let patch = UnsafeMutableBufferPointer(rebasing: clean[range])
            cut(into: patch, &stream)
            sigmas[item] = noise.apply(
                to: UnsafeBufferPointer(patch), into: UnsafeMutableBufferPointer(rebasing: noisy[range]), stream: &stream)
        }
    }

    private func cut(into patch: UnsafeMutableBufferPointer<Float>, _ stream: inout RandomStream) {
        let image = images.image(stream.index(below: images.count))
        let top = stream.index(below: image.height - crop + 1)
        let left = stream.index(below: image.width - crop + 1)
        let symmetry = augments ? stream.index(below: 8) : 0
        // The symmetry is a walk through the source: where it starts, and how far each row and column of the patch steps.
        let rowStride = image.width * channels, last = crop - 1
        var start = top * rowStride + left * channels
        var down = rowStride, right = channels
        if symmetry & 1 != 0 { start += last * right; right = -right }
        if symmetry & 2 != 0 { start += last * down; down = -down }
        if symmetry & 4 != 0 { swap(&down, &right) }
        image.pixels.withUnsafeBufferPointer { source in
            var target = 0
            for row in 0..<crop {
                var at = start + row * down
                for _ in 0..<crop {
                    for k in 0..<channels { patch[target + k] = source[at + k] }
                    target += channels
                    at += right
                }
            }
        }
    }
}
