import Documents
import Foundation
import Imaging
import Networks
import RandomStreams
import Testing
import Training

@Suite struct DenoiserTests {
    private let noisy = Samples.colours

    @Test func aModelFileGivesTheSamePicture() throws {
        try Samples.withFolder { folder in
            let architecture = try Samples.architecture()
            let trainer = try Samples.trainer(architecture)
            try trainer.run(to: 2)
            let direct = try Denoiser(architecture, parameters: trainer.parameters).denoise(noisy.channel(0))
            let file = ModelFile(architecture: architecture.canonicalDocument, tensors: trainer.parameters.namedTensors)
            try file.write(to: folder + "/model.h5")
            #expect(try Denoiser.load(folder + "/model.h5").denoise(noisy.channel(0)) == direct)
        }
    }

    @Test func grayNetworksTakeColourChannelByChannel() throws {
        let denoiser = try Denoiser(Samples.architecture(), seed: 4)
        let output = try denoiser.denoise(noisy)
        for k in 0..<3 { #expect(try denoiser.denoise(noisy.channel(k)) == output.channel(k)) }
    }

    @Test func colourNetworksRefuseGray() throws {
        var document = Samples.candidate()
        document["network"]?["input-channels"] = 3
        let denoiser = try Denoiser(Architecture(document), seed: 4)
        #expect(try denoiser.denoise(noisy).channels == 3)
        #expect(try inputError { _ = try denoiser.denoise(noisy.channel(0)) }?.hint != nil)
    }

    @Test func aNoiseMapNeedsALevelAndUsesIt() throws {
        let denoiser = try Denoiser(Samples.architecture(noiseMap: true), seed: 4)
        let gray = noisy.channel(0)
        #expect(try inputError { _ = try denoiser.denoise(gray) }?.hint?.contains("--sigma") == true)
        #expect(try denoiser.denoise(gray, sigma: 10) != denoiser.denoise(gray, sigma: 50))
    }

    @Test func manySizesInTurn() throws {
        let denoiser = try Denoiser(Samples.architecture(), seed: 4)
        let outputs = try (8..<16).map { try denoiser.denoise(noisy.channel(0).cropped(top: 0, left: 0, height: $0 - 3, width: $0)) }
        #expect(outputs.map(\.width) == Array(8..<16))
        #expect(try denoiser.denoise(noisy.channel(0).cropped(top: 0, left: 0, height: 5, width: 8)) == outputs[0])
    }

    /// Tiles overlap by the receptive field, so large pictures are the same in tiles, odd sizes included.
    @Test(arguments: ["dncnn8x32", "unetpp3x16", "small-ffdnet"]) func tilesGiveTheSamePicture(_ name: String) throws {
        let architecture =
            name == "small-ffdnet"
            ? try Architecture(Samples.subImages()) : try Architecture.load(Samples.repository + "/SearchSpaces/references/\(name).yaml")
        let denoiser = try Denoiser(architecture, seed: 4)
        let picture = DeadLeaves(size: 211, channels: 1).image(RandomStream(seed: 3)).cropped(top: 0, left: 0, height: 197, width: 211)
        let whole = try denoiser.denoise(picture, sigma: 30)
        denoiser.wholePixels = 100
        let tiled = try denoiser.denoise(picture, sigma: 30)
        let worst = zip(whole.pixels, tiled.pixels).map { abs($0 - $1) }.max() ?? 1
        #expect(worst < 1e-5)
        #expect(whole != picture)
    }

    @Test func tilesOfAnUnboundedReachKeepToTheMemory() throws {
        let bytes = { (side: Int) in side * side * 100 }
        let bound = 30_000_000
        for multiple in [1, 3, 8, 32] {
            let plan = TilePlan(multiple: multiple, side: 1024, bound: bound, bytes: bytes)
            #expect(bytes(plan.side + 2 * plan.halo) <= bound && plan.halo >= TilePlan.haloOfUnboundedReach)
            #expect(plan.side % multiple == 0 && plan.halo % multiple == 0 && plan.side > plan.halo / 2)
        }
        let (unbounded, smallest) = (
            TilePlan(multiple: 8, side: 1024, bound: .max, bytes: bytes), TilePlan(multiple: 8, side: 1024, bound: 0, bytes: bytes)
        )
        #expect(unbounded.side == 1024 && smallest.side == 64)
    }

    /// Networks of a bounded reach give the same picture in tiles, windows of attention too; those that reach over the whole image
    /// run whole up to the bound, and in tiles beyond, whose memory stays below.
    @Test func everyBlockDenoisesWithinTheMemory() throws {
        let picture = DeadLeaves(size: 320, channels: 1).image(RandomStream(seed: 3)).cropped(top: 0, left: 0, height: 300, width: 317)
        for block in blockCatalogue.compactMap({ $0.samples.first }) {
            let skeleton: Document = ["kind": "chain", "width": 16, "blocks": [block]]
            guard let architecture = try? Architecture(["network": ["skeleton": skeleton]]) else { continue }
            let denoiser = try Denoiser(architecture, seed: 4)
            let whole = try denoiser.denoise(picture)
            let bytes = denoiser.arenaBytes
            let isLocal = try denoiser.receptiveRadius() != nil
            let bounded = try Denoiser(architecture, seed: 4)
            bounded.wholeBytes = bytes * 9 / 10
            bounded.wholePixels = 20_000
            let tiled = try bounded.denoise(picture)
            if isLocal {
                #expect(zip(tiled.pixels, whole.pixels).allSatisfy { abs($0 - $1) < 1e-5 }, "\(block.json)")
            } else {
                #expect(bounded.arenaBytes <= bounded.wholeBytes, "\(block.json)")
                #expect(tiled.height == whole.height && tiled.width == whole.width && !tiled.pixels.contains { !$0.isFinite })
            }
        }
    }

    /// Colour, a noise map, wide kernels, and a size multiple above the skeleton's own.
    @Test func everyKindOfInputIsTiledAlike() throws {
        let block: Document = ["block": "residual", "kernel": 5, "dilation": 2, "normalization": "none"]
        let network: Document = [
            "input-channels": 3, "noise-map": true, "size-multiple": 8,
            "skeleton": ["kind": "unetpp", "levels": 2, "width": 4, "nodes": block],
        ]
        let denoiser = try Denoiser(Architecture(["network": network]), seed: 4)
        let picture = DeadLeaves(size: 260, channels: 3).image(RandomStream(seed: 3)).cropped(top: 0, left: 0, height: 243, width: 259)
        let whole = try denoiser.denoise(picture, sigma: 30)
        denoiser.wholePixels = 100
        let tiled = try denoiser.denoise(picture, sigma: 30)
        #expect(zip(whole.pixels, tiled.pixels).map { abs($0 - $1) }.max() ?? 1 < 1e-5)
    }

    /// Published weights reproduce the published numbers.
    @Test(
        .enabled(if: Samples.shared != nil, "the shared data and weights are absent"),
        .enabled(
            if: FileManager.default.fileExists(atPath: Samples.repository + "/SearchSpaces/references/dncnn17x64-folded.yaml"),
            "the reference architecture is absent"))
    func publishedWeightsGiveThePublishedQuality() throws {
        let shared = try #require(Samples.shared)
        let architecture = try Architecture.load(Samples.repository + "/SearchSpaces/references/dncnn17x64-folded.yaml")
        let denoiser = try Denoiser.load(shared + "/weights/cszn_sigma25.safetensors", architecture: architecture)
        let golden = [("01.png", 30.2076, 0.87534), ("04.png", 29.3584, 0.86726), ("07.png", 29.4393, 0.86184)]
        let images = ImageSet(try golden.map { ($0.0, try Image.load(shared + "/data/Set12/" + $0.0, channels: 1)) })
        let evaluation = try evaluateModel(denoiser, images: images, conditions: [.sigma(25)], noise: .numpy(seed: 0))
        for (entry, expected) in zip(evaluation.images, golden) {
            #expect(abs((entry.metrics["psnr_db"] ?? 0) - expected.1) < 0.003, "\(entry)")
            #expect(abs((entry.metrics["ssim"] ?? 0) - expected.2) < 0.0005, "\(entry)")
        }
    }

    /// FFDNet over its sub-images and its noise map. `make test-long` runs all published numbers (`Experiments/published-weights`).
    @Test(.enabled(if: Samples.shared != nil, "the shared data and weights are absent"))
    func publishedSubImageWeightsGiveThePublishedQuality() throws {
        let shared = try #require(Samples.shared)
        let architecture = try Architecture.load(Samples.repository + "/SearchSpaces/references/ffdnet-gray.yaml")
        let weights = shared + "/weights/cszn_FFDNet_gray.safetensors"
        let denoiser = try Denoiser.load(weights, architecture: architecture, threads: 2)
        let images = try FolderDataset(path: shared + "/data/Set12").open(channels: 1)
        let means = try evaluateModel(denoiser, images: images, conditions: [.sigma(25)], noise: .numpy(seed: 0)).means
        #expect(abs((means["psnr_db"] ?? 0) - 30.4193) < 0.003, "\(means)")
        #expect(abs((means["ssim"] ?? 0) - 0.86313) < 0.0005, "\(means)")
    }
}
