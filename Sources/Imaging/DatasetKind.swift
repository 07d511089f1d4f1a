import Documents
import Foundation

/// Where a dataset's pictures come from: one kind, one file, one line in `datasetKinds`.
package protocol DatasetKind: Sendable {
    /// The word after `kind:`.
    static var word: String { get }

    /// The keys that this kind reads, beside those of `DatasetDescription`.
    static var keys: [String] { get }

    /// Reads the kind's own keys; throws located `InputError`s.
    init(parsing document: Document, in place: DatasetPlace) throws

    /// The side that every picture has by the description alone; nil where files decide.
    var knownSide: Int? { get }

    /// How many pictures there are by the description alone; nil where files decide.
    var knownCount: Int? { get }

    /// Whether every picture has a noisy partner; noise is not added then.
    var isPaired: Bool { get }

    /// The scenes of the pictures that are taken, where their names tell them: none may be in training and validation. Nil where nobody
    /// says how they are told, or only decoding would show.
    func scenes() throws -> Set<String>?

    /// The pictures, in an order that depends on nothing but the description, the seed, the role and the files.
    ///
    /// A kind with a `seed` of its own ignores the one given.
    /// Every picture has `channels` (1 or 3) channels and samples that are multiples of 1/255 (or 1/65535 from 16-bit files).
    func open(channels: Int, seed: UInt64, role: DatasetDescription.Role) throws -> ImageSet
}

/// Every kind of dataset.
package let datasetKinds: [any DatasetKind.Type] = [FolderDataset.self, DeadLeavesDataset.self, PairsDataset.self, BlocksDataset.self]

extension DatasetKind {
    package var isPaired: Bool { false }
    package func scenes() throws -> Set<String>? { nil }
    package var knownCount: Int? { nil }
}

/// What a description's text may refer to.
package struct DatasetPlace: Sendable {
    /// The experiment file's folder, against which relative paths resolve.
    package var baseFolder: String
    /// The values of `${NAME}` in paths.
    package var environment: [String: String]

    package init(baseFolder: String, environment: [String: String]) {
        self.baseFolder = baseFolder
        self.environment = environment
    }

    /// A path of the description with its variables put in, against the base folder where it is relative.
    /// - Throws: a located `InputError` for a variable that is not set.
    package func path(_ document: Document) throws -> String {
        let expanded = try expanded(document)
        return expanded.hasPrefix("/") || baseFolder.isEmpty ? expanded : baseFolder + "/" + expanded
    }

    /// Puts the values of `${NAME}` in.
    private func expanded(_ document: Document) throws -> String {
        var rest = Substring(try document.string("path"))
        var result = ""
        while let start = rest.range(of: "${") {
            result += rest[..<start.lowerBound]
            guard let end = rest[start.upperBound...].firstIndex(of: "}") else {
                throw document.fail("path: \"${\" has no closing \"}\"", hint: "write ${NAME}")
            }
            let name = String(rest[start.upperBound..<end])
            guard let value = environment[name], !value.isEmpty else {
                throw document.fail(
                    "path: the environment variable \(name) is not set",
                    hint: "set it to the folder that holds your data, for example: export \(name)=/path/to/data")
            }
            result += value
            rest = rest[rest.index(after: end)...]
        }
        result += rest
        guard !result.isEmpty else { throw document.fail("path: is empty", hint: "name a folder or a file") }
        return result
    }
}
