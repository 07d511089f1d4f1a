import ArgumentParser
import Documents
import Foundation
import Networks
import TrialStore
import Training

/// MODEL on the command line: a `model.h5`, a `.safetensors` file with `--architecture FILE`, or `DIR#NUMBER`.
struct ModelOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("A model.h5, a .safetensors file with --architecture FILE, or DIR#NUMBER.", valueName: "MODEL"))
    var model: String

    @Option(help: ArgumentHelp("The network of a .safetensors file.", valueName: "FILE"))
    var architecture: String?

    @Option(help: "Threads.")
    var threads = 1

    @Option(
        help: ArgumentHelp(
            "For a dynamic network: an image leaves at the first exit that is foretold to lose less than this. 0 is full depth.",
            discussion: "The default is the threshold that training found for its budget.", valueName: "DB"))
    var threshold: Double?

    @Option(
        help: ArgumentHelp(
            "For a UNet++ with deep supervision: the network pruned to this exit, counted from 1.",
            discussion: "The default is the last.", valueName: "N"))
    var exit: Int?

    func validate() throws {
        guard (1...1024).contains(threads) else { throw ValidationError("--threads: expected 1 to 1024, found \(threads)") }
        if let threshold, !(threshold >= 0 && threshold.isFinite) {
            throw ValidationError("--threshold: expected a number of at least 0, found \(threshold)")
        }
    }

    func load() throws -> Denoiser {
        let path = try TrialReference(model)?.modelPath() ?? model
        let denoiser = try Denoiser.load(path, architecture: architecture.map(Architecture.load), threads: threads)
        guard threshold == nil || denoiser.architecture.isDynamic else {
            throw InputError(file: path, "holds a static network, which has no --threshold", hint: "leave --threshold out")
        }
        denoiser.threshold = threshold
        if let exit {
            let count = denoiser.architecture.exitCount
            guard count > 1, !denoiser.architecture.isDynamic else {
                throw InputError(
                    file: path, "--exit: expected a network with deep supervision, found a \(denoiser.architecture.family)",
                    hint: denoiser.architecture.isDynamic ? "the depth of a dynamic network is set with --threshold" : "leave --exit out")
            }
            guard (1...count).contains(exit) else {
                throw InputError(file: path, "--exit: the network has \(count) exits, found \(exit)", hint: "name one from 1 to \(count)")
            }
            denoiser.exit = exit - 1
        }
        return denoiser
    }
}

/// `DIR#NUMBER`: a trial of a study.
struct TrialReference {
    var directory: String
    var number: Int

    /// Nil when the text is no such reference.
    init?(_ text: String) throws {
        guard let mark = text.lastIndex(of: "#") else { return nil }
        directory = String(text[..<mark])
        guard let number = Int(text[text.index(after: mark)...]), FileManager.default.fileExists(atPath: directory + "/study.sqlite")
        else { throw InputError("\(text): expected DIR#NUMBER with the folder of a study and the number of one of its trials") }
        self.number = number
    }

    func modelPath() throws -> String {
        let path = "\(directory)/trials/\(number)/model.h5"
        guard FileManager.default.fileExists(atPath: path) else {
            let kept = try StudyReader(directory: directory).summaries().map(\.number).filter {
                FileManager.default.fileExists(atPath: "\(directory)/trials/\($0)/model.h5")
            }
            throw InputError(
                "trial \(number) of \(directory) has no trained network on disk",
                hint: kept.isEmpty ? "no trial has one" : "these have one: \(kept.map(String.init).joined(separator: ", "))")
        }
        return path
    }

    /// The trial's candidate: architecture and training settings.
    func candidate() throws -> Document {
        guard let row = try StudyReader(directory: directory).trial(number) else {
            throw InputError("\(directory) has no trial \(number)", hint: "`halcyon pareto \(directory)` lists the best ones")
        }
        return row.candidate
    }
}
