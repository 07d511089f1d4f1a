import ArgumentParser
import Documents
import Foundation
import Imaging
import RandomStreams

struct NoiseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "noise", abstract: "Shows what noise models make of an image.",
        discussion: """
            One copy of the image for each model, side by side in one PNG, clamped to 8 bits. A model is written as an experiment's
            `noise`. Equal seeds, equal noise. For each it tells the root mean square of the noise, on the 0...255 scale.

            EXAMPLES
              halcyon noise photo.png "{kind: gaussian, sigma: 25}" --out noisy.png
              halcyon noise photo.png "{kind: jpeg, quality: 40}" "{kind: jpeg, quality: 10}" --columns 2 --crop 256 --out sheet.png
            """)

    @Argument(help: ArgumentHelp("The image.", valueName: "IMAGE")) var image: String
    @Argument(help: ArgumentHelp("Noise models.", valueName: "{kind: ...}")) var models: [String]
    @Option(help: "How many copies stand in a row.") var columns = 3
    @Option(help: ArgumentHelp("The side of the square in the middle that is shown; all of it unless said.", valueName: "PIXELS")) var crop: Int?
    @Option(help: "Seed of the noise.") var seed: UInt64 = 1
    @Option(help: ArgumentHelp("The sheet.", valueName: "OUT.png")) var out: String
    @Flag(help: "One JSON object a line.") var json = false

    /// White between copies, in pixels.
    private static let gap = 4

    func validate() throws {
        if columns < 1 { throw ValidationError("--columns: expected at least 1, found \(columns)") }
        if let crop, crop < 1 { throw ValidationError("--crop: expected at least 1, found \(crop)") }
    }

    func run() throws {
        guard out.lowercased().hasSuffix(".png") else {
            throw InputError(file: out, "OUT.png: expected a name that ends with .png", hint: "only PNG files are written")
        }
        let noises = try models.enumerated().map { try parseNoiseModel(Document.parse($1, file: "model \($0 + 1)")) }
        var clean = try Image.load(image)
        if let crop {
            guard crop <= clean.height, crop <= clean.width else {
                throw InputError(file: image, "has \(clean.height)x\(clean.width) pixels, less than the crop of \(crop)", hint: "choose a smaller --crop")
            }
            clean = clean.centreCropped(crop)
        }
        let rows = (noises.count + columns - 1) / columns, wide = min(columns, noises.count)
        let (height, width, channels) = (clean.height + Self.gap, clean.width + Self.gap, clean.channels)
        var sheet = Image(height: rows * height - Self.gap, width: wide * width - Self.gap, channels: channels, filledWith: 1)
        for (number, noise) in noises.enumerated() {
            var stream = RandomStream(seed: seed).split("noise").split(number)
            let noisy = noise.noisy(clean, stream: &stream).image
            sheet.paste(noisy, top: number / columns * height, left: number % columns * width)
            let level = noisy.noiseLevel(against: clean)
            let fields: Document = .object([("noise", noise.document), ("rms", .float(level)), ("psnr_db", .float(peakSignalToNoise(noisy, clean)))])
            print(json ? fields.json : "\(models[number]): root mean square \(decimal(level, 2)), PSNR \(decimal(peakSignalToNoise(noisy, clean), 2)) dB")
        }
        try sheet.save(out)
    }
}
