import ArgumentParser
import Documents
import Foundation
import Imaging
import Training

struct DenoiseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "denoise", abstract: "Denoises one photograph.",
        discussion: """
            Gray networks run on each channel of a colour image. The output has the input's size and channels, 8 bits.

            EXAMPLES
              halcyon denoise runs/quickstart#7 noisy.png clean.png
              halcyon denoise model.h5 noisy.jpg clean.png --reference original.png
            """)

    @OptionGroup var options: ModelOptions

    @Argument(help: ArgumentHelp("\(ImageFileFormat.words) file.", valueName: "IN")) var input: String
    @Argument(help: ArgumentHelp("PNG.", valueName: "OUT.png")) var output: String

    @Option(help: "The noise level, for networks with a noise map. No noise is added.")
    var sigma: Double?

    @Option(help: ArgumentHelp("The clean image: PSNR before and after are printed.", valueName: "CLEAN.png"))
    var reference: String?

    @Flag(help: "One JSON object.")
    var json = false

    func validate() throws { try checkSigma(sigma) }

    func run() throws {
        guard output.lowercased().hasSuffix(".png") else {
            throw InputError(file: output, "OUT.png: expected a name that ends with .png", hint: "only PNG files are written")
        }
        let denoiser = try options.load()
        let noisy = try Image.load(input)
        let clean = try reference.map { try Image.load($0, channels: noisy.channels) }
        if let clean, !clean.hasShape(of: noisy) {
            throw InputError(
                file: reference ?? "", "is \(clean.height)x\(clean.width), but \(input) is \(noisy.height)x\(noisy.width)",
                hint: "give the clean version of the same picture")
        }
        let began = steadyNow()
        var progress = WorkProgress(input)
        let result = try denoiser.denoise(noisy, sigma: sigma) { progress.tell(Int($0 * 100), of: 100, "percent") }
        Terminal.clearLine()
        let seconds = steadyNow() - began
        try replaceFile(output, with: Array(result.pngData(bits: 8)))
        var fields: [(String, Document)] = [
            ("output", .string(output)), ("height", .int(noisy.height)), ("width", .int(noisy.width)),
            ("channels", .int(noisy.channels)), ("seconds", .float(seconds)),
        ]
        var text = "\(output): \(noisy.width) x \(noisy.height), \(noisy.channels == 1 ? "gray" : "colour"), \(decimal(seconds, 2)) s"
        if let clean {
            let (before, after) = (peakSignalToNoise(noisy, clean), peakSignalToNoise(result, clean))
            fields += [("psnr_before_db", .float(before)), ("psnr_after_db", .float(after))]
            text += "; PSNR before \(decimal(before, 2)) dB, after \(decimal(after, 2)) dB"
        }
        print(json ? Document.object(fields).json : text)
    }
}
