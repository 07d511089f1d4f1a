import Documents
import Foundation
import Imaging
import Synchronization
import Training
import Trials

/// What a worker reads of an experiment.
struct WorkerExperiment: Sendable {
    let training: TrainingExperiment
    let resource: TrainingResource

    init(_ path: String, environment: [String: String]) throws {
        let document = try Document.load(path)
        try document.checkVersion()
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        training = try TrainingExperiment(document, environment: environment, baseFolder: folder)
        resource = TrainingResource(fidelity: try Fidelity(document.optional("fidelity"), steps: training.recipe.steps))
    }
}

/// What the trials of one worker share: the experiment and its decoded pictures, by channels.
final class ExperimentCache: Sendable {
    private struct Contents {
        var experiments: [String: WorkerExperiment] = [:]
        var images: [String: ImageSet] = [:]
    }

    private let environment: [String: String]
    private let contents = Mutex(Contents())

    init(environment: [String: String]) { self.environment = environment }

    func experiment(at path: String) throws -> WorkerExperiment {
        try contents.withLock { contents in
            if let known = contents.experiments[path] { return known }
            let experiment = try WorkerExperiment(path, environment: environment)
            contents.experiments[path] = experiment
            return experiment
        }
    }

    /// The pictures that an experiment describes under a name.
    func images(_ description: DatasetDescription, _ name: String, of path: String, channels: Int, seed: UInt64) throws -> ImageSet {
        let key = "\(path) \(name) \(channels)"
        return try contents.withLock { contents in
            if let known = contents.images[key] { return known }
            let images = try description.open(channels: channels, seed: seed)
            contents.images[key] = images
            return images
        }
    }
}
