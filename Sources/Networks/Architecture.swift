import Documents
import Engine

/// A candidate's network, parsed and checked: a document with no choices left.
///
/// Format: `halcyon: 1`, optional `name`, `network` (see `Network`), optional `training` (settings that override the
/// experiment's recipe; read by whoever trains).
package struct Architecture: Sendable {
    /// At most this many parameters and buffer elements, against slips in a width.
    package static let largestCount = 1 << 30

    package let name: String?
    /// The network as written, defaults filled in.
    package let network: Network
    /// The training settings as written; an empty mapping when there are none.
    package let training: Document
    /// The network in canonical form: defaults filled in and everything without effect removed (`canonicalRules`), so that equal
    /// networks have equal documents.
    package let canonicalNetwork: Document

    private let canonical: Network

    /// Reads an architecture file, which opens with `halcyon: 1`.
    package static func load(_ path: String) throws -> Architecture {
        let document = try Document.load(path)
        try document.checkVersion()
        return try Architecture(document)
    }

    /// Checks a candidate; every fault is an `InputError` at its place. `halcyon: 1` may be absent.
    package init(_ document: Document) throws {
        try document.allowOnly(["halcyon", "name", "network", "training"])
        if document["halcyon"] != nil { try document.checkVersion() }
        let name = try document.optional("name")
        self.name = try name?.string("name")
        if let name, self.name == "" {
            throw name.fail("name: expected some text, found an empty one", hint: "leave `name` out, or give one")
        }
        training = try document.optional("training") ?? [:]
        _ = try training.fields("training")
        let source = try document.required("network")
        network = try Network(source)
        canonicalNetwork = canonicalForm(network.document)
        canonical = try Network(canonicalNetwork)
        let count = canonical.graph().parameters.reduce(0) { $0 + $1.shape.count }
        guard count <= Self.largestCount else {
            throw source.fail(
                "the network has \(count) parameters, at most \(Self.largestCount) are possible", hint: "lower widths or counts")
        }
    }

    /// The skeleton's kind, for example `chain`.
    package var family: String { type(of: network.skeleton).kind }

    /// The candidate with the canonical network: parses to an equal architecture.
    package var canonicalDocument: Document {
        var document: Document = ["halcyon": 1]
        document["name"] = name.map(Document.string)
        document["network"] = canonicalNetwork
        if training != [:] { document["training"] = training }
        return document
    }

    /// Names the network alone: equal for networks that differ only in what has no effect.
    package var architectureHash: String { canonicalNetwork.digest }

    /// Names network and training settings.
    package var candidateHash: String {
        let identity: Document = ["network": canonicalNetwork, "training": canonicalTraining]
        return identity.digest
    }

    /// The training settings with numbers and words for the same thing written in one way.
    private var canonicalTraining: Document {
        var settings = exactNumbers(training)
        if case .string(let word)? = settings["loss"]?.value, let kind = PixelLoss.Kind(word: word) {
            settings["loss"] = .string(kind.rawValue)
        }
        // Only a router has a budget to keep.
        if !isDynamic { settings["depth-budget"] = nil }
        return settings
    }

    /// The training graph of the canonical network.
    fileprivate var graph: Graph { canonical.graph() }
}

/// The identity of a candidate document: its canonical network and its training settings.
/// - Throws: a located `InputError` where the candidate is malformed.
package func candidateHash(_ candidate: Document) throws -> String { try Architecture(candidate).candidateHash }

/// The training-mode graph of an architecture, unfused: inputs `image` `[N, H, W, C]` and, with a noise map, `noise-map`
/// `[N, H, W, 1]`; output `image` of the image's shape. It is built from the canonical form, so architectures of one hash
/// have the same parameters by name.
package func buildGraph(_ architecture: Architecture) throws -> Graph { architecture.graph }

/// Writes whole numbers as integers and drops nulls, so that 1 and 1.0 are one setting.
private func exactNumbers(_ document: Document) -> Document {
    switch document.value {
    case .float(let number) where number.rounded() == number && abs(number) < 9e15: .int(Int(number))
    case .array(let items): .array(items.map(exactNumbers))
    case .object(let fields): .object(fields.filter { !$0.value.isNull }.map { ($0.key, exactNumbers($0.value)) })
    default: document
    }
}
