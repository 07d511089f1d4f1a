import Documents

/// A declarative space: a template with decisions in it. Strategies see the decisions, never what the template describes.
///
/// Format: `halcyon: 1`, optional `name` and `description`, `definitions:` (named templates; each use makes its own decisions),
/// `shared:` (named templates decided once; every reference has the same value) and `template:`. In any place of a template:
/// `{choice: [...]}`, `{int: [low, high], step: 2, scale: log}`, `{float: [low, high], scale: log}`,
/// `{repeat: TEMPLATE, count: N, positions: independent|tied}` (a list; `count` may be decided) and `{reference: NAME}`.
package struct SearchSpace: Sendable {
    package let name: String
    package let summary: String?
    /// The space as it was read; a space file needs no other file.
    package let document: Document
    /// Every decision that can be active in some genotype, in template order.
    package let decisions: [Decision]
    let template: Template
    let shared: [String: Template]

    package static func load(_ path: String) throws -> SearchSpace { try SearchSpace(try Document.load(path)) }

    /// Checks the whole space; every fault is an `InputError` at its place.
    package init(_ document: Document) throws {
        try document.allowOnly(["halcyon", "name", "description", "definitions", "shared", "template"])
        try document.checkVersion()
        var parser = try TemplateParser(
            definitions: try document.optional("definitions")?.fields("definitions") ?? [],
            shared: try document.optional("shared")?.fields("shared") ?? [])
        self.name = try document.optional("name")?.string("name") ?? "space"
        self.summary = try document.optional("description")?.string("description")
        self.document = document
        let source = try document.required("template")
        self.template = try parser.parse(source)
        self.shared = parser.shared
        var listing = DecisionListing(shared: shared)
        listing.visit(template, path: "")
        guard !listing.isFull else {
            throw source.fail("the space is too large: more than \(DecisionListing.limit) places", hint: "lower the counts of its repeats")
        }
        self.decisions = listing.decisions
    }
}

/// Lists every decision that can be active, once each.
private struct DecisionListing {
    static let limit = 200_000
    let shared: [String: Template]
    var decisions: [Decision] = []
    private var visitedShared: Set<String> = []
    private var visits = 0
    var isFull: Bool { visits > Self.limit }

    init(shared: [String: Template]) { self.shared = shared }

    mutating func visit(_ template: Template, path: String) {
        visits += 1
        if isFull { return }
        switch template {
        case .literal: break
        case .object(let members, _):
            for member in members { visit(member.template, path: Template.path(path, key: member.key)) }
        case .list(let items, _):
            for (index, item) in items.enumerated() { visit(item, path: Template.path(path, position: index)) }
        case .choice(let choice):
            decisions.append(choice.decision(path))
            for (index, item) in choice.alternatives.enumerated() { visit(item, path: Template.path(path, alternative: index)) }
        case .int(let range, let name, _): decisions.append(Decision(path: path, name: name, kind: .int(range)))
        case .float(let range, let name, _): decisions.append(Decision(path: path, name: name, kind: .float(range)))
        case .repetition(let repetition):
            visit(repetition.count, path: Template.countPath(path))
            guard let most = repetition.count.counts(shared: shared).max(), most > 0 else { return }
            if repetition.tied {
                visit(repetition.template, path: Template.tiedPath(path))
            } else {
                for index in 0..<most where !isFull { visit(repetition.template, path: Template.path(path, position: index)) }
            }
        case .shared(let name):
            guard visitedShared.insert(name).inserted, let target = shared[name] else { return }
            visit(target, path: Template.sharedPath(name))
        }
    }
}

extension Template.Choice {
    func decision(_ path: String) -> Decision { Decision(path: path, name: name, kind: .choice(labels), choice: number) }
}

extension Template {
    /// The values that a repeat's count can have; equal ones that are decided differently stand several times.
    func counts(shared: [String: Template]) -> [Int] {
        switch self {
        case .literal(let document): (try? document.int()).map { [$0] } ?? []
        case .int(let range, _, _): (0..<range.count).map(range.value)
        case .choice(let choice): choice.alternatives.flatMap { $0.counts(shared: shared) }
        case .shared(let name): shared[name]?.counts(shared: shared) ?? []
        default: []
        }
    }
}
