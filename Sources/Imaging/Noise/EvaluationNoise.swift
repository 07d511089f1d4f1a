import Documents
import RandomStreams

/// The noise of a measurement: the same for every network, named by `--noise numpy:0` or `--noise philox:1`.
package enum EvaluationNoise: Sendable, Equatable, CustomStringConvertible {
    /// The published protocol: numpy's `RandomState(seed).normal`, reset for every picture, so all pictures of one
    /// size get the same noise.
    case numpy(seed: UInt32)
    /// Our own stream (seed, "noise", number of the picture).
    case philox(seed: UInt64)

    /// Reads `numpy:SEED` or `philox:SEED`.
    package init(parsing text: String) throws {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count == 2 {
            switch parts[0] {
            case "numpy": if let seed = UInt32(parts[1]) { self = .numpy(seed: seed); return }
            case "philox": if let seed = UInt64(parts[1]) { self = .philox(seed: seed); return }
            default: break
            }
        }
        throw InputError(
            "noise: expected numpy:SEED or philox:SEED, found \"\(text)\"", hint: "numpy:0 is the published protocol")
    }

    package var description: String {
        switch self {
        case .numpy(let seed): "numpy:\(seed)"
        case .philox(let seed): "philox:\(seed)"
        }
    }

    /// Picture number `index` of a set as a condition has it, not clipped, and its noise level on the 0...255 scale, which a noise map
    /// is told: of pairs and models the root mean square of the noise.
    package func noisy(_ images: ImageSet, index: Int, _ condition: EvaluationCondition) throws -> (image: Image, sigma: Double) {
        let clean = try images.image(index)
        switch condition {
        case .sigma(let sigma): return (noisy(clean, sigma: sigma, index: index), sigma)
        case .model(let model):
            // numpy's own stream makes normals only.
            let seed: UInt64 = switch self {
            case .numpy(let seed): UInt64(seed)
            case .philox(let seed): seed
            }
            var stream = RandomStream(seed: seed).split("noise").split(index)
            let noisy = model.noisy(clean, stream: &stream).image
            return (noisy, noisy.noiseLevel(against: clean))
        case .recorded:
            guard let noisy = try images.noisy(index) else { preconditionFailure("a set of pairs") }
            return (noisy, noisy.noiseLevel(against: clean))
        }
    }

    /// A noisy copy of picture number `index` at `sigma` (0...255 scale), not clipped.
    package func noisy(_ clean: Image, sigma: Double, index: Int) -> Image {
        switch self {
        case .numpy(let seed):
            // In Double, row-major H x W x C; rounded to Float only at the end.
            var generator = NumpyRandomState(seed: seed)
            var image = clean
            image.pixels.withUnsafeMutableBufferPointer { pixels in
                // A file's sample is v/255 in Double: undo the rounding of its Float.
                for i in pixels.indices {
                    let sample = Double(pixels[i])
                    let level = (sample * 255).rounded()
                    let exact = Float(level) / 255 == pixels[i] ? level / 255 : sample
                    pixels[i] = Float(exact + (sigma / 255) * generator.normal())
                }
            }
            return image
        case .philox(let seed):
            var stream = RandomStream(seed: seed).split("noise").split(index)
            return GaussianNoise(sigma: sigma).noisy(clean, stream: &stream).image
        }
    }
}

/// What a picture is measured under.
package enum EvaluationCondition: Sendable {
    /// White Gaussian noise of a level on the 0...255 scale.
    case sigma(Double)
    case model(any NoiseModel)
    /// The noise that the set's own noisy pictures have.
    case recorded

    /// For tables: the level, or the kind of noise.
    package var label: String {
        switch self {
        case .sigma(let sigma): sigma == sigma.rounded() ? "\(Int(sigma))" : "\(sigma)"
        case .model(let model): type(of: model).word
        case .recorded: "recorded"
        }
    }
}

extension Image {
    /// The root mean square of the difference, on the 0...255 scale.
    package func noiseLevel(against clean: Image) -> Double {
        pixels.withUnsafeBufferPointer { noisy in
            clean.pixels.withUnsafeBufferPointer { Double(Imaging.noiseLevel(of: noisy, against: $0)) }
        }
    }
}
