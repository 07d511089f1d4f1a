import Documents
import Imaging
import RandomStreams
import Training
import Trials

/// What the resource of an experiment's fidelity means for a training.
///
/// `steps`: a rung is so many steps. `crop` and `images`: every rung has its steps (`Fidelity.steps`), and each step is trained on patches
/// of the size, or on so many of the pictures, of the rung that it leads to, wherever a trial began: a training is the same steps in
/// the same order up to any rung. `seconds`: a rung is reached by the step with which the training's steps have taken so many seconds.
struct TrainingResource: Sendable {
    let fidelity: Fidelity

    /// Steps that are done at a resource; nil where seconds count.
    /// - Throws: `InputError` for a resource that is no rung.
    func steps(at resource: Int) throws -> Int? {
        switch fidelity.resource {
        case "steps": return resource
        case "seconds": return nil
        default:
            guard let steps = fidelity.steps, let rung = fidelity.rungs.firstIndex(of: resource) else {
                throw InputError("\(resource) is no rung of the fidelity's \(fidelity.resource)", hint: "expected one of \(fidelity.rungs)")
            }
            return steps[rung]
        }
    }

    /// The resource that a training has come to, no more than `target`; between two rungs in proportion to the steps.
    func resource(step: Int, seconds: Double, target: Int) -> Int {
        if fidelity.resource == "seconds" { return min(Int(seconds), target) }
        guard let steps = fidelity.steps else { return step }
        var (value, done) = (0, 0)
        for (rung, next) in zip(fidelity.rungs, steps) {
            if step <= next { return value + Int(Double(rung - value) * Double(step - done) / Double(next - done)) }
            (value, done) = (rung, next)
        }
        return value
    }

    /// The pictures at the last rung.
    func images(_ images: ImageSet, seed: UInt64) throws -> ImageSet {
        guard fidelity.resource == "images" else { return images }
        return try part(fidelity.rungs[fidelity.rungs.count - 1], of: images, seed: seed)
    }

    /// The parts of a training before the last rung.
    func early(_ images: ImageSet, crop: Int, seed: UInt64) throws -> [EarlyTraining] {
        guard let steps = fidelity.steps else { return [] }
        return try zip(fidelity.rungs, steps).dropLast().map { value, step in
            fidelity.resource == "images"
                ? EarlyTraining(throughStep: step, images: try part(value, of: images, seed: seed), crop: crop)
                : EarlyTraining(throughStep: step, images: images, crop: value)
        }
    }

    /// So many pictures in an order that the experiment's seed draws, the same for every candidate; those of a rung are among those of
    /// the next.
    private func part(_ count: Int, of images: ImageSet, seed: UInt64) throws -> ImageSet {
        guard count <= images.count else {
            throw InputError("the fidelity's rung of \(count) images is more than the \(images.count) there are", hint: "lower the last rung")
        }
        var stream = RandomStream(seed: seed).split("fidelity").split("images")
        return count == images.count ? images : images.picking(Array(stream.permutation(images.count).prefix(count)))
    }

    /// Refuses at the door what no training could do.
    /// - Parameter document: the experiment, where errors are located.
    func check(_ document: Document, _ experiment: TrainingExperiment) throws {
        func refuse(_ key: String, _ why: String, _ hint: String) throws -> InputError {
            (try document.optional("fidelity").map { $0[key] ?? $0 } ?? document).fail(why, hint: hint)
        }
        let (resource, last) = (fidelity.resource, fidelity.rungs[fidelity.rungs.count - 1])
        switch resource {
        case "steps":
            guard experiment.recipe.steps == last else {
                throw try document.required("recipe").fail(
                    "recipe: steps \(experiment.recipe.steps) are not the last rung, \(last)", hint: "make them equal")
            }
        case "seconds": break
        case "crop":
            let crop = experiment.crop
            guard crop == last else {
                throw try refuse("rungs", "rungs: the last rung is a crop of \(last), but the training patches have \(crop)", "make them equal")
            }
        case "images":
            let count = try experiment.train.pictureCount()
            guard last <= count else {
                throw try refuse("rungs", "rungs: the last rung is \(last) images, but there are \(count)", "lower the last rung")
            }
        default:
            throw try refuse(
                "resource", "resource: a denoising network is trained by steps, seconds, crop or images, found \"\(resource)\"",
                "write resource: steps")
        }
        if resource != "steps", let second = try document.optional("second-stage") {
            throw second.fail(
                "second-stage: begins at a step, and this fidelity's resource is \(resource)", hint: "write resource: steps, or leave one of them out")
        }
    }
}

/// Refuses a fidelity that a training cannot follow; errors are located in the experiment's document.
package func checkFidelity(_ fidelity: Fidelity, of document: Document, _ experiment: TrainingExperiment) throws {
    try TrainingResource(fidelity: fidelity).check(document, experiment)
}
