import Documents

/// A declarative space: a template with decisions in it. Strategies see the decisions, never what the template describes.
///
/// Format: `halcyon: 1`, optional `name` and `description`, `definitions:` (named templates; each use makes its own decisions),
/// `shared:` (named templates decided once; every reference has the same value) and `template:`. In any place of a template:
/// `{choice: [...]}`, `{int: [low, high], step: 2, scale: log}`, `{float: [low, high], step: 0.1, scale: log}`,
/// `{repeat: TEMPLATE, count: N, positions: independent|tied}` (a list; `count` may be decided), `{reference: NAME}` and
/// `{derived: EXPRESSION}` (a value worked out from decisions). A mapping may have `let:` (values with names that the document does
/// not show) and `constraints:` (expressions that have to hold), as the whole space may; what names mean is told at `SpaceCompiler`.
/// `presets:` are named partial assignments of decisions, of which `preset: NAME` puts one in force (`Preset`);
/// `include:` takes in other files (`SpaceIncludes`).
package struct SearchSpace: Sendable {
    package let name: String
    package let summary: String?
    /// The space as it was read, other files taken in: it needs no other file.
    package let document: Document
    /// Every decision that can be active in some genotype, in template order.
    package var decisions: [Decision] { plan.decisions }
    /// The names of its presets, and of that in force.
    package let presets: [String]
    package let preset: String?
    /// The constraints, as they are written.
    package let constraints: [String]
    let template: Template
    let shared: [String: Template]
    let plan: SpacePlan
    let feasibility: Feasibility

    static let keys = [
        "halcyon", "name", "description", "include", "definitions", "shared", "constraints", "presets", "preset", "template",
    ]

    /// - Parameter preset: the preset to put in force, instead of the file's own.
    package static func load(_ path: String, preset: String? = nil) throws -> SearchSpace {
        let document = try Document.load(path)
        return try SearchSpace(preset.map { try document.with(preset: .string($0)) } ?? document)
    }

    /// Checks the whole space; every fault is an `InputError` at its place. So are constraints that nothing meets.
    package init(_ source: Document) throws {
        let document = try SpaceIncludes.resolved(source)
        try document.allowOnly(Self.keys)
        try document.checkVersion()
        var parser = try TemplateParser(
            definitions: try document.optional("definitions")?.fields("definitions") ?? [],
            shared: try document.optional("shared")?.fields("shared") ?? [])
        self.name = try document.optional("name")?.string("name") ?? "space"
        self.summary = try document.optional("description")?.string("description")
        self.document = document
        let source = try document.required("template")
        let template = try parser.parse(source)
        let constraints = try document.optional("constraints").map(TemplateParser.constraints) ?? []
        self.template = template
        let shared = parser.shared
        self.shared = shared
        func compile(_ preset: Preset?) throws -> SpacePlan {
            var compiler = SpaceCompiler(shared: shared, fixing: preset)
            return try compiler.compile(template, constraints: constraints, at: source)
        }
        let all = try compile(nil)
        let presets = try Preset.all(document, decisions: all.decisions)
        let chosen = try Preset.chosen(document, among: presets)
        let plan = try chosen.map { try compile($0) } ?? all
        self.plan = plan
        self.presets = presets.map(\.name)
        self.preset = chosen?.name
        self.constraints = plan.sources.map(\.text)
        self.feasibility = try Feasibility(plan, preset: chosen)
    }
}

extension Template.Choice {
    func decision(_ path: String) -> Decision { Decision(path: path, name: name, kind: .choice(labels), choice: number) }
}

extension Template {
    /// The values that a repeat's count can have, none where it is derived; equal ones that are decided differently stand several times.
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
