import Documents
import Engine
import Networks

/// What a training minimizes between the network's image and the clean one: a sum of terms, each with its weight.
///
/// `loss: l1`, or `loss: {charbonnier: 1, ssim: 0.2}`, or with a term's settings `loss: {l1: 1, perceptual: {weight: 0.01, path: vgg16.safetensors}}`.
package struct TrainingLoss: Sendable {
    package let terms: [(weight: Double, term: any LossTerm)]

    /// One term of weight 1.
    package init(_ term: any LossTerm) { self.init(terms: [(1, term)]) }

    private init(terms: [(weight: Double, term: any LossTerm)]) { self.terms = terms }

    /// Reads a recipe's `loss:`; every fault is a located `InputError`.
    package init(_ document: Document) throws {
        let words = lossTerms.map(\.word)
        guard case .object(let fields) = document.value else {
            let word = try document.word("loss", of: words)
            self.init(try Self.read(word, settings: nil, at: document))
            return
        }
        guard !fields.isEmpty else { throw document.fail("loss: expected a loss, found an empty mapping", hint: "for example {l1: 1}") }
        try document.allowOnly(words)
        self.init(terms: try fields.map { field in
            let range = 1e-12...1e12
            guard case .object = field.value.value else {
                return (try field.value.double("the weight of \(field.key)", in: range), try Self.read(field.key, settings: nil, at: field.value))
            }
            let weight = try field.value.optional("weight")?.double("weight", in: range) ?? 1
            return (weight, try Self.read(field.key, settings: field.value, at: field.value))
        })
    }

    private static var pixelWords: String { PixelLoss.Kind.words.map(\.word).joined(separator: ", ") }

    private static func read(_ word: String, settings: Document?, at place: Document) throws -> any LossTerm {
        guard let kind = lossTerms.first(where: { $0.word == word }) else { preconditionFailure("a listed word") }
        try settings?.allowOnly(["weight"] + kind.keys)
        return try kind.read(settings, place)
    }

    /// As `init(_:)` reads it; words for the same thing written in one way.
    package var document: Document { document(withPaths: true) }

    /// - Parameter withPaths: whether the names of files are in it.
    func document(withPaths: Bool) -> Document {
        if terms.count == 1, terms[0].weight == 1, terms[0].term.settings == [:] { return .string(terms[0].term.word) }
        return .object(terms.map { weight, term in
            var settings: Document = term.settings
            if !withPaths { settings["path"] = nil }
            if settings == [:] { return (term.word, .float(weight)) }
            settings["weight"] = .float(weight)
            return (term.word, settings)
        })
    }

    /// The loss of a network, with what its terms need from files.
    /// - Parameter isMasked: whether only what the input `mask` marks counts (`Supervision.noise2void`).
    /// - Returns: the objective, and the values of the frozen parameters that it adds to the training graph.
    /// - Throws: `InputError` for a file that does not fit, or a loss that this network cannot be trained with.
    package func objective(
        for architecture: Architecture, budget: Double, isMasked: Bool = false
    ) throws -> (objective: TrainingObjective, frozen: [NamedTensor]) {
        if isMasked, architecture.isDynamic || !terms.allSatisfy({ $0.term is PixelTerm }) {
            throw InputError(
                "supervision: noise2void trains static networks with \(Self.pixelWords)", hint: "only the hidden pixels have a target")
        }
        if architecture.isDynamic {
            guard terms.count == 1, terms[0].weight == 1, let term = terms[0].term as? PixelTerm else {
                throw InputError(
                    "loss: a network that chooses its depth is trained with one of \(Self.pixelWords)",
                    hint: "its router learns what each exit loses, picture by picture")
            }
            return (try architecture.objective(term.kind, budget: budget), [])
        }
        // With deep supervision the mean over the exits.
        let exits = Double(architecture.exitCount)
        let loaded = try terms.map { try $0.term.loaded(for: architecture, weight: $0.weight / exits) }
        let objective = TrainingObjective(parts: loaded.flatMap(\.parts)) { graph, target in
            var images = architecture.exitValues(of: graph)
            if isMasked {
                let mask = graph.input("mask", channels: architecture.network.inputChannels)
                images = images.map { graph.apply(Multiply(), $0, mask, path: "loss.mask") }
            }
            let scalars = loaded.flatMap { $0.build(&graph, images, target) }
            let reported = scalars.dropFirst().reduce(scalars[0]) { graph.apply(Add(), $0, $1, path: "loss.sum") }
            return TrainingObjective.Losses(minimized: scalars, reported: reported)
        }
        return (objective, loaded.flatMap(\.frozen))
    }
}

/// One term of a loss.
package protocol LossTerm: Sendable {
    /// The word in a recipe.
    var word: String { get }
    /// Its settings beside the weight; an empty mapping where it has none.
    var settings: Document { get }
    /// Reads what it needs from files.
    func loaded(for architecture: Architecture, weight: Double) throws -> LoadedLossTerm
}

/// A term with everything it needs.
package struct LoadedLossTerm: Sendable {
    /// Adds scalars whose sum is the term, its weight in each that belongs to an image. Several images are those of supervised exits.
    package var build: @Sendable (inout Graph, _ images: [ValueID], _ target: ValueID) -> [ValueID]
    /// The values of the frozen parameters that `build` adds.
    package var frozen: [NamedTensor] = []
    /// Parts of the network whose values `build` finds as outputs.
    package var parts: [(output: String, part: String)] = []
}

/// How a recipe names a term, and what it may say about it.
package struct LossTermKind: Sendable {
    package let word: String
    /// Beside `weight`.
    package let keys: [String]
    /// - Parameter place: where the word or its weight stands, for errors.
    package let read: @Sendable (_ settings: Document?, _ place: Document) throws -> any LossTerm
}

/// Every term: means over all samples of |d|, d² (`mse` is another word for `l2`) and sqrt(d² + ε²), 1 - SSIM, and distances in
/// another network's eyes.
package let lossTerms: [LossTermKind] =
    PixelLoss.Kind.words.map { entry in LossTermKind(word: entry.word, keys: []) { _, _ in PixelTerm(kind: entry.kind) } } + [
        LossTermKind(word: "ssim", keys: []) { _, _ in SimilarityTerm() },
        LossTermKind(word: PerceptualLoss.word, keys: PerceptualLoss.keys) { try PerceptualLoss($0, at: $1) },
        LossTermKind(word: TeacherLoss.word, keys: TeacherLoss.keys) { try TeacherLoss($0, at: $1) },
    ]

struct PixelTerm: LossTerm {
    let kind: PixelLoss.Kind
    var word: String { kind.rawValue }
    var settings: Document { [:] }

    func loaded(for architecture: Architecture, weight: Double) -> LoadedLossTerm {
        LoadedLossTerm(build: { graph, images, target in
            images.map { graph.apply(PixelLoss(kind, weight: weight), $0, target, path: "loss") }
        })
    }
}

struct SimilarityTerm: LossTerm {
    let word = "ssim"
    var settings: Document { [:] }

    func loaded(for architecture: Architecture, weight: Double) -> LoadedLossTerm {
        LoadedLossTerm(build: { graph, images, target in
            images.map { graph.apply(SimilarityLoss(weight: weight), $0, target, path: "loss.ssim") }
        })
    }
}
