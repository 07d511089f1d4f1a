import Documents

/// A checked template: a document in which decisions stand in some places. References to definitions are inlined
/// (each use makes its own decisions); shared ones stay, so that they are decided once.
indirect enum Template: Sendable {
    /// No decision anywhere inside.
    case literal(Document)
    case object(Mapping)
    case list([Template], SourceLocation?)
    case choice(Choice)
    case int(IntRange, name: String?, SourceLocation?)
    case float(FloatRange, name: String?, SourceLocation?)
    case repetition(Repetition)
    case shared(String)
    /// A value worked out from decisions; none itself.
    case derived(ExpressionSource)

    struct Member: Sendable {
        var key: String
        var keyLocation: SourceLocation?
        var template: Template
    }

    struct Mapping: Sendable {
        var members: [Member]
        /// Values with names for the expressions inside, which the document does not show.
        var hidden: [Member] = []
        /// What has to hold wherever this mapping stands.
        var constraints: [ExpressionSource] = []
        var location: SourceLocation?
    }

    struct Choice: Sendable {
        /// The choice's number in the space file: the same at every use of a definition and every position of a repeat.
        var number: Int
        var name: String?
        var alternatives: [Template]
        var labels: [String]
    }

    struct Repetition: Sendable {
        var name: String?
        var template: Template
        /// Resolves to an integer of at least 0.
        var count: Template
        var tied: Bool
        var location: SourceLocation?
    }

    /// The path of a mapping's member; keys that could be mistaken for another path stand quoted in brackets.
    static func path(_ parent: String, key: String) -> String {
        let plain = !key.isEmpty && !key.utf8.contains(where: isPathSign) && !(parent.isEmpty && key == "shared")
        if plain { return parent.isEmpty ? key : "\(parent).\(key)" }
        return "\(parent)[\(Document.string(key).json)]"
    }

    /// One of `./[]"`.
    private static func isPathSign(_ byte: UInt8) -> Bool {
        byte == 0x2E || byte == 0x2F || byte == 0x5B || byte == 0x5D || byte == 0x22
    }

    static func hiddenPath(_ parent: String, key: String) -> String { path(path(parent, key: TemplateParser.hiddenKey), key: key) }
    static func path(_ parent: String, position: Int) -> String { "\(parent)[\(position)]" }
    static func path(_ parent: String, alternative: Int) -> String { "\(parent)/\(alternative)" }
    static func tiedPath(_ parent: String) -> String { "\(parent)[*]" }
    static func countPath(_ parent: String) -> String { parent.isEmpty ? "count" : "\(parent).count" }
    /// The root of a shared template's paths; a key `shared` at the template's root is quoted, so they never meet.
    static func sharedPath(_ name: String) -> String { path("shared", key: name) }
}
