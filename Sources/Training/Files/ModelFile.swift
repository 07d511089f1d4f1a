import Documents
import Engine

/// A trained network as a file, `model.h5`: the architecture (a JSON text, `architecture`), every parameter and buffer as
/// a named dataset under `parameters`, and where it came from (a JSON text, `provenance`).
package struct ModelFile: Sendable, Equatable {
    package static let version = 1

    /// The candidate document: `network`, and `training` if it has settings of its own.
    package var architecture: Document
    package var tensors: [NamedTensor]
    /// Seed, steps and the like, for people.
    package var provenance: Document

    package init(architecture: Document, tensors: [NamedTensor], provenance: Document = [:]) {
        self.architecture = architecture
        self.tensors = tensors
        self.provenance = provenance
    }

    /// Writes the file, synced and renamed into place, every byte under its checksum.
    package func write(to path: String) throws {
        var writer = HDF5Writer()
        writer.attribute("halcyon_model", Self.version)
        writer.text("architecture", architecture.json)
        writer.text("provenance", provenance.json)
        for tensor in tensors { writer.tensor("parameters/" + tensor.name, sizes: tensor.sizes, values: tensor.values) }
        try ProtectedFile.write(writer.bytes(), to: path)
    }

    /// - Throws: `InputError` that names the file; a file whose checksum is wrong is not parsed.
    package static func read(_ path: String) throws -> ModelFile {
        let reader = try HDF5Reader(ProtectedFile.read(path), path: path)
        let version = try reader.attribute("halcyon_model")
        guard version == Self.version else {
            throw InputError(file: path, "is a model of version \(version), this program reads version \(Self.version)", hint: "use the release that wrote it")
        }
        return ModelFile(
            architecture: try Document.parse(reader.text("architecture"), file: path),
            tensors: try reader.namedTensors(in: "parameters"),
            provenance: try Document.parse(reader.text("provenance"), file: path))
    }
}
