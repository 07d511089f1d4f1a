import RandomStreams

/// What a training's batches hold as input and as target.
package enum Supervision: String, Sendable, CaseIterable {
    /// The noisy patch and the clean one.
    case clean
    /// Two draws of the noise. Lehtinen et al. 2018, "Noise2Noise: Learning image restoration without clean data".
    case noise2noise
    /// One noisy patch: single pixels are replaced by neighbours, and their own values are the target; the mask says where. Krull,
    /// Buchholz, Jug 2019, "Noise2Void: Learning denoising from single noisy images", with one pixel in each 8x8 pixels and the
    /// neighbours of 5x5 without the pixel itself.
    case noise2void
    /// Two halves of one noisy patch of twice the side: of each 2x2 pixels, two neighbours. Huang, Li, Jia, Lu, Liu 2021,
    /// "Neighbor2Neighbor: Self-supervised denoising from single noisy images", without its regularizer (γ = 0), which needs a second run.
    case neighbor2neighbor

    /// The side of what is cut from a picture for a patch of `crop`.
    package func cutSide(_ crop: Int) -> Int { self == .neighbor2neighbor ? 2 * crop : crop }

    static let blindCell = 8
    static let blindReach = 2
}

/// Hides single pixels of a noisy patch.
/// - Parameters:
///   - input: `[H, W, C]`, the noisy patch; hidden pixels are replaced.
///   - target: the hidden pixels' own values, zero elsewhere.
///   - mask: 1 where a pixel is hidden, zero elsewhere.
func hidePixels(
    of input: UnsafeMutableBufferPointer<Float>, target: UnsafeMutableBufferPointer<Float>, mask: UnsafeMutableBufferPointer<Float>,
    size: ImageSize, stream: inout RandomStream
) {
    target.update(repeating: 0)
    mask.update(repeating: 0)
    let cell = Supervision.blindCell, reach = Supervision.blindReach, channels = size.channels
    var hidden: [(pixel: Int, other: Int)] = []
    for top in stride(from: 0, to: size.height, by: cell) {
        for left in stride(from: 0, to: size.width, by: cell) {
            let row = top + stream.index(below: min(cell, size.height - top)), column = left + stream.index(below: min(cell, size.width - left))
            let rows = max(0, row - reach)...min(size.height - 1, row + reach)
            let columns = max(0, column - reach)...min(size.width - 1, column + reach)
            // The pixel itself is passed over.
            let count = rows.count * columns.count
            guard count > 1 else { continue }
            let own = (row - rows.lowerBound) * columns.count + column - columns.lowerBound
            var choice = stream.index(below: count - 1)
            if choice >= own { choice += 1 }
            let other = (rows.lowerBound + choice / columns.count) * size.width + columns.lowerBound + choice % columns.count
            hidden.append((row * size.width + column, other))
        }
    }
    for (pixel, _) in hidden {
        for i in pixel * channels..<(pixel + 1) * channels {
            target[i] = input[i]
            mask[i] = 1
        }
    }
    // A neighbour may be hidden too: its own value is taken all the same.
    for (pixel, other) in hidden {
        for k in 0..<channels {
            let from = other * channels + k
            input[pixel * channels + k] = mask[from] > 0 ? target[from] : input[from]
        }
    }
}

/// Takes two neighbours of each 2x2 pixels of a patch `[2H, 2W, C]` as two patches `[H, W, C]`.
/// - Parameter size: of the two.
func takeNeighbours(
    of patch: UnsafeBufferPointer<Float>, first: UnsafeMutableBufferPointer<Float>, second: UnsafeMutableBufferPointer<Float>,
    size: ImageSize, stream: inout RandomStream
) {
    let channels = size.channels, rowStride = 2 * size.width * channels
    let corners = [0, channels, rowStride + channels, rowStride]  // around the cell: neighbours in the list are neighbours
    for row in 0..<size.height {
        for column in 0..<size.width {
            let choice = stream.index(below: 8)
            let start = 2 * row * rowStride + 2 * column * channels, at = (row * size.width + column) * channels
            let from = start + corners[choice / 2], to = start + corners[(choice / 2 + (choice % 2 == 0 ? 1 : 3)) % 4]
            for k in 0..<channels {
                first[at + k] = patch[from + k]
                second[at + k] = patch[to + k]
            }
        }
    }
}
