import ArgumentParser
import Documents
import Evaluation
import Foundation
import Imaging
import Networks
import Reporting
import Training

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Adds noise to the images of a folder, denoises them, and compares with the originals.",
        discussion: """
            By the protocol of the published tables: the noisy image is not clipped, the output is clamped and rounded to 8 bits,
            the table is the mean over images. --noise numpy:0 is numpy's own stream, reset for each image.

            Of a dynamic network it also tells how many images leave at each exit at the threshold, what that spends of full
            depth's multiply-accumulates, and the time of an image beside full depth's, the router's share in it. Times are
            measured on the first \(DepthReport.timed) images at most, cut to at most \
            \(DepthReport.timedSide)x\(DepthReport.timedSide).

            psnr-y and ssim-y measure luma (BT.601, 16 to 235). {stlpips: FILE} and {lpips: [HEADS, TRUNK]} are distances in a
            network's eyes, 0 for equal images, with the published weights as .safetensors files.

            Real photographs: with --noisy and --clean the folder's files are pairs, whose names differ in what the patterns say
            beside their star; or --data describes the set as an experiment's validation pictures do. Other noise: --noise-model "{kind: poisson, peak: 30}", as an experiment's `noise`.

            EXAMPLES
              halcyon evaluate runs/quickstart#7 --data photos --sigma 25
              halcyon evaluate cszn_sigma25.safetensors --architecture SearchSpaces/references/dncnn17x64-folded.yaml \\
                  --data Set12 --sigma 25 --noise numpy:0 --per-image
              halcyon evaluate model.h5 --data "{kind: blocks, path: SIDD, noisy: ValidationNoisyBlocksSrgb.mat, clean: ValidationGtBlocksSrgb.mat}"
              halcyon evaluate model.h5 --data photos --sigma 25 --metrics "psnr, ssim-y, {stlpips: stlpips_alex.safetensors}"
            """)

    @OptionGroup var options: ModelOptions

    @Option(help: ArgumentHelp("A folder of images, or a description of validation pictures.", valueName: "FOLDER|{kind: ...}"))
    var data: String

    @Option(help: "The noise level, on the 0...255 scale.")
    var sigma: Double?

    @Option(name: .customLong("noise-model"), help: ArgumentHelp("Another noise than Gaussian.", valueName: "{kind: ...}"))
    var noiseModel: String?

    @Option(help: ArgumentHelp("The noisy files of pairs, such as \"*_real.JPG\".", valueName: "PATTERN"))
    var noisy: String?

    @Option(help: ArgumentHelp("Their clean partners, such as \"*_mean.JPG\".", valueName: "PATTERN"))
    var clean: String?

    @Option(help: ArgumentHelp("numpy:SEED or philox:SEED.", valueName: "STREAM"))
    var noise = "philox:0"

    @Option(help: ArgumentHelp("Which metrics, separated by commas: \(Self.metricWords).", valueName: "LIST"))
    var metrics = "psnr,ssim"

    private static let metricWords =
        imageMetrics.map(\.word).joined(separator: ", ") + "; with the file of their weights " + learnedMetrics.map { "{\($0.word): FILE}" }.joined(separator: ", ")

    @Flag(name: .customLong("per-image"), help: "A line for each image.")
    var perImage = false

    @Flag(help: "One JSON object a line.")
    var json = false

    func validate() throws {
        try checkSigma(sigma)
        guard (noisy == nil) == (clean == nil) else { throw ValidationError("--noisy and --clean: give both, or none") }
        let told = [sigma == nil, noiseModel == nil, noisy == nil].filter { !$0 }.count
        guard !isDescribed || told == 0 else {
            throw ValidationError("--data: the description says what is measured under; leave --sigma, --noise-model, --noisy and --clean out")
        }
        guard isDescribed || told == 1 else {
            throw ValidationError("expected one of --sigma, --noise-model, or --noisy with --clean")
        }
        guard !data.isEmpty else { throw ValidationError("--data: expected a folder of images, found an empty name") }
        guard metrics.contains(where: { $0 != "," }) else {
            throw ValidationError("--metrics: expected at least one of \(Self.metricWords)")
        }
    }

    func run() throws {
        let stream = try EvaluationNoise(parsing: noise)
        let wanted = try readMetrics(Document.parse("[\(metrics)]", file: "--metrics"), in: DatasetPlace(baseFolder: "", environment: [:]))
        let denoiser = try options.load()
        let (images, condition) = try pictures(channels: denoiser.architecture.network.inputChannels)
        var progress = WorkProgress("images")
        let depths =
            denoiser.architecture.isDynamic
            ? try evaluateDepths(
                denoiser, images: images, conditions: [condition], noise: stream, metrics: wanted, progress: { progress.tell($0, of: $1) })
            : nil
        let result =
            try depths?.evaluation(threshold: denoiser.effectiveThreshold)
            ?? evaluateModel(
                denoiser, images: images, conditions: [condition], noise: stream, metrics: wanted, progress: { progress.tell($0, of: $1) })
        let depth = try depths.map { try DepthReport($0, denoiser, images, condition, stream) }
        Terminal.clearLine()
        func document(_ values: [String: Double], _ head: [(String, Document)]) -> Document {
            .object(head + wanted.compactMap { metric in values[metric.name].map { (metric.name, Document.float($0)) } })
        }
        if perImage {
            for entry in result.images {
                if json { print(document(entry.metrics, [("image", .string(entry.name)), ("sigma", .float(entry.sigma))]).json) }
            }
            if !json {
                print(
                    TextTable(
                        ["image", "noisy PSNR"] + wanted.map(\.name),
                        result.images.map { entry in
                            [entry.name, decimal(entry.noisyPSNR, 4)] + wanted.map { entry.metrics[$0.name].map { decimal($0, 5) } ?? "-" }
                        }, leftAligned: [0]
                    ).text)
            }
        }
        if json {
            print(
                document(
                    result.means,
                    [("images", .int(images.count)), sigma.map { ("sigma", .float($0)) } ?? ("noise", .string(condition.label)), ("noisy_psnr_db", .float(result.means["noisy_psnr_db"] ?? 0))]
                        + (depth?.fields ?? [])
                ).json)
        } else {
            let values = wanted.compactMap { metric in
                result.means[metric.name].map { "\(metric.name) \(decimal($0, metric.unit.isEmpty ? 5 : 4))" }
            }
            print("\(values.joined(separator: ", ")) (noisy \(decimal(result.means["noisy_psnr_db"] ?? 0, 4)) dB), mean of \(images.count) images")
            if let depth { print(depth.text) }
        }
    }
}

extension EvaluateCommand {
    private var isDescribed: Bool { data.hasPrefix("{") }

    /// The pictures of the folder, and what they are measured under.
    private func pictures(channels: Int) throws -> (ImageSet, EvaluationCondition) {
        if isDescribed {
            let place = DatasetPlace(baseFolder: "", environment: ProcessInfo.processInfo.environment)
            let description = try DatasetDescription(parsing: Document.parse(data, file: "--data"), as: .validation, in: place)
            guard description.conditions.count == 1 else {
                throw InputError("--data: expected one noise level, found \(description.conditions.count)", hint: "evaluate each on its own")
            }
            return (try description.open(channels: channels, seed: 1), description.conditions[0])
        }
        if let noisy, let clean {
            let description: Document = ["path": .string(data), "noisy": .string(noisy), "clean": .string(clean)]
            let pairs = try PairsDataset(parsing: description, in: DatasetPlace(baseFolder: "", environment: [:]))
            return (try pairs.open(channels: channels, seed: 0, role: .validation), .recorded)
        }
        let images = try FolderDataset(path: data, limit: nil).open(channels: channels)
        if let noiseModel { return (images, .model(try parseNoiseModel(Document.parse(noiseModel, file: "--noise-model")))) }
        return (images, .sigma(sigma ?? 0))
    }
}

/// What a dynamic network spends on a set of pictures at its threshold, beside its full depth.
private struct DepthReport {
    /// Pictures that are timed, and the height and width they are cut to.
    static let timed = 24
    static let timedSide = 512

    let threshold: Double
    /// How many pictures were timed.
    let timedImages: Int
    let exits: [Int]
    let meanCost: Double
    let fullQuality: Double?
    let latency: DepthLatency.Summary
    let fullLatency: DepthLatency.Summary

    init(
        _ depths: DepthEvaluation, _ denoiser: Denoiser, _ images: ImageSet, _ condition: EvaluationCondition, _ noise: EvaluationNoise
    ) throws {
        threshold = denoiser.effectiveThreshold
        exits = depths.exits(threshold: threshold)
        meanCost = depths.meanCost(threshold: threshold)
        fullQuality = depths.evaluation(threshold: 0).means["psnr_db"]
        let pictures = try (0..<min(Self.timed, images.count)).map { index in
            let (noisy, sigma) = try noise.noisy(images, index: index, condition)
            let (height, width) = (min(noisy.height, Self.timedSide), min(noisy.width, Self.timedSide))
            return (noisy.mirroredAndCropped(height: height, width: width), sigma)
        }
        timedImages = pictures.count
        let measured = try DepthLatency(denoiser, pictures: pictures, seconds: 30)
        latency = measured.summary(threshold: threshold)
        fullLatency = measured.summary(threshold: 0)
    }

    var fields: [(String, Document)] {
        [
            ("threshold", .float(threshold)), ("exits", .array(exits.map(Document.int))), ("mean_cost", .float(meanCost)),
            ("full_depth_psnr_db", fullQuality.map(Document.float) ?? .null), ("latency_ms", .float(latency.mean)),
            ("latency_p95_ms", .float(latency.percentile95)), ("full_depth_latency_ms", .float(fullLatency.mean)),
            ("router_share", .float(latency.routerShare)),
        ]
    }

    var text: String {
        let quality = fullQuality.map { "\(decimal($0, 4)) dB" } ?? "-"
        return """
            threshold \(decimal(threshold, 4)) dB: \(exits.map(String.init).joined(separator: ", ")) images leave at exits 1 to \(exits.count), \
            \(decimal(100 * meanCost, 1)) % of full depth's multiply-accumulates
            \(decimal(latency.mean, 2)) ms an image (95 % within \(decimal(latency.percentile95, 2)) ms), \
            \(decimal(100 * latency.routerShare, 1)) % of it in the router; full depth \(decimal(fullLatency.mean, 2)) ms, \(quality)
            (times of \(timedImages) \(timedImages == 1 ? "image" : "images") cut to at most \(Self.timedSide)x\(Self.timedSide))
            """
    }
}

/// A noise level on the command line.
func checkSigma(_ sigma: Double?) throws {
    guard let sigma, !(0...1000).contains(sigma) else { return }
    throw ValidationError("--sigma: expected 0 to 1000, found \(sigma)")
}
