import Documents
import Engine
import Imaging
import Networks

/// What fits a training, and what does not.
extension Trainer {
    /// The shapes of the inputs of a training step, or of each of its parts where the recipe accumulates.
    /// - Throws: `InputError` when the network does not fit patches of this size.
    package static func inputShapes(of architecture: Architecture, recipe: Recipe, crop: Int) throws -> [String: Shape] {
        let batch = recipe.batch / recipe.accumulate
        var shapes = architecture.inputShapes(height: crop, width: crop, batch: batch)
        do {
            _ = try buildGraph(architecture).shapes(inputs: shapes)
        } catch let error as ShapeError {
            throw misfit(crop, error)
        }
        shapes["target"] = shapes["image"]
        shapes["mask"] = shapes["image"]
        // A teacher may have one where the network has none.
        shapes["noise-map"] = [batch, crop, crop, 1]
        return shapes
    }

    /// - Throws: `InputError` for pictures that the recipe cannot be used with.
    static func check(_ images: ImageSet, _ recipe: Recipe, crop: Int) throws {
        let supervision = recipe.supervision
        if images.isPaired, recipe.augment.changesSamples {
            throw InputError("augment: the noise of pairs does not survive rotation, scale and colours", hint: "pairs are mirrored and turned by right angles only: augment: true")
        }
        if images.isPaired, supervision == .noise2noise {
            throw InputError("supervision: pairs have one noisy picture each, noise2noise needs two", hint: "train with `noise` on clean pictures, or with supervision: clean")
        }
        let side = supervision.cutSide(crop)
        for i in 0..<images.count where images.size(i).height < side || images.size(i).width < side {
            throw InputError(
                "supervision: \(images.name(i)) has \(images.size(i).height)x\(images.size(i).width) pixels, \(supervision.rawValue) needs twice the crop of \(crop)",
                hint: "choose a smaller crop")
        }
    }

    static func misfit(_ crop: Int, _ error: ShapeError) -> InputError {
        InputError(
            "the network cannot be trained on patches of \(crop)x\(crop): \(error.description)",
            hint: "use larger patches, or a network of fewer levels")
    }
}
