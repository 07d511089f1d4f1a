import Documents

/// Which pairs of a set are taken, by their names, so that what tests a network never shares a scene with what trained it.
///
/// `only` and `except` list names with any number of stars. `scene` says what of a name tells its scene, in parentheses: with
/// `scene: "(*)_*_*_*_(*)_*"` a pair `Canon5D2_5_160_3200_chair_11` has the scene `Canon5D2 chair`. `folds: 5, take: [1]` takes every
/// fifth scene in the order of their names, from the first: scene k, counted from 0, of all the set is in fold k mod 5 + 1. All pairs of
/// a scene are in one fold. `only` and `except` then take from these.
struct PairSelection: Sendable {
    static let keys = ["only", "except", "scene", "folds", "take"]

    private let only: [String]?
    private let except: [String]
    private let scene: ScenePattern?
    private let folds: Int
    private let taken: Set<Int>
    private let document: Document

    init(parsing document: Document) throws {
        self.document = document
        only = try document.optional("only")?.array("only").map { try $0.string("only") }
        except = try document.optional("except")?.array("except").map { try $0.string("except") } ?? []
        scene = try document.optional("scene").map(ScenePattern.init)
        guard let count = try document.optional("folds") else {
            if let take = try document.optional("take") {
                throw take.fail("take: there are no folds", hint: "write folds: 5 beside it")
            }
            (folds, taken) = (1, [1])
            return
        }
        guard scene != nil else {
            throw count.fail("folds: are folds of scenes, and no scene is said", hint: "for example scene: \"(*)_*_*_*_(*)_*\"")
        }
        let folds = try count.int("folds", in: 2...1000)
        self.folds = folds
        let list = try document.required("take")
        taken = Set(try list.array("take").map { try $0.int("take", in: 1...folds) })
        guard !taken.isEmpty else { throw list.fail("take: expected at least one fold, found none", hint: "for example [1]") }
    }

    /// The scene of a pair; nil where none is said.
    /// - Throws: a located `InputError` for a name that is not of the pattern.
    func scene(of name: String) throws -> String? { try scene?.scene(of: name) }

    /// The names that are taken, in their order.
    /// - Throws: a located `InputError` where none is left.
    func taken(of names: [String]) throws -> [String] {
        var inFolds = names
        if scene != nil, folds > 1 {
            let scenes = Set(try names.compactMap(scene(of:))).sorted()
            let numbers = Dictionary(uniqueKeysWithValues: scenes.enumerated().map { ($1, $0 % folds + 1) })
            inFolds = try names.filter { name in try scene(of: name).flatMap { numbers[$0] }.map(taken.contains) ?? false }
        }
        let kept = inFolds.filter { name in
            (only.map { $0.contains { name.matches(stars: $0) } } ?? true) && !except.contains { name.matches(stars: $0) }
        }
        guard !kept.isEmpty else {
            throw document.fail(
                "of \(names.count) pairs, none is left by `only`, `except` and `take`", hint: "check the patterns; a pair is named \(names.first ?? "")")
        }
        return kept
    }
}

/// What of a name tells its scene: the stars in parentheses.
private struct ScenePattern: Sendable {
    private let document: Document
    private let pattern: StarPattern
    private let told: [Bool]

    init(_ document: Document) throws {
        self.document = document
        let text = try document.string("scene")
        var plain = "", told: [Bool] = [], rest = Substring(text)
        while !rest.isEmpty {
            let isTold = rest.hasPrefix("(*)")
            if isTold || rest.first == "*" {
                told.append(isTold)
                plain += "*"
                rest = rest.dropFirst(isTold ? 3 : 1)
            } else {
                plain.append(rest.removeFirst())
            }
        }
        guard let pattern = StarPattern(plain), told.contains(true) else {
            throw document.fail(
                "scene: expected a name with stars, those in parentheses telling the scene, found \"\(text)\"",
                hint: "for example \"(*)_*_*_*_(*)_*\"")
        }
        (self.pattern, self.told) = (pattern, told)
    }

    func scene(of name: String) throws -> String {
        guard let texts = pattern.texts(in: name) else {
            throw document.fail("scene: the pair \(name) is not named as \(document.text)", hint: "each pair must tell its scene")
        }
        return zip(texts, told).filter(\.1).map(\.0).joined(separator: " ")
    }
}

extension Document {
    fileprivate var text: String { if case .string(let text) = value { text } else { "" } }
}
