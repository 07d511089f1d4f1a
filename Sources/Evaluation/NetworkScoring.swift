import Documents
import Imaging
import Networks
import Training
import Trials

/// Zero-cost scores of an experiment's candidates, as its workers tell them: on the pictures of the last rung, with its recipe.
package final class NetworkScoring {
    private let experiment: TrainingExperiment
    private let resource: TrainingResource
    private var images: [Int: ImageSet] = [:]

    package init(_ experiment: TrainingExperiment, resource fidelity: Fidelity) {
        self.experiment = experiment
        resource = TrainingResource(fidelity: fidelity)
    }

    /// - Parameter seed: of the candidate's training.
    /// - Returns: the values by name; a score that has none is left out.
    package func scores(_ candidate: Document, seed: Int, _ scores: [ZeroCostScore]) throws -> [(name: String, value: Double)] {
        let architecture = try Architecture(candidate)
        let channels = architecture.network.inputChannels
        let pictures = try images[channels] ?? resource.images(experiment.train.open(channels: channels, seed: experiment.seed), seed: experiment.seed)
        images[channels] = pictures
        let network = try UntrainedNetwork(architecture, experiment, images: pictures, seed: seed)
        return try scores.compactMap { score in try score.value(network).map { (score.name, $0) } }
    }
}

extension UntrainedNetwork {
    /// The network as a candidate of an experiment.
    init(_ architecture: Architecture, _ experiment: TrainingExperiment, images: ImageSet, seed: Int) throws {
        // The batch is the experiment's, whatever the candidate's own settings are, so that scores compare.
        try self.init(
            architecture, recipe: experiment.recipe, images: images, noise: experiment.noise,
            crop: experiment.crop, seed: UInt64(seed))
    }
}
