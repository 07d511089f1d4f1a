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
    /// A description with what its formula says of a sample x in 0...1: the noise's mean and variance.
    struct Sample: Sendable, CustomTestStringConvertible {
        var text: String
        var mean: @Sendable (Double) -> Double = { _ in 0 }
        /// Nil where no formula is known.
        var variance: (@Sendable (Double) -> Double)?
        /// Neighbours that share their draw make the moments of a picture stray so much farther.
        var neighbours = 1.0
        var testDescription: String { text }

        init(_ text: String, variance: (@Sendable (Double) -> Double)?) {
            self.text = text
            self.variance = variance
        }
    }

    private static func square(_ sigma: Double) -> Double { sigma * sigma / (255 * 255) }

    /// Each model: a new one adds its lines.
    static let samples: [Sample] = {
        var unevenMap = Sample("{kind: gaussian-map, sigma: [10, 30], scale: 2}") { _ in square(20) + square(20) / 12 * 0.75 * 0.75 }
        unevenMap.neighbours = 3
        var samples = [
            Sample("{kind: gaussian, sigma: 25}") { _ in square(25) },
            Sample("{kind: gaussian-map, sigma: 30}") { _ in square(30) },
            // A level is bilinear between uniforms of variance 400 / 12; with f 0 or 1/2, the squares of its weights make 3/4 along each axis.
            unevenMap,
            Sample("{kind: poisson, peak: 7}") { $0 / 7 },
            Sample("{kind: poisson, peak: 300}") { $0 / 300 },
            Sample("{kind: poisson-gaussian, shot: 0.02, read: 10}") { 0.02 * $0 + square(10) },
            Sample("{kind: speckle, sigma: 40}") { $0 * $0 * square(40) },
            Sample("{kind: jpeg, quality: 30}", variance: nil),
        ]
        for values in ["salt-and-pepper", "random"] {
            var impulse = Sample("{kind: impulse, probability: 0.2, values: \(values)}") { x in
                let mean = 0.2 * (0.5 - x)
                return 0.2 * (values == "random" ? 1.0 / 3 - x + x * x : (x * x + (1 - x) * (1 - x)) / 2) - mean * mean
            }
            impulse.mean = { 0.2 * (0.5 - $0) }
            samples.append(impulse)
        }
        var moire = Sample("{kind: moire, strength: 30, period: [3, 12]}") { _ in square(30) / 2 }
        moire.neighbours = 12
        let mixture = Sample(
            "{kind: mixture, of: [{probability: 1, noise: {kind: speckle, sigma: 20}}, {probability: 0, noise: {kind: jpeg, quality: 1}}]}"
        ) { $0 * $0 * square(20) }
        return samples + [moire, mixture]
    }()

    @Test func everyModelHasSamples() {
        for model in noiseModels { #expect(Self.samples.contains { $0.text.hasPrefix("{kind: \(model.word),") }, "\(model.word)") }
    }

    /// A million samples against the formula, within six standard errors, at three brightnesses.
    @Test(arguments: samples) func momentsAreTheFormulas(_ sample: Sample) throws {
        let model = try parseNoiseModel(try Document.parse(sample.text, file: "e.yaml"))
        guard let variance = sample.variance else { return }
        for x in [0.1, 0.5, 0.9] {
            let clean = Image(height: 1000, width: 1000, channels: 1, filledWith: Float(x))
            var stream = RandomStream(seed: 4)
            let (noisy, levels) = model.noisy(clean, stream: &stream)
            let found = moments(zip(noisy.pixels, clean.pixels).map { $0 - $1 })
            let expected = variance(x)
            let meanError = (expected / 1e6).squareRoot() * sample.neighbours
            let varianceError = expected * ((found.kurtosis - 1) / 1e6).squareRoot() * sample.neighbours
            #expect(abs(found.mean - sample.mean(x)) < 6 * meanError + 1e-6, "mean at \(x): \(found.mean)")
            #expect(
                abs(found.deviation * found.deviation - expected) < 6 * varianceError + 1e-8,
                "variance at \(x): \(found.deviation * found.deviation), expected \(expected)")
            let told = levels.reduce(0.0) { $0 + Double($1) * Double($1) } / 1e6
            let square = expected + sample.mean(x) * sample.mean(x)
            #expect(abs((told / (255 * 255 * square)).squareRoot() - 1) < 0.02, "level at \(x)")
        }
    }

    @Test(arguments: samples) func sameSeedSameNoise(_ sample: Sample) throws {
        let model = try parseNoiseModel(try Document.parse(sample.text, file: "e.yaml"))
        for channels in [1, 3] {
            let clean = DeadLeaves(size: 40, channels: channels).image(RandomStream(seed: 2))
            var stream = RandomStream(seed: 4).split(1), again = stream, other = RandomStream(seed: 4).split(2)
            let first = model.noisy(clean, stream: &stream), second = model.noisy(clean, stream: &again)
            #expect(first.image == second.image && first.levels == second.levels && stream == again)
            #expect(first.image != clean && first.image.pixels.allSatisfy(\.isFinite) && first.levels.allSatisfy { $0 > 0 })
            if sample.variance != nil { #expect(model.noisy(clean, stream: &other).image != first.image) }
            // The document says the same model.
            var third = RandomStream(seed: 4).split(1)
            let told = try parseNoiseModel(model.document)
            #expect(told.document == model.document && told.noisy(clean, stream: &third).image == first.image)
        }
    }

    @Test(arguments: ["{kind: gaussian, sigma: [5, 55]}", "{kind: poisson, peak: [5, 50]}", "{kind: jpeg, quality: [1, 60]}"])
    func aRangeDrawsALevelForEachPicture(text: String) throws {
        let model = try parseNoiseModel(try Document.parse(text, file: "e.yaml"))
        let clean = DeadLeaves(size: 40, channels: 1).image(RandomStream(seed: 2))
        let levels = (0..<6).map { item -> Float in
            var stream = RandomStream(seed: 4).split(item)
            return model.noisy(clean, stream: &stream).levels[0]
        }
        #expect(Set(levels).count == 6)
    }

    /// The map differs from place to place, smoothly, and each sample's noise has its place's level.
    @Test func aNoiseMapTellsEachPlacesLevel() throws {
        let model = try parseNoiseModel(try Document.parse("{kind: gaussian-map, sigma: [0, 50], scale: 20}", file: "e.yaml"))
        let clean = Image(height: 400, width: 300, channels: 3, filledWith: 0.5)
        var stream = RandomStream(seed: 1)
        let (noisy, levels) = model.noisy(clean, stream: &stream)
        let standardised = noisy.pixels.indices.filter { levels[$0 / 3] > 1 }.map { (noisy.pixels[$0] - 0.5) * 255 / levels[$0 / 3] }
        let found = moments(standardised)
        #expect(abs(found.mean) < 0.01 && abs(found.deviation - 1) < 0.01 && abs(found.kurtosis - 3) < 0.05)
        #expect((levels.max() ?? 0) - (levels.min() ?? 0) > 30 && levels.allSatisfy { 0 <= $0 && $0 <= 50 })
        for i in levels.indices where i % 300 > 0 { #expect(abs(levels[i] - levels[i - 1]) <= 50.0 / 20 + 1e-3) }
    }

    @Test func aMixtureDrawsItsModelsByTheirProbabilities() throws {
        let text = "{kind: mixture, of: [{probability: 0.25, noise: {kind: gaussian, sigma: 10}}, {probability: 0.75, noise: {kind: gaussian, sigma: 20}}]}"
        let model = try parseNoiseModel(try Document.parse(text, file: "e.yaml"))
        let clean = Image(height: 1, width: 1, channels: 1, filledWith: 0.5)
        let first = (0..<4000).filter { item in
            var stream = RandomStream(seed: 4).split(item)
            return model.noisy(clean, stream: &stream).levels == [10]
        }.count
        #expect(abs(Double(first) - 1000) < 6 * (4000 * 0.25 * 0.75).squareRoot())
    }

    @Test func betterJPEGQualityLosesLess() throws {
        let clean = DeadLeaves(size: 64, channels: 3).image(RandomStream(seed: 2))
        let levels = try [5, 30, 60, 90, 100].map { quality -> Float in
            let model = try parseNoiseModel(try Document.parse("{kind: jpeg, quality: \(quality)}", file: "e.yaml"))
            var stream = RandomStream(seed: 4)
            let (noisy, levels) = model.noisy(clean, stream: &stream)
            #expect(noisy.pixels.allSatisfy { 0 <= $0 && $0 <= 1 && ($0 * 255).rounded() / 255 == $0 })
            return levels[0]
        }
        #expect(levels == levels.sorted(by: >) && levels[4] < 6, "\(levels)")
    }

    @Test(arguments: [
        "{kind: gausian, sigma: 25}", "{kind: gaussian}", "{kind: gaussian, sigma: -1}", "{kind: gaussian, sigma: [5]}",
        "{kind: gaussian, sigma: [50, 5]}", "{kind: gaussian, sigma: 25, level: 2}", "{sigma: 25}", "gaussian", "{kind: poisson, peak: 0}",
        "{kind: poisson-gaussian, shot: 0.1}", "{kind: impulse, probability: 1.5}", "{kind: impulse, probability: 0.5, values: pepper}",
        "{kind: jpeg, quality: 0}", "{kind: moire, strength: 3, period: 1}", "{kind: mixture, of: []}",
        "{kind: mixture, of: [{probability: 0.5, noise: {kind: jpeg, quality: 3}}]}", "{kind: mixture, of: [{probability: 1, noise: {kind: jpg}}]}",
        "{kind: gaussian-map, sigma: 3, scale: 0}",
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
