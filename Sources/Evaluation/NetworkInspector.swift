import Documents
import Imaging
import Networks
import Training
import Trials

/// Tells a candidate's identity and its costs at the experiment's latency size, batch 1: no training, no random draw.
package struct NetworkInspector: CandidateInspector {
    private let experiment: TrainingExperiment
    /// The sides of the training patches.
    private let crops: [Int]

    /// - Parameter fidelity: whose rungs may be sizes of patches.
    package init(experiment: TrainingExperiment, fidelity: Fidelity? = nil) {
        self.experiment = experiment
        let crop = experiment.crop
        crops = fidelity?.resource == "crop" ? fidelity?.rungs ?? [crop] : [crop]
    }

    package var costMetric: String? { "macs" }

    package func estimateCost(_ candidate: Document) -> Double? {
        guard let architecture = try? Architecture(candidate) else { return nil }
        return (try? NetworkCost.macs(of: architecture, height: experiment.latency.height, width: experiment.latency.width)).map(Double.init)
    }

    /// - Throws: a located `InputError` when the candidate is malformed, does not fit the size or the training patches, or has training settings
    ///   that the recipe refuses.
    package func inspect(_ candidate: Document) throws -> CandidateInspection {
        let architecture = try Architecture(candidate)
        let recipe = try experiment.recipe.overridden(by: architecture.training)
        for crop in crops { _ = try Trainer.inputShapes(of: architecture, recipe: recipe, crop: crop) }
        let cost = try NetworkCost(of: architecture, experiment.latency)
        return CandidateInspection(
            candidateHash: architecture.candidateHash, architectureHash: architecture.architectureHash,
            family: architecture.family, architecture: architecture.canonicalDocument, metrics: cost.metrics)
    }
}
