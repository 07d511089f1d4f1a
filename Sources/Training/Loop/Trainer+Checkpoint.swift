import Documents
import Engine

/// A training's state, to go on from.
extension Trainer {
    /// What a checkpoint holds: the network's parameters and buffers, and what the loss trains beside them.
    private var storedNames: [String] {
        let ofNetwork = Set((networkStore ?? parameters).names)
        return parameters.specifications.filter { $0.trainable || ofNetwork.contains($0.name) }.map(\.name)
    }

    /// Everything that the next steps depend on.
    package func checkpoint() -> Checkpoint {
        let names = Set(storedNames)
        return Checkpoint(
            step: step, seed: seed, candidateHash: architecture.candidateHash, settingsDigest: settingsDigest,
            tensors: parameters.namedTensors.filter { names.contains($0.name) }, firstMoments: moments.firstMoments.values,
            secondMoments: moments.secondMoments.values, average: average?.values, curve: curve, seconds: seconds)
    }

    /// Goes back to a checkpoint of the same candidate and seed.
    /// - Parameter path: names the file in errors.
    /// - Throws: `InputError` when it is another candidate's or another seed's, or of another recipe, noise or set of pictures.
    package func restore(_ checkpoint: Checkpoint, path: String) throws {
        guard checkpoint.candidateHash == architecture.candidateHash else {
            throw InputError(
                file: path,
                "is a checkpoint of candidate \(checkpoint.candidateHash), expected \(architecture.candidateHash)",
                hint: "a training goes on from its own checkpoint only")
        }
        guard checkpoint.seed == seed else {
            throw InputError(file: path, "is a checkpoint of seed \(checkpoint.seed), expected \(seed)", hint: "train with the same seed")
        }
        guard checkpoint.settingsDigest == settingsDigest else {
            throw InputError(
                file: path, "is a checkpoint of a training with another recipe, noise or data",
                hint: "go on with the experiment that it began with, or train anew into another folder")
        }
        let count = moments.firstMoments.count
        guard checkpoint.firstMoments.count == count, checkpoint.secondMoments.count == count, checkpoint.step >= 0,
            checkpoint.average?.count == average?.count
        else {
            throw InputError(
                file: path, "has \(checkpoint.firstMoments.count) optimizer moments, expected \(count)",
                hint: "it was written by another version of this program: train again")
        }
        try parameters.load(checkpoint.tensors, names: storedNames, path: path)
        if let kept = checkpoint.average { average?.pointer.update(from: kept, count: count) }
        moments.firstMoments.pointer.update(from: checkpoint.firstMoments, count: count)
        moments.secondMoments.pointer.update(from: checkpoint.secondMoments, count: count)
        step = checkpoint.step
        seconds = checkpoint.seconds
        curve = checkpoint.curve
    }
}
