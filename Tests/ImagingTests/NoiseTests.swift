import Documents
import Foundation
import Imaging
import RandomStreams
import Testing

/// Mean, standard deviation, and standardised third and fourth moments.
private func moments(_ values: [Float]) -> (mean: Double, deviation: Double, skew: Double, kurtosis: Double) {
    let count = Double(values.count)
    let mean = values.reduce(0.0) { $0 + Double($1) } / count
    var m2 = 0.0, m3 = 0.0, m4 = 0.0
    for value in values {
        let d = Double(value) - mean
        m2 += d * d
        m3 += d * d * d
        m4 += d * d * d * d
    }
    m2 /= count
    return (mean, m2.squareRoot(), m3 / count / pow(m2, 1.5), m4 / count / (m2 * m2))
}

@Suite struct NormalFillTests {
    static func fill(_ count: Int, _ stream: inout RandomStream) -> [Float] {
        var values = [Float](repeating: 0, count: count)
        values.withUnsafeMutableBufferPointer { fillNormal($0, from: &stream) }
        return values
    }

    @Test func momentsAndTailsAreNormal() {
        var stream = RandomStream(seed: 11)
        let values = Self.fill(1_000_000, &stream)
        let found = moments(values)
        #expect(abs(found.mean) < 0.004 && abs(found.deviation - 1) < 0.003)
        #expect(abs(found.skew) < 0.01 && abs(found.kurtosis - 3) < 0.02)
        for threshold: Double in [0.5, 1, 2, 3, 4] {
            let expected = erfc(threshold / 2.0.squareRoot()) * 1e6
            let count = Double(values.filter { abs($0) > Float(threshold) }.count)
            #expect(abs(count - expected) < 5 * expected.squareRoot() + 1, "beyond \(threshold): \(count), expected \(expected)")
        }
        let neighbours = (1..<values.count).reduce(0.0) { $0 + Double(values[$1] * values[$1 - 1]) } / 1e6
        #expect(abs(neighbours) < 0.005)
        #expect(values.map { abs($0) }.max() ?? 9 < 6.7)
    }

    /// The fast path is Box-Muller of the stream's own words, here in Double with the system's functions.
    @Test func valuesAreBoxMullerOfTheStreamsWords() {
        var stream = RandomStream(seed: 99).split("words"), slow = stream
        let values = Self.fill(4096, &stream)
        for block in 0..<1024 {
            let w = (0..<4).map { _ in slow.nextWord() }
            for pair in 0..<2 {
                let radiusWord = w[2 * pair], angleWord = w[2 * pair + 1]
                let radius = (-2 * log(Double(radiusWord >> 1) * 0x1p-31 + 0x1p-32)).squareRoot()
                let quadrant = Double(angleWord >> 30)
                let angle = quadrant * Double.pi / 2 + Double(Int32(bitPattern: angleWord << 2)) * Double.pi * 0x1p-33
                #expect(abs(Double(values[4 * block + 2 * pair]) - radius * cos(angle)) < 3e-6 * max(1, radius))
                #expect(abs(Double(values[4 * block + 2 * pair + 1]) - radius * sin(angle)) < 3e-6 * max(1, radius))
            }
        }
        #expect(stream.position == slow.position)
    }

    @Test func aShorterFillIsAPrefixAndTheStreamMovesOn() {
        var long = RandomStream(seed: 3)
        let all = Self.fill(5000, &long)
        for count in [1, 2, 3, 4, 5, 1023, 1024, 1025, 4999] {
            var stream = RandomStream(seed: 3)
            #expect(Self.fill(count, &stream) == Array(all[..<count]))
            #expect(stream.position == UInt64((count + 3) / 4 * 4))
        }
        var parts = RandomStream(seed: 3)
        #expect(Self.fill(1024, &parts) + Self.fill(3976, &parts) == all)
    }
}

/// Laws that every noise model keeps.
@Suite struct NoiseModelTests {
    /// A valid description of each model: a new one adds its line.
    static let samples: [String: [String]] = ["gaussian": ["{kind: gaussian, sigma: 25}", "{kind: gaussian, sigma: [5, 55]}"]]

    @Test(arguments: noiseModels.map { $0.word })
    func noiseHasTheLevelThatItReports(word: String) throws {
        for text in try #require(Self.samples[word], "a new model needs samples here") {
            let model = try parseNoiseModel(try Document.parse(text, file: "e.yaml"))
            let clean = Image(height: 256, width: 256, channels: 1, filledWith: 0.5)
            var levels: Set<Float> = []
            for i in 0..<6 {
                var stream = RandomStream(seed: 4).split(i), again = stream
                let (noisy, sigma) = model.noisy(clean, stream: &stream)
                #expect(model.noisy(clean, stream: &again).image == noisy && stream == again)
                #expect(model.sigmas.contains(Double(sigma)))
                let found = moments(zip(noisy.pixels, clean.pixels).map { ($0 - $1) * 255 })
                #expect(abs(found.mean) < 0.02 * Double(sigma) && abs(found.deviation / Double(sigma) - 1) < 0.02)
                levels.insert(sigma)
            }
            #expect((levels.count > 1) == (model.sigmas.lowerBound < model.sigmas.upperBound))
        }
    }

    @Test(arguments: [
        "{kind: gausian, sigma: 25}", "{kind: gaussian}", "{kind: gaussian, sigma: -1}", "{kind: gaussian, sigma: [5]}",
        "{kind: gaussian, sigma: [50, 5]}", "{kind: gaussian, sigma: 25, level: 2}", "{sigma: 25}", "gaussian",
    ])
    func faultsAreLocated(text: String) throws {
        let document = try Document.parse("\n" + text, file: "e.yaml")
        let error = #expect(throws: InputError.self) { try parseNoiseModel(document) }
        #expect(error?.location?.line == 2)
    }

    @Test func evaluationNoiseIsNamedAndRepeatable() throws {
        let clean = ImageFileTests.random(8, 9, 3, levels: 255)
        for (text, noise) in [("numpy:0", EvaluationNoise.numpy(seed: 0)), ("philox:17", .philox(seed: 17))] {
            #expect(try EvaluationNoise(parsing: text) == noise && noise.description == text)
            #expect(noise.noisy(clean, sigma: 25, index: 2) == noise.noisy(clean, sigma: 25, index: 2))
            #expect(noise.noisy(clean, sigma: 25, index: 2) != clean)
        }
        for text in ["numpy", "numpy:", "numpy:-1", "numpy:x", "mersenne:0", "", "philox:1:2"] {
            #expect(throws: InputError.self) { try EvaluationNoise(parsing: text) }
        }
        // numpy's first values for seed 0, row-major H, W, C.
        let black = Image(height: 1, width: 2, channels: 2)
        let noisy = EvaluationNoise.numpy(seed: 0).noisy(black, sigma: 255, index: 5).pixels
        for (value, expected) in zip(noisy, [1.76405235, 0.40015721, 0.97873798, 2.24089320]) {
            #expect(abs(Double(value) - expected) < 1e-6)
        }
    }
}
