import Documents
import Foundation
import Imaging
import Networks
import Training

/// Small networks, pictures and folders that the suites share.
enum Samples {
    static let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// The folder of the shared data and weights; nil where there is none.
    static let shared = ["/../shared", "/../../shared"].map { repository + $0 }.first {
        FileManager.default.fileExists(atPath: $0 + "/weights/cszn_sigma25.safetensors")
    }

    /// A colour picture of awkward size.
    static let colours = Image(
        height: 13, width: 17, channels: 3, pixels: (0..<13 * 17 * 3).map { Float(($0 * 37) % 101) / 100 })

    static func candidate(
        width: Int = 4, blocks: Int = 1, normalization: String = "batch", noiseMap: Bool = false, training: Document? = nil
    ) -> Document {
        let block: Document = ["block": "plain", "kernel": 3, "normalization": .string(normalization), "activation": "relu"]
        var document: Document = [
            "network": [
                "input-channels": 1, "noise-map": .bool(noiseMap), "predicts": "noise",
                "skeleton": [
                    "kind": "chain", "width": .int(width), "blocks": .array(Array(repeating: block, count: blocks)),
                ],
            ]
        ]
        document["training"] = training
        return document
    }

    static func architecture(
        width: Int = 4, blocks: Int = 1, normalization: String = "batch", noiseMap: Bool = false
    ) throws -> Architecture {
        try Architecture(candidate(width: width, blocks: blocks, normalization: normalization, noiseMap: noiseMap))
    }

    /// A small FFDNet.
    static func subImages(channels: Int = 1) -> Document {
        let block: Document = ["block": "plain", "normalization": "none"]
        return [
            "network": [
                "input-channels": .int(channels), "noise-map": true, "predicts": "image", "pixel-unshuffle": 2,
                "pixel-order": "column-major", "padding": "replicate",
                "skeleton": ["kind": "chain", "width": 6, "blocks": [block, block, block]],
            ]
        ]
    }

    static func pictures(_ count: Int = 4, size: Int = 32, seed: UInt64 = 3) throws -> ImageSet {
        try DeadLeavesDataset(images: count, size: size).open(channels: 1, seed: seed, role: .training)
    }

    static func trainer(
        _ architecture: Architecture, recipe: Recipe? = nil, images: ImageSet? = nil, crop: Int = 16, seed: UInt64 = 5
    ) throws -> Trainer {
        var small = Recipe(steps: 6)
        small.batch = 2
        return try Trainer(
            architecture, recipe: recipe ?? small, images: images ?? pictures(), noise: GaussianNoise(sigmas: 10...40),
            crop: crop, seed: seed)
    }

    /// Runs `body` with a new folder, which is removed afterwards.
    static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
        let folder = NSTemporaryDirectory() + "/halcyon-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try body(folder)
    }
}

/// The `InputError` that `body` throws, nil when it throws none.
func inputError(_ body: () throws -> Void) throws -> InputError? {
    do {
        try body()
        return nil
    } catch let error as InputError {
        return error
    }
}
