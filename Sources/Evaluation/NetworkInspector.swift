import Documents
import Imaging
import Networks
import Training
import Trials

/// Tells a candidate's identity and its costs at the experiment's latency size, batch 1: no training, no random draw.
package struct NetworkInspector: CandidateInspector {
    private let experiment: TrainingExperiment

    package init(experiment: TrainingExperiment) { self.experiment = experiment }

    /// - Throws: a located `InputError` when the candidate is malformed, does not fit the size or the training patches, or has training settings
    ///   that the recipe refuses.
    package func inspect(_ candidate: Document) throws -> CandidateInspection {
        let architecture = try Architecture(candidate)
        let recipe = try experiment.recipe.overridden(by: architecture.training)
        let crop = experiment.train.crop ?? DatasetDescription.defaultTrainingCrop
        _ = try Trainer.inputShapes(of: architecture, recipe: recipe, crop: crop)
        let cost = try NetworkCost(of: architecture, experiment.latency)
        return CandidateInspection(
            candidateHash: architecture.candidateHash, architectureHash: architecture.architectureHash,
            family: architecture.family, architecture: architecture.canonicalDocument, metrics: cost.metrics)
    }
}
