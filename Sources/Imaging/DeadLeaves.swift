import Foundation
import RandomStreams

/// Dead leaves pictures: disks that cover one another, with radius density proportional to r^-3, which gives natural
/// images' scale invariance, edges at every scale and occlusion.
///
/// Source: Achddou, Gousseau, Ladjal, "Synthetic images as a regularity prior for image restoration neural networks",
/// SSVM 2021; the model is Matheron's (1968), the power law Lee, Mumford and Huang's (2001). What we changed: disks are
/// laid front to back until every pixel is covered (the same law as back to front, at a fraction of the work), colours
/// come from a random smooth curve instead of a photograph's histogram, and the smallest radius is drawn for each picture, as
/// photographs are taken from near and from far; the largest is twice the picture's side.
/// Rendered at twice the size and reduced by the mean of 2x2 samples, then rounded to multiples of 1/255, as from a file.
package struct DeadLeaves: Sendable {
    package struct Disk: Sendable {
        package var x: Double
        package var y: Double
        package var radius: Double
    }

    /// Side of the square pictures, in pixels.
    package let size: Int
    package let channels: Int
    /// The smallest radius of a picture's disks, in pixels, is drawn from this range, uniformly in its logarithm.
    package static let smallestRadii = 1.0...8.0

    package init(size: Int, channels: Int) {
        precondition(size > 0 && (channels == 1 || channels == 3), "a gray or RGB picture")
        self.size = size
        self.channels = channels
    }

    /// In pixels.
    package var largestRadius: Double { max(2 * Double(size), 2 * Self.smallestRadii.upperBound) }

    /// A disk of the stationary process that may touch the picture; all lengths in pixels.
    ///
    /// A radius occurs in proportion to r^-3 times the area (size + 2r)^2 in which its centre can be, that is
    /// size^2 r^-3 + 4 size r^-2 + 4 r^-1: three laws with inverse distribution functions in closed form.
    package func disk(smallestRadius low: Double, _ stream: inout RandomStream) -> Disk {
        let high = largestRadius, side = Double(size)
        let inverseSquares = 1 / (low * low) - 1 / (high * high)
        let inverses = 1 / low - 1 / high
        let cubic = side * side * inverseSquares / 2
        let square = 4 * side * inverses
        let linear = 4 * log(high / low)
        let choice = stream.uniform(0, cubic + square + linear)
        let u = stream.uniform()
        let radius: Double
        if choice < cubic {
            radius = 1 / (1 / (low * low) - u * inverseSquares).squareRoot()
        } else if choice < cubic + square {
            radius = 1 / (1 / low - u * inverses)
        } else {
            radius = low * pow(high / low, u)
        }
        return Disk(
            x: stream.uniform(-radius, side + radius), y: stream.uniform(-radius, side + radius), radius: radius)
    }

    /// The picture of a stream: equal streams, equal pictures. A picture that one disk nearly fills teaches and measures
    /// nothing, so a nearly uniform one is drawn again.
    package func image(_ stream: RandomStream) -> Image {
        var image = draw(stream)
        var attempt = 0
        while attempt < 16, (image.pixels.max() ?? 0) - (image.pixels.min() ?? 0) < 0.1 {
            attempt += 1
            image = draw(stream.split("again").split(attempt))
        }
        return image
    }

    private func draw(_ stream: RandomStream) -> Image {
        let palette = Palette(channels: channels, stream: stream.split("palette"))
        var scale = stream.split("scale"), disks = stream.split("disks"), colours = stream.split("colours")
        let range = Self.smallestRadii
        let smallest = range.lowerBound * pow(range.upperBound / range.lowerBound, scale.uniform())
        let fine = 2 * size
        var samples = [Float](repeating: -1, count: fine * fine * channels)  // -1: not covered yet
        var left = fine * fine
        var colour = [Float](repeating: 0, count: channels)
        samples.withUnsafeMutableBufferPointer { samples in
            while left > 0 {
                let next = disk(smallestRadius: smallest, &disks)
                palette.draw(&colours, into: &colour)
                left -= lay(next, colour, on: samples, fine)
            }
        }
        return reduced(samples)
    }

    /// Paints what is not covered yet of a disk; returns the number of samples newly covered.
    private func lay(_ disk: Disk, _ colour: [Float], on samples: UnsafeMutableBufferPointer<Float>, _ fine: Int) -> Int {
        // Sample i of the fine grid lies at (i + 0.5) / 2 pixels.
        let x = 2 * disk.x - 0.5, y = 2 * disk.y - 0.5, radius = 2 * disk.radius
        let top = max(0, Int((y - radius).rounded(.up))), bottom = min(fine - 1, Int((y + radius).rounded(.down)))
        guard top <= bottom else { return 0 }
        var covered = 0
        for row in top...bottom {
            let dy = Double(row) - y
            let half = max(radius * radius - dy * dy, 0).squareRoot()
            let first = max(0, Int((x - half).rounded(.up))), last = min(fine - 1, Int((x + half).rounded(.down)))
            guard first <= last else { continue }
            if channels == 1 {
                let value = colour[0]
                for i in row * fine + first...row * fine + last where samples[i] < 0 {
                    samples[i] = value
                    covered += 1
                }
            } else {
                for i in row * fine + first...row * fine + last where samples[3 * i] < 0 {
                    for k in 0..<3 { samples[3 * i + k] = colour[k] }
                    covered += 1
                }
            }
        }
        return covered
    }

    /// The mean of each 2x2 samples, rounded to 8 bit.
    private func reduced(_ samples: [Float]) -> Image {
        var image = Image(height: size, width: size, channels: channels)
        let stride = 2 * size * channels
        for row in 0..<size {
            for column in 0..<size {
                for k in 0..<channels {
                    let at = 2 * row * stride + 2 * column * channels + k
                    let sum = samples[at] + samples[at + channels] + samples[at + stride] + samples[at + stride + channels]
                    let byte: Float = (sum * (255.0 / 4)).rounded(.toNearestOrEven)
                    image.pixels[(row * size + column) * channels + k] = byte / 255
                }
            }
        }
        return image
    }
}

/// A smooth random curve of colours and small departures from it: pictures have their own mood, as photographs do.
private struct Palette {
    /// Colours along the curve, `[steps, channels]`, in 0...1.
    private var curve: [Float]
    private let channels: Int
    private static let steps = 256
    private static let departure = 0.02

    init(channels: Int, stream: RandomStream) {
        self.channels = channels
        var stream = stream
        // Brightness spans most of the range; the two chroma axes stay small, as in natural colours.
        let dark = stream.uniform(0, 0.25), bright = stream.uniform(0.7, 1)
        let luma = Self.smooth(&stream).map { dark + (bright - dark) * $0 }
        curve = []
        if channels == 1 {
            curve = luma.map { Float($0) }
        } else {
            let strength = stream.uniform(0.05, 0.35)
            let warm = Self.smooth(&stream), green = Self.smooth(&stream)
            for i in 0..<Self.steps {
                let u = strength * (warm[i] - 0.5), v = strength * (green[i] - 0.5)
                for value in [luma[i] + u - v / 2, luma[i] + v / 2, luma[i] - u - v / 2] {
                    curve.append(Float(min(max(value, 0), 1)))
                }
            }
        }
    }

    /// A random smooth function over the curve, scaled to 0...1: a sum of three slow cosines.
    private static func smooth(_ stream: inout RandomStream) -> [Double] {
        var values = [Double](repeating: 0, count: steps)
        for frequency in 1...3 {
            let amplitude = stream.normal() / Double(frequency), phase = stream.uniform(0, 2 * .pi)
            for i in 0..<steps {
                values[i] += amplitude * cos(Double.pi * Double(frequency) * Double(i) / Double(steps) + phase)
            }
        }
        let low = values.min() ?? 0, high = values.max() ?? 1
        return values.map { ($0 - low) / max(high - low, 1e-9) }
    }

    func draw(_ stream: inout RandomStream, into colour: inout [Float]) {
        let step = stream.index(below: Self.steps)
        for k in 0..<channels {
            // A shift with variance departure^2: uniform, as its tails do not matter here.
            let shift = Float(stream.uniform(-1, 1) * Self.departure * 3.0.squareRoot())
            colour[k] = min(max(curve[step * channels + k] + shift, 0), 1)
        }
    }
}
