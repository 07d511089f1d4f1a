import Documents
import Foundation
import Imaging
import RandomStreams
import Testing
import Training

/// Distances in a network's eyes, against the numbers of the published packages (`Experiments/perceptual-metrics`).
@Suite struct LearnedMetricTests {
    private static func metric(_ word: String, _ files: [String]) throws -> ImageMetric {
        let document: Document = [.object([(word, .array(files.map(Document.string)))])]
        return try readMetrics(document, in: DatasetPlace(baseFolder: "", environment: [:]))[0]
    }

    private static let shiftTolerant = Samples.shared.map { $0 + "/weights/stlpips_alex_f32.safetensors" }

    /// `stlpips-pytorch` 0.0.2, `net="alex", variant="shift_tolerant"`: an image against the same with numpy's noise.
    static let published: [(folder: String, name: String, sigma: Double, value: Double)] = [
        ("Set12", "01", 5, 0.054161), ("Set12", "02", 15, 0.391989), ("Set12", "03", 25, 0.542275), ("Set12", "04", 50, 0.645985),
        ("Set12", "05", 75, 0.738748), ("Kodak24", "kodim01", 5, 0.018863), ("Kodak24", "kodim02", 15, 0.325257),
        ("Kodak24", "kodim03", 25, 0.538051), ("Kodak24", "kodim04", 50, 0.643518), ("Kodak24", "kodim05", 75, 0.728358),
    ]

    /// A pair of the list; colour images cut to odd sizes.
    private static func pair(_ item: (folder: String, name: String, sigma: Double, value: Double)) throws -> (noisy: Image, clean: Image)? {
        guard let shared = Samples.shared else { return nil }
        var clean = try Image.load("\(shared)/data/\(item.folder)/\(item.name).png")
        if clean.channels == 3 { clean = clean.cropped(top: 0, left: 0, height: 200, width: 253) }
        return (EvaluationNoise.numpy(seed: 0).noisy(clean, sigma: item.sigma, index: 0), clean)
    }

    @Test func stlpipsIsThePublishedOne() throws {
        guard let file = Self.shiftTolerant else { return print("SKIPPED: there is no ../shared/weights") }
        let metric = try Self.metric("stlpips", [file])
        #expect(metric.name == "stlpips" && metric.direction == .minimize)
        for item in Self.published {
            guard let (noisy, clean) = try Self.pair(item) else { return }
            let value = try #require(try metric.measure(noisy, clean))
            #expect(abs(value - item.value) < 1e-4, "\(item.name): \(value), published \(item.value)")
        }
    }

    @Test func aDistanceIsSymmetricZeroAndGrows() throws {
        guard let file = Self.shiftTolerant else { return print("SKIPPED: there is no ../shared/weights") }
        let metric = try Self.metric("stlpips", [file])
        for channels in [1, 3] {
            let clean = DeadLeaves(size: 64, channels: channels).image(RandomStream(seed: 4)).cropped(top: 0, left: 0, height: 57, width: 64)
            let noisy = [2.0, 8, 20, 60].map { EvaluationNoise.philox(seed: 1).noisy(clean, sigma: $0, index: 0) }
            let values = try noisy.map { try #require(try metric.measure($0, clean)) }
            #expect(values == values.sorted() && values[0] > 0)
            #expect(try metric.measure(clean, clean) == 0 && metric.measure(clean, noisy[2]) == values[2])
        }
        let tiny = Image(height: 8, width: 8, channels: 3, filledWith: 0.5)
        #expect(try metric.measure(tiny, tiny) == nil, "too small for the network")
    }

    /// `lpips` 0.1.4 on a trunk of made-up weights, which both programs make: no file of the package holds the real one.
    @Test func lpipsIsThePublishedFormula() throws {
        guard let shared = Samples.shared else { return print("SKIPPED: there is no ../shared/weights") }
        try Samples.withFolder { folder in
            let shapes = [(0, [64, 3, 11, 11]), (3, [192, 64, 5, 5]), (6, [384, 192, 3, 3]), (8, [256, 384, 3, 3]), (10, [256, 256, 3, 3])]
            let tensors = shapes.flatMap { number, sizes -> [NamedTensor] in
                let count = sizes.reduce(1, *), scale = (6 / Double(count / sizes[0])).squareRoot()
                let values = (0..<count).map { Float((Double((7919 * $0 + 13) % 1000) / 1000 - 0.5) * scale) }
                return [
                    NamedTensor(name: "features.\(number).weight", sizes: sizes, values: values),
                    NamedTensor(name: "features.\(number).bias", sizes: [sizes[0]], values: [Float](repeating: 0.01, count: sizes[0])),
                ]
            }
            try SafetensorsFile.write(tensors, to: folder + "/trunk.safetensors")
            let heads = shared + "/weights/lpips_v0.1_alex_lin.safetensors"
            let metric = try Self.metric("lpips", [heads, folder + "/trunk.safetensors"])
            for (index, value) in [(0, 0.016551), (3, 0.190293), (5, 0.018686), (9, 0.189524)] {
                guard let (noisy, clean) = try Self.pair(Self.published[index]) else { return }
                #expect(abs(try #require(try metric.measure(noisy, clean)) - value) < 1e-4)
            }
            // Named by the weights.
            let error = try inputError { _ = try Self.metric("stlpips", [heads, folder + "/trunk.safetensors"]) }
            #expect(error?.message.contains("these are the weights of lpips") == true)
        }
    }

    @Test func weightsThatAreMissingAreTold() throws {
        func fault(_ text: String) throws -> InputError {
            try #require(try inputError { _ = try readMetrics(Document.parse("\n" + text, file: "e.yaml"), in: DatasetPlace(baseFolder: "", environment: [:])) })
        }
        var cases = [
            ("[psnr, stlpips]", "the file of stlpips's weights is missing"), ("[psnr, psnr]", "different metrics"), ("[]", "at least one"),
            ("[psnt]", "did you mean \"psnr\""), ("[{psnr: x.safetensors}]", "unknown key"), ("[{lpips: []}]", "found none"),
            ("[{stlpips: /nowhere.safetensors}]", "no such file"),
        ]
        if let shared = Samples.shared {
            cases.append(("[{lpips: \(shared)/weights/lpips_v0.1_alex_lin.safetensors}]", "AlexNet, features.0.weight is missing"))
            cases.append(("[{lpips: \(shared)/weights/lpips_v0.1_vgg_lin.safetensors}]", "VGG16, features.0.weight is missing"))
            cases.append(("[{lpips: \(shared)/weights/stlpips_alex_f32.safetensors}]", "these are the weights of stlpips"))
            cases.append(("[{lpips: \(shared)/weights/cszn_sigma25.safetensors}]", "the head lin0.model.1.weight is missing"))
        }
        for (text, words) in cases {
            let error = try fault(text)
            #expect(error.description.contains(words) && error.location?.line == 2, "\(error)")
        }
        #expect(try readMetrics(["psnr", "psnr_y_db", "ssim-y"], in: DatasetPlace(baseFolder: "", environment: [:])).map(\.name) == ["psnr_db", "psnr_y_db", "ssim_y"])
    }
}
