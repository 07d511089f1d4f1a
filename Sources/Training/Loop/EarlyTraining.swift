import Documents
import Imaging

/// A part of a training before its last: fewer pictures or smaller patches, up to a step.
package struct EarlyTraining: Sendable {
    /// Its last step, counted over the whole training.
    package var throughStep: Int
    package var images: ImageSet
    /// The side of its patches.
    package var crop: Int

    package init(throughStep: Int, images: ImageSet, crop: Int) {
        self.throughStep = throughStep
        self.images = images
        self.crop = crop
    }

    /// What tells it from another, for a checkpoint.
    var document: Document { ["through-step": .int(throughStep), "images": images.document, "crop": .int(crop)] }
}
