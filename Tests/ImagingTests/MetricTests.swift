import Foundation
import Imaging
import RandomStreams
import Testing

/// Laws that every metric keeps.
@Suite struct MetricTests {
    @Test(arguments: imageMetrics.map(\.name))
    func lessNoiseIsBetter(name: String) throws {
        let metric = try #require(imageMetrics.first { $0.name == name })
        for channels in [1, 3] {
            let clean = DeadLeaves(size: 32, channels: channels).image(RandomStream(seed: 1))
            let values = try [5.0, 15, 50].map { sigma in
                try #require(try metric.measure(EvaluationNoise.philox(seed: 1).noisy(clean, sigma: sigma, index: 0), clean))
            }
            let best = try #require(try metric.measure(clean, clean))
            let order = [best] + values
            #expect(order == order.sorted { metric.direction == .maximize ? $0 > $1 : $0 < $1 })
        }
    }

    /// The numbers of MATLAB's `rgb2ycbcr` for uint8.
    @Test func lumaIsOfTheStudioRange() {
        let colours: [UInt8] = [0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 200, 77]
        let picture = Image(height: 2, width: 3, channels: 3, pixels: colours.map { Float($0) / 255 })
        #expect(picture.luma.bytes == [16, 235, 81, 145, 41, 127] && picture.luma.channels == 1)
        #expect(picture.channel(0).luma == picture.channel(0))
    }

    @Test func psnrByHand() {
        let black = Image(height: 2, width: 2, channels: 1)
        var one = black
        one.pixels[3] = 2.0 / 255
        #expect(abs(peakSignalToNoise(one, black) - 20 * log10(255.0)) < 1e-12)  // mse = 4 / 4
        one.pixels[3] = 0.4 / 255
        #expect(peakSignalToNoise(one, black) == .infinity, "rounded to 8 bit")
        one.pixels = [-3, 0, 0, 0]
        #expect(peakSignalToNoise(one, black) == .infinity, "clamped")
    }

    /// The separable filter against the definition, with the two-dimensional window and two variances.
    @Test func ssimIsTheDefinition() throws {
        let clean = ImageFileTests.random(13, 15, 1, levels: 255)
        let noisy = EvaluationNoise.philox(seed: 1).noisy(clean, sigma: 25, index: 0)
        let x = clean.bytes.map { Double($0) }, y = noisy.bytes.map { Double($0) }
        var weights: [Double] = []
        for i in -5...5 { for j in -5...5 { weights.append(exp(-Double(i * i + j * j) / 4.5)) } }
        let scale = weights.reduce(0, +)
        var sum = 0.0
        for top in 0..<3 {
            for left in 0..<5 {
                func mean(_ value: (Int) -> Double) -> Double {
                    (0..<121).reduce(0.0) { $0 + weights[$1] / scale * value((top + $1 / 11) * 15 + left + $1 % 11) }
                }
                let mx = mean { x[$0] }, my = mean { y[$0] }
                let vx = mean { (x[$0] - mx) * (x[$0] - mx) }, vy = mean { (y[$0] - my) * (y[$0] - my) }
                let cov = mean { (x[$0] - mx) * (y[$0] - my) }
                let luminance: Double = (2 * mx * my + 6.5025) / (mx * mx + my * my + 6.5025)
                sum += luminance * (2 * cov + 58.5225) / (vx + vy + 58.5225)
            }
        }
        #expect(abs(try #require(structuralSimilarity(noisy, clean)) - sum / 15) < 1e-9)
    }

    @Test func ssimOfColourIsTheMeanOfItsChannels() throws {
        let clean = ImageFileTests.random(16, 12, 3, levels: 255)
        let noisy = EvaluationNoise.philox(seed: 1).noisy(clean, sigma: 25, index: 0)
        let parts = try (0..<3).map { try #require(structuralSimilarity(noisy.channel($0), clean.channel($0))) }
        #expect(abs(try #require(structuralSimilarity(noisy, clean)) - parts.reduce(0, +) / 3) < 1e-12)
    }

    @Test func ssimNeedsRoomForItsWindow() {
        let small = Image(height: 10, width: 40, channels: 1)
        #expect(structuralSimilarity(small, small) == nil)
    }
}

/// The published protocol on published pictures; skipped where they are not.
@Suite(.enabled(if: SharedData.folder != nil, "needs the pictures of HALCYON_DATA or ../shared/data"))
struct PublishedProtocolTests {
    @Test(arguments: [("01", 20.6233, 0.35190), ("04", 20.4404, 0.46702), ("07", 20.6696, 0.39397)])
    func noisySet12(name: String, psnr: Double, ssim: Double) throws {
        let folder = try #require(SharedData.folder)
        let clean = try Image.load("\(folder)/Set12/\(name).png")
        #expect(clean.channels == 1)
        let noisy = EvaluationNoise.numpy(seed: 0).noisy(clean, sigma: 25, index: 0)
        #expect(abs(unclippedPeakSignalToNoise(noisy, clean) - 20.2127) < 0.0001)
        #expect(abs(peakSignalToNoise(noisy, clean) - psnr) < 0.0001)
        #expect(abs(try #require(structuralSimilarity(noisy, clean)) - ssim) < 0.00001)
    }

    @Test func everyFolderOfPicturesIsRead() throws {
        let folder = try #require(SharedData.folder)
        for (name, count) in [("Set12", 12), ("BSD68", 68), ("Train400", 400)] {
            #expect(try FolderDataset(path: folder + "/" + name).open(channels: 1).count == count)
        }
        for name in ["Kodak24", "BSDS500/val"] {
            let set = try FolderDataset(path: folder + "/" + name, limit: 3).open(channels: 3)
            #expect(try set.count == 3 && set.image(0).channels == 3)
        }
    }
}
