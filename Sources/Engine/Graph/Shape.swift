/// The sizes of a value: `[N, H, W, C]` for feature maps, `[O, I, KH, KW]` for convolution weights, `[C]`, `[]` for scalars.
package struct Shape: Sendable, Hashable, ExpressibleByArrayLiteral, CustomStringConvertible {
    package var sizes: [Int]

    package init(_ sizes: [Int]) { self.sizes = sizes }
    package init(arrayLiteral elements: Int...) { sizes = elements }

    package var rank: Int { sizes.count }
    package var count: Int { sizes.reduce(1, *) }
    package subscript(axis: Int) -> Int { sizes[axis] }
    package var description: String { "[" + sizes.map(String.init).joined(separator: ", ") + "]" }

    // Feature maps.
    package var batch: Int { sizes[0] }
    package var height: Int { sizes[1] }
    package var width: Int { sizes[2] }
    package var channels: Int { sizes.last ?? 1 }
    /// Every axis but the last, multiplied: N * H * W.
    package var pixels: Int { sizes.dropLast().reduce(1, *) }

    /// The same map with other channels.
    package func with(channels: Int) -> Shape { Shape(sizes.dropLast() + [channels]) }
    package func with(batch: Int) -> Shape { Shape([batch] + sizes.dropFirst()) }
    package func with(height: Int, width: Int) -> Shape { [sizes[0], height, width, sizes[3]] }
}

/// Two shapes that do not fit, or a size that an operation refuses.
package struct ShapeError: Error, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}
