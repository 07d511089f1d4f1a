import Documents
import Foundation
import RandomStreams

/// How patches are varied before noise is added: `true` (mirrored and turned by right angles), `false`, or
/// `{symmetries: true, rotation: 20, scale: [0.8, 1.25], hue: 8, saturation: 0.3, value: 0.2}`.
package struct Augmentation: Sendable, Equatable {
    /// The eight symmetries of the square.
    package var symmetries = true
    /// Turned by at most so many degrees either way, and enlarged by a factor of this range: bicubic (Keys 1981, a = -1/2), pictures
    /// continued by mirroring.
    package var rotation = 0.0
    package var scale = 1.0...1.0
    /// Colours turned by at most so many degrees, and saturation and value changed by at most this part; value of gray pictures too.
    package var hue = 0.0
    package var saturation = 0.0
    package var value = 0.0

    package static let none = Augmentation(symmetries: false)
    package static let symmetric = Augmentation()

    private init(symmetries: Bool = true) { self.symmetries = symmetries }

    package init(_ document: Document) throws {
        guard case .object = document.value else {
            symmetries = try document.bool("augment")
            return
        }
        try document.allowOnly(["symmetries", "rotation", "scale", "hue", "saturation", "value"])
        symmetries = try document.optional("symmetries")?.bool("symmetries") ?? true
        rotation = try document.optional("rotation")?.double("rotation", in: 0...180) ?? 0
        scale = try document.optional("scale").map { try NoiseRange(parsing: $0, "scale", in: 0.5...4).bounds } ?? scale
        hue = try document.optional("hue")?.double("hue", in: 0...180) ?? 0
        saturation = try document.optional("saturation")?.double("saturation", in: 0...1) ?? 0
        value = try document.optional("value")?.double("value", in: 0...1) ?? 0
    }

    package var document: Document {
        if self == .none || self == .symmetric { return .bool(symmetries) }
        return [
            "symmetries": .bool(symmetries), "rotation": .float(rotation), "scale": [.float(scale.lowerBound), .float(scale.upperBound)],
            "hue": .float(hue), "saturation": .float(saturation), "value": .float(value),
        ]
    }

    /// Whether pixels are made anew from their neighbours.
    var resamples: Bool { rotation > 0 || scale != 1...1 }
    var changesColours: Bool { hue > 0 || saturation > 0 || value > 0 }
    /// Whether more than places changes, which noise that is already there would not survive.
    package var changesSamples: Bool { resamples || changesColours }

    /// Writes a patch `[side, side, C]` of a picture: drawn centre, angle and scale.
    func resample(_ image: Image, into patch: UnsafeMutableBufferPointer<Float>, side: Int, stream: inout RandomStream) {
        let angle = stream.uniform(-rotation, rotation) * .pi / 180
        let factor = scale.lowerBound * pow(scale.upperBound / scale.lowerBound, stream.uniform())
        let (across, down) = (cos(angle) / factor, sin(angle) / factor)
        // Half of the source's extent along each axis; where the picture is smaller, its middle is taken.
        let half = Double(side) / 2 * (abs(across) + abs(down))
        func centre(_ size: Int) -> Double {
            let free = Double(size) - 2 * half
            return free > 0 ? half + stream.uniform() * free : Double(size) / 2
        }
        let (y, x) = (centre(image.height), centre(image.width))
        let turned = symmetries ? stream.index(below: 8) : 0
        image.pixels.withUnsafeBufferPointer { source in
            for row in 0..<side {
                for column in 0..<side {
                    var (v, u) = (Double(row) + 0.5 - Double(side) / 2, Double(column) + 0.5 - Double(side) / 2)
                    if turned & 1 != 0 { u = -u }
                    if turned & 2 != 0 { v = -v }
                    if turned & 4 != 0 { swap(&u, &v) }
                    sample(
                        source, image, y: y + down * u + across * v - 0.5, x: x + across * u - down * v - 0.5,
                        into: patch, at: (row * side + column) * image.channels)
                }
            }
        }
    }

    private func sample(
        _ source: UnsafeBufferPointer<Float>, _ image: Image, y: Double, x: Double, into patch: UnsafeMutableBufferPointer<Float>, at: Int
    ) {
        let (row, column) = (y.rounded(.down), x.rounded(.down))
        let (rows, columns) = (Self.weights(Float(y - row)), Self.weights(Float(x - column)))
        for k in 0..<image.channels {
            var sum: Float = 0
            for i in 0..<4 {
                let line = mirrored(Int(row) - 1 + i, image.height) * image.width
                var along: Float = 0
                for j in 0..<4 { along += columns[j] * source[(line + mirrored(Int(column) - 1 + j, image.width)) * image.channels + k] }
                sum += rows[i] * along
            }
            patch[at + k] = min(max(sum, 0), 1)
        }
    }

    /// Keys' weights of the four samples around a place.
    private static func weights(_ t: Float) -> SIMD4<Float> {
        let (t2, t3) = (t * t, t * t * t)
        return SIMD4(-t3 + 2 * t2 - t, 3 * t3 - 5 * t2 + 2, -3 * t3 + 4 * t2 + t, t3 - t2) * 0.5
    }

    /// Changes a patch's colours in HSV (Smith 1978, "Color gamut transform pairs"); gray patches in their value alone.
    func changeColours(_ patch: UnsafeMutableBufferPointer<Float>, channels: Int, stream: inout RandomStream) {
        let turn = Float(stream.uniform(-hue, hue) / 60)
        let (saturate, brighten) = (Float(1 + stream.uniform(-saturation, saturation)), Float(1 + stream.uniform(-value, value)))
        guard channels == 3 else {
            for i in patch.indices { patch[i] = min(patch[i] * brighten, 1) }
            return
        }
        for i in stride(from: 0, to: patch.count, by: 3) {
            let (r, g, b) = (patch[i], patch[i + 1], patch[i + 2])
            let top = max(r, g, b), spread = top - min(r, g, b)
            var place: Float = 0
            if spread > 0 { place = top == r ? (g - b) / spread : top == g ? 2 + (b - r) / spread : 4 + (r - g) / spread }
            place += turn
            let v = min(top * brighten, 1), s = top > 0 ? min(spread / top * saturate, 1) : 0
            for (k, start) in [Float(5), 3, 1].enumerated() {
                var f = (start + place).truncatingRemainder(dividingBy: 6)
                if f < 0 { f += 6 }
                patch[i + k] = v - v * s * max(0, min(f, 4 - f, 1))
            }
        }
    }
}
