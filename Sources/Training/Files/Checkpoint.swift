import Documents
import Engine

/// All that a training's future depends on, beside the recipe and the data: it goes on bit for bit.
///
/// There is no data cursor: a step's batch is a function of (seed, step).
package struct Checkpoint: Sendable, Equatable {
    package static let version = 2

    /// Steps done.
    package var step: Int
    package var seed: UInt64
    package var candidateHash: String
    /// Names the recipe, the noise and the data that it was trained with.
    package var settingsDigest: String
    /// Parameters and buffers.
    package var tensors: [NamedTensor]
    /// Adam's moments, in the layout of the store's trainable memory.
    package var firstMoments: [Float]
    package var secondMoments: [Float]
    /// The average of the trainable parameters, in the same layout, where the recipe averages.
    package var average: [Float]?
    package var curve: LearningCurve
    /// Seconds that its steps took.
    package var seconds = 0.0

    /// Writes the file, synced and renamed into place, every byte under its checksum.
    package func write(to path: String) throws {
        var writer = HDF5Writer()
        writer.attribute("halcyon_checkpoint", Self.version)
        writer.attribute("step", step)
        writer.text(
            "state",
            Document.object([
                ("seed", .string("\(seed)")), ("candidate_hash", .string(candidateHash)), ("settings_digest", .string(settingsDigest)),
                ("curve", curve.document), ("seconds", .float(seconds)),
            ]).json)
        for tensor in tensors { writer.tensor("parameters/" + tensor.name, sizes: tensor.sizes, values: tensor.values) }
        writer.tensor("optimizer/first_moments", sizes: [firstMoments.count], values: firstMoments)
        writer.tensor("optimizer/second_moments", sizes: [secondMoments.count], values: secondMoments)
        if let average { writer.tensor("optimizer/average", sizes: [average.count], values: average) }
        try ProtectedFile.write(writer.bytes(), to: path)
    }

    /// - Throws: `InputError` that names the file; a file whose checksum is wrong is not parsed.
    package static func read(_ path: String) throws -> Checkpoint {
        let reader = try HDF5Reader(ProtectedFile.read(path), path: path)
        let version = try reader.attribute("halcyon_checkpoint")
        guard version == Self.version else {
            throw InputError(file: path, "is a checkpoint of version \(version), this program reads version \(Self.version)", hint: "use the release that wrote it")
        }
        let state = try Document.parse(reader.text("state"), file: path)
        let seed = try state.required("seed")
        guard let number = UInt64(try seed.string("seed")) else { throw seed.fail("seed: expected a number") }
        return Checkpoint(
            step: try reader.attribute("step"), seed: number,
            candidateHash: try state.required("candidate_hash").string("candidate_hash"),
            settingsDigest: try state.required("settings_digest").string("settings_digest"),
            tensors: try reader.namedTensors(in: "parameters"),
            firstMoments: try reader.tensor("optimizer/first_moments").values,
            secondMoments: try reader.tensor("optimizer/second_moments").values,
            average: try reader.names(in: "optimizer").contains("average") ? reader.tensor("optimizer/average").values : nil,
            curve: try LearningCurve(state.required("curve")), seconds: try state.optional("seconds")?.double("seconds") ?? 0)
    }
}

extension HDF5Reader {
    /// Every tensor of a group, by name.
    func namedTensors(in group: String) throws -> [NamedTensor] {
        try names(in: group).map { name in
            let (sizes, values) = try tensor(group + "/" + name)
            return NamedTensor(name: name, sizes: sizes, values: values)
        }
    }
}
