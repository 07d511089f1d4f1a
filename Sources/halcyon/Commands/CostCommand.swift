import ArgumentParser
import Documents
import Foundation
import Imaging
import Networks
import Reporting
import Training

struct CostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cost", abstract: "Parameters, multiply-accumulates and memory of architectures.",
        discussion: """
            EXAMPLES
              halcyon cost SearchSpaces/references/*.yaml
              halcyon cost net.yaml --size 512x512 --batch 4 --json
            """)

    @Argument(help: ArgumentHelp("Architecture files.", valueName: "ARCHITECTURE.yaml"))
    var architectures: [String]

    @Option(help: ArgumentHelp("Height and width.", valueName: "HxW"))
    var size = ImageSize(height: 256, width: 256)

    @Option(help: "Images at once.")
    var batch = 1

    @Flag(help: "Cost of a training step: three times the forward pass, and the memory of the training program.")
    var training = false

    @Flag(
        name: .customLong("zero-cost"),
        help: "Also scores of the untrained network: \(zeroCostScores.map { "\($0.name), \($0.summary)" }.joined(separator: "; ")). On 16 generated patches of 48x48 with noise of sigma 25.")
    var zeroCost = false

    @Flag(help: "One JSON object a line.")
    var json = false

    func validate() throws {
        guard (1...65536).contains(batch) else { throw ValidationError("--batch: expected 1 to 65536, found \(batch)") }
    }

    func run() throws {
        var rows: [NetworkCost] = []
        var scores: [[Double?]] = []
        for path in architectures {
            let architecture = try Architecture.load(path)
            do {
                try architecture.checkTraining()
                rows.append(
                    try NetworkCost(of: architecture, height: size.height, width: size.width, batch: batch, training: training))
                if zeroCost { scores.append(try Self.scores(architecture)) }
            } catch let error as InputError {
                throw error.location == nil ? InputError(file: path, error.message, hint: error.hint) : error
            }
        }
        if json {
            for (number, row) in rows.enumerated() {
                var document = row.document
                if zeroCost {
                    for (score, value) in zip(zeroCostScores, scores[number]) { document[score.name] = value.map(Document.float) ?? .null }
                }
                print(document.json)
            }
            return
        }
        let table = TextTable(
            ["architecture", "family", "parameters", "MACs (G)", "peak (MB)"] + (zeroCost ? zeroCostScores.map(\.name) : []),
            rows.enumerated().map { number, row in
                [
                    row.architecture, row.family, grouped(row.parameters), decimal(Double(row.macs) / 1e9, 3),
                    decimal(Double(row.peakBytes) / 1e6, 1),
                ] + (zeroCost ? scores[number].map { $0.map { decimal($0, 3) } ?? "-" } : [])
            }, leftAligned: [0, 1])
        print(table.text)
        if zeroCost { print("scores of the untrained network on 16 patches of 48x48") }
        print("\(training ? "a training step" : "a forward pass") of \(batch) x \(size)")
    }

    /// On pictures that are the same everywhere; nil where a score looks at nothing in the network.
    private static func scores(_ architecture: Architecture) throws -> [Double?] {
        let images = try DeadLeavesDataset(images: 16, size: 96).open(channels: architecture.network.inputChannels, seed: 1, role: .training)
        let network = try UntrainedNetwork(
            architecture, recipe: Recipe(steps: 1), images: images, noise: parseNoiseModel(["kind": "gaussian", "sigma": 25]), crop: 48, seed: 1)
        return try zeroCostScores.map { try $0.value(network) }
    }
}

extension Architecture {
    /// Refuses training settings that no experiment could take: misspelt keys and values out of range. The steps are the
    /// experiment's: here as many as there may be, so that any warm-up fits.
    func checkTraining() throws { _ = try Recipe(steps: 1_000_000_000).overridden(by: training) }
}

/// `HxW` on the command line; one number is a square.
struct ImageSize: ExpressibleByArgument, CustomStringConvertible {
    var height: Int
    var width: Int

    init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    init?(argument: String) {
        let parts = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard let height = parts.first ?? nil, let width = parts.last ?? nil, parts.count <= 2,
            (1...65536).contains(height), (1...65536).contains(width)
        else { return nil }
        self.init(height: height, width: width)
    }

    var description: String { "\(height)x\(width)" }
    var defaultValueDescription: String { description }
}
