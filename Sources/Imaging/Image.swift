/// The size of a picture or patch.
package struct ImageSize: Sendable, Equatable {
    package var height: Int
    package var width: Int
    package var channels: Int
    /// Samples.
    package var count: Int { height * width * channels }

    package init(height: Int, width: Int, channels: Int) {
        self.height = height
        self.width = width
        self.channels = channels
    }
}

/// A picture in memory: Float samples in 0...1, row-major `[H, W, C]`.
package struct Image: Sendable, Equatable {
    package let height: Int
    package let width: Int
    /// 1 (gray) or 3 (RGB) when read from a file; any positive number otherwise.
    package let channels: Int
    /// `height * width * channels` samples.
    package var pixels: [Float]

    package init(height: Int, width: Int, channels: Int, pixels: [Float]) {
        precondition(height > 0 && width > 0 && channels > 0, "an image has at least one sample")
        precondition(pixels.count == height * width * channels, "samples must match height x width x channels")
        self.height = height
        self.width = width
        self.channels = channels
        self.pixels = pixels
    }

    package init(height: Int, width: Int, channels: Int, filledWith value: Float = 0) {
        self.init(
            height: height, width: width, channels: channels,
            pixels: [Float](repeating: value, count: height * width * channels))
    }

    package var size: ImageSize { ImageSize(height: height, width: width, channels: channels) }

    /// Puts one-channel pictures of equal size behind one another as channels.
    package init(stacking planes: [Image]) {
        precondition(!planes.isEmpty, "at least one channel")
        let first = planes[0]
        precondition(
            planes.allSatisfy { $0.height == first.height && $0.width == first.width && $0.channels == 1 },
            "channels must be one-channel images of equal size")
        self.init(height: first.height, width: first.width, channels: planes.count)
        for (k, plane) in planes.enumerated() {
            for i in 0..<first.height * first.width { pixels[i * planes.count + k] = plane.pixels[i] }
        }
    }

    /// Channel k as a picture of its own.
    package func channel(_ k: Int) -> Image {
        precondition(0 <= k && k < channels, "no such channel")
        if channels == 1 { return self }
        return Image(
            height: height, width: width, channels: 1,
            pixels: (0..<height * width).map { pixels[$0 * channels + k] })
    }

    /// The rectangle of the given size whose top left corner is (top, left).
    package func cropped(top: Int, left: Int, height: Int, width: Int) -> Image {
        precondition(top >= 0 && left >= 0 && top + height <= self.height && left + width <= self.width, "crop outside")
        var samples: [Float] = []
        samples.reserveCapacity(height * width * channels)
        for row in top..<top + height {
            let start = (row * self.width + left) * channels
            samples += pixels[start..<start + width * channels]
        }
        return Image(height: height, width: width, channels: channels, pixels: samples)
    }

    /// Puts another picture's pixels over this one's, its top left corner at (top, left); it must lie inside.
    package mutating func paste(_ other: Image, top: Int, left: Int) {
        precondition(other.channels == channels && top + other.height <= height && left + other.width <= width, "inside")
        let count = other.width * channels
        for row in 0..<other.height {
            let target = ((top + row) * width + left) * channels
            pixels.replaceSubrange(target..<target + count, with: other.pixels[row * count..<(row + 1) * count])
        }
    }

    /// The square of the given side in the middle.
    package func centreCropped(_ side: Int) -> Image {
        cropped(top: (height - side) / 2, left: (width - side) / 2, height: side, width: side)
    }

    /// The middle of this size; where the picture is smaller it is continued by mirroring, edges repeated.
    package func mirroredAndCropped(height: Int, width: Int) -> Image {
        let (top, left) = ((self.height - height) / 2, (self.width - width) / 2)
        var samples: [Float] = []
        samples.reserveCapacity(height * width * channels)
        for row in 0..<height {
            for column in 0..<width {
                let start = (mirrored(top + row, self.height) * self.width + mirrored(left + column, self.width)) * channels
                samples += pixels[start..<start + channels]
            }
        }
        return Image(height: height, width: width, channels: channels, pixels: samples)
    }

    /// Gray (1) or RGB (3) from gray or RGB. Gray is ITU-R BT.601 luma, 0.299 R + 0.587 G + 0.114 B, computed in Double;
    /// RGB from gray repeats the channel.
    package func converted(toChannels wanted: Int) -> Image {
        precondition((wanted == 1 || wanted == 3) && (channels == 1 || channels == 3), "only gray and RGB convert")
        if wanted == channels { return self }
        if wanted == 3 { return Image(stacking: [self, self, self]) }
        let luma = (0..<height * width).map { i -> Float in
            let red = Double(pixels[3 * i]), green = Double(pixels[3 * i + 1]), blue = Double(pixels[3 * i + 2])
            return Float(0.299 * red + 0.587 * green + 0.114 * blue)
        }
        return Image(height: height, width: width, channels: 1, pixels: luma)
    }

    /// Samples clamped to 0...1, times the largest integer of `bits` bits, rounded half to even (numpy's `rint`); NaN becomes 0.
    package func quantized<Integer: FixedWidthInteger & UnsignedInteger>(to type: Integer.Type) -> [Integer] {
        let scale = Float(Integer.max)
        return pixels.map { sample in
            let clamped = sample > 0 ? min(sample, 1) : 0
            return Integer(truncatingIfNeeded: Int32((clamped * scale).rounded(.toNearestOrEven)))
        }
    }

    /// The 8-bit picture that a file would hold, `round(255 x)`.
    package var bytes: [UInt8] { quantized(to: UInt8.self) }
}

/// The place within 0..<size that stands for a position beyond it: the picture continued by mirroring, edges repeated.
func mirrored(_ position: Int, _ size: Int) -> Int {
    let place = ((position % (2 * size)) + 2 * size) % (2 * size)
    return place < size ? place : 2 * size - 1 - place
}
