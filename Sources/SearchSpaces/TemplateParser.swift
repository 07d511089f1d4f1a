import Documents

/// Reads templates and checks them: everything malformed is an `InputError` at its own place.
struct TemplateParser {
    private let definitions: [String: Document]
    private let sharedSources: [String: Document]
    private var parsedDefinitions: [String: Template] = [:]
    private(set) var shared: [String: Template] = [:]
    /// The names being read, outermost first, to find cycles.
    private var pending: [String] = []
    private var expanded = 0
    private var choiceCount = 0

    static let constructs = ["choice", "int", "float", "repeat", "reference", "derived"]
    /// Keys of a mapping that do not stand in its document.
    static let hiddenKey = "let"
    static let constraintsKey = "constraints"
    static let largestCount = 1000

    init(definitions: [Document.Field], shared: [Document.Field]) throws {
        self.definitions = Dictionary(definitions.map { ($0.key, $0.value) }) { first, _ in first }
        self.sharedSources = Dictionary(shared.map { ($0.key, $0.value) }) { first, _ in first }
        for field in shared where self.definitions[field.key] != nil {
            throw InputError(
                "\"\(field.key)\" stands under definitions and under shared", at: field.keyLocation,
                hint: "a template is decided at each use or once; keep one of the two")
        }
        for field in definitions { _ = try named(field.key, at: field.keyLocation) }
        for field in shared { _ = try named(field.key, at: field.keyLocation) }
    }

    mutating func parse(_ document: Document) throws -> Template {
        switch document.value {
        case .array(let items):
            let templates = try items.map { try parse($0) }
            // Built anew from its items: references among them are literals now.
            let literals = templates.compactMap(\.literal)
            return literals.count == items.count
                ? .literal(Document(.array(literals), at: document.location)) : .list(templates, document.location)
        case .object(let fields):
            if let construct = Self.constructs.first(where: { name in fields.contains { $0.key == name } }) {
                return try parse(construct, document)
            }
            try refuseMisspelt(fields, document)
            let members = try fields.filter { $0.key != Self.hiddenKey && $0.key != Self.constraintsKey }.map { try member($0) }
            let hidden = try document.optional(Self.hiddenKey)?.fields(Self.hiddenKey).map { try member($0) } ?? []
            let constraints = try document.optional(Self.constraintsKey).map(Self.constraints) ?? []
            let literals = members.compactMap { member in
                member.template.literal.map { Document.Field(member.key, $0, at: member.keyLocation) }
            }
            return literals.count == fields.count && hidden.isEmpty && constraints.isEmpty
                ? .literal(Document(.object(literals), at: document.location))
                : .object(
                    Template.Mapping(members: members, hidden: hidden, constraints: constraints, location: document.location))
        default: return .literal(document)
        }
    }

    private mutating func member(_ field: Document.Field) throws -> Template.Member {
        Template.Member(key: field.key, keyLocation: field.keyLocation, template: try parse(field.value))
    }

    /// `constraints: ["heads divides width", ...]`
    static func constraints(_ list: Document) throws -> [ExpressionSource] {
        try list.array(constraintsKey).map { item in
            _ = try item.string(constraintsKey)
            return try ExpressionSource(item, constraintsKey)
        }
    }

    private mutating func parse(_ construct: String, _ document: Document) throws -> Template {
        switch construct {
        case "choice": return try parseChoice(document)
        case "int": return try parseInt(document)
        case "float": return try parseFloat(document)
        case "repeat": return try parseRepeat(document)
        case "derived":
            try document.allowOnly(["derived"])
            return .derived(try ExpressionSource(try document.required("derived"), "derived"))
        default:
            try document.allowOnly(["reference"])
            let source = try document.required("reference")
            return try named(try source.string("reference"), at: source.location)
        }
    }

    private mutating func named(_ name: String, at location: SourceLocation?) throws -> Template {
        if let start = pending.firstIndex(of: name) {
            let cycle = (pending[start...] + [name]).joined(separator: " > ")
            throw InputError("the reference \"\(name)\" is cyclic: \(cycle)", at: location, hint: "a template cannot contain itself")
        }
        if shared[name] != nil { return .shared(name) }
        if let parsed = parsedDefinitions[name] { return parsed }
        pending.append(name)
        defer { pending.removeLast() }
        if let source = definitions[name] {
            let template = try parse(source)
            parsedDefinitions[name] = template
            return template
        }
        guard let source = sharedSources[name] else {
            let known = (Array(definitions.keys) + Array(sharedSources.keys)).sorted()
            let hint = nearestWord(to: name, in: known).map { "did you mean \"\($0)\"?" }
                ?? (known.isEmpty ? "this space has no definitions" : "known here: \(known.joined(separator: ", "))")
            throw InputError("the reference \"\(name)\" names no definition and no shared template", at: location, hint: hint)
        }
        shared[name] = try parse(source)
        return .shared(name)
    }

    private mutating func parseChoice(_ document: Document) throws -> Template {
        try document.allowOnly(["choice", "name"])
        let list = try document.required("choice")
        let items = try list.array("choice")
        guard !items.isEmpty else { throw list.fail("choice: expected at least one alternative, found an empty list") }
        let number = choiceCount
        choiceCount += 1
        return .choice(
            Template.Choice(
                number: number, name: try name(document), alternatives: try items.map { try parse($0) },
                labels: items.enumerated().map { Self.label($1, number: $0) }))
    }

    private func parseInt(_ document: Document) throws -> Template {
        try document.allowOnly(["int", "step", "scale", "name"])
        let list = try document.required("int")
        let (low, high) = try bounds("int", list) { try $0.int("int bound", in: -1_000_000_000_000...1_000_000_000_000) }
        let step = try document.optional("step")?.int("step", in: 1...1_000_000_000_000) ?? 1
        let scale = try document.optional("scale")?.word("scale", as: Scale.self) ?? .linear
        if scale == .log, low < 1 {
            throw list.fail("int: a log scale needs a low bound of at least 1, found \(low)", hint: "raise it or use scale: linear")
        }
        return .int(IntRange(low: low, high: high, step: step, scale: scale), name: try name(document), document.location)
    }

    private func parseFloat(_ document: Document) throws -> Template {
        try document.allowOnly(["float", "step", "scale", "name"])
        let list = try document.required("float")
        let (low, high) = try bounds("float", list) { try $0.double("float bound") }
        let scale = try document.optional("scale")?.word("scale", as: Scale.self) ?? .linear
        if scale == .log, low <= 0 {
            throw list.fail("float: a log scale needs a low bound above 0, found \(low)", hint: "raise it or use scale: linear")
        }
        let step = try document.optional("step")
        let width = try step?.double("step")
        if let step, let width, !(width > 0) { throw step.fail("step: expected a number above 0, found \(width)") }
        if let step, let width, (high - low) / width > 1e9 {
            throw step.fail("step: \(width) makes more than 1,000,000,000 values of \(low)...\(high)", hint: "leave it out or make it larger")
        }
        return .float(FloatRange(low: low, high: high, step: width, scale: scale), name: try name(document), document.location)
    }

    private func bounds<Number: Comparable>(
        _ what: String, _ list: Document, _ read: (Document) throws -> Number
    ) throws -> (Number, Number) {
        let items = try list.array(what)
        guard items.count == 2 else {
            throw list.fail("\(what): expected two bounds, found \(items.count)", hint: "write \(what): [low, high]")
        }
        let (low, high) = (try read(items[0]), try read(items[1]))
        guard low <= high else {
            throw list.fail("\(what): the low bound \(low) is above the high bound \(high)", hint: "write [\(high), \(low)]")
        }
        return (low, high)
    }

    private mutating func parseRepeat(_ document: Document) throws -> Template {
        try document.allowOnly(["repeat", "count", "positions", "name"])
        let template = try parse(try document.required("repeat"))
        let source = try document.required("count")
        let count = try parse(source)
        try checkCount(count, source)
        let positions = try document.optional("positions")?.word("positions", of: ["independent", "tied"]) ?? "independent"
        return .repetition(
            Template.Repetition(
                name: try name(document), template: template, count: count, tied: positions == "tied",
                location: document.location))
    }

    private func checkCount(_ template: Template, _ source: Document) throws {
        let allowed = 0...Self.largestCount
        switch template {
        case .literal(let document): _ = try document.int("count", in: allowed)
        case .int(let range, _, let location):
            guard allowed.contains(range.low), allowed.contains(range.high) else {
                throw InputError(
                    "count: expected bounds from 0 to \(Self.largestCount), found \(range.low) and \(range.high)",
                    at: location ?? source.location)
            }
        case .choice(let choice): for alternative in choice.alternatives { try checkCount(alternative, source) }
        case .shared(let name): if let target = shared[name] { try checkCount(target, source) }
        // Its values are known once its names are.
        case .derived: break
        default:
            throw source.fail("count: expected an integer, or a choice of integers", hint: "for example count: {int: [1, 4]}")
        }
    }

    private func name(_ document: Document) throws -> String? { try document.optional("name")?.string("name") }

    /// Content is opaque, but a lone key that nearly is one of ours, with a value of its shape, is a slip.
    private func refuseMisspelt(_ fields: [Document.Field], _ document: Document) throws {
        for field in fields {
            let candidates: [String]
            switch field.value.value {
            case .array where fields.allSatisfy { ["name", "step", "scale", field.key].contains($0.key) }:
                candidates = ["choice", "float"]
            case .string where fields.count == 1: candidates = ["reference"] + (field.key.hasPrefix("deri") ? ["derived"] : [])
            default: candidates = fields.contains { $0.key == "count" } && field.key != "count" ? ["repeat"] : []
            }
            if field.key.count > 3, let near = nearestWord(to: field.key, in: candidates) {
                throw InputError("unknown key \"\(field.key)\"", at: field.keyLocation ?? document.location, hint: "did you mean \"\(near)\"?")
            }
        }
    }

    /// How an alternative is called: a scalar's text, a mapping's `kind`, its only key, or a reference's name.
    private static func label(_ document: Document, number: Int) -> String {
        switch document.value {
        case .string(let text): return text
        case .object(let fields):
            for key in ["kind", "name", "reference", "derived"] {
                if case .string(let text)? = document[key]?.value { return text }
            }
            return fields.count == 1 ? fields[0].key : "alternative \(number)"
        case .array: return "alternative \(number)"
        default: return document.json
        }
    }
}

extension Template {
    var isLiteral: Bool { literal != nil }

    /// The document of a template without decisions.
    var literal: Document? { if case .literal(let document) = self { document } else { nil } }
}
