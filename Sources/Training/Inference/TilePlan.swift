/// The overlapping tiles that a picture is run in: squares of `side` with `halo` pixels of their neighbours around them, both
/// multiples of the network's size multiple, so that pooling sees the same windows as in the whole picture.
package struct TilePlan: Sendable, Equatable {
    /// What a tile sees of its neighbours where the network reaches over the whole image and no overlap gives the same pixels.
    package static let haloOfUnboundedReach = 64

    package var side: Int
    package var halo: Int

    /// Tiles for a network of a bounded reach: they give the same pixels as the whole picture.
    /// - Parameters:
    ///   - radius: the network's receptive radius.
    ///   - multiple: its size multiple.
    ///   - pixels: about how many pixels a tile has.
    package init(radius: Int, multiple: Int, pixels: Int) {
        // At least one pixel, so that no tile at the edge is too thin to be padded.
        halo = Self.rounded(max(radius, 1), multiple)
        side = Self.rounded(max(2 * halo, Int(Double(pixels).squareRoot()) / 2), multiple)
    }

    /// Tiles for a network that reaches over the whole image: the largest of at most `side` that the bound allows, by halving.
    /// - Parameters:
    ///   - bytes: the working memory for a picture of so many pixels high and wide.
    ///   - bound: at most so many bytes; the smallest tile is taken where none has fewer.
    package init(multiple: Int, side largest: Int, bound: Int, bytes: (Int) throws -> Int) rethrows {
        halo = Self.rounded(Self.haloOfUnboundedReach, multiple)
        side = Self.rounded(largest, multiple)
        while side > halo, try bytes(side + 2 * halo) > bound { side = Self.rounded(side / 2, multiple) }
    }

    private static func rounded(_ size: Int, _ multiple: Int) -> Int { (size + multiple - 1) / multiple * multiple }
}
