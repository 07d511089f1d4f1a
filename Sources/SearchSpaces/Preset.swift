import Documents

/// A named partial assignment of decisions: `presets: {small: {width: 16, skeleton: chain, blocks.count: 2}}`. In force it fixes these,
/// and the rest is searched.
///
/// A key names every decision whose path ends so, part by part: `width` fixes `network.skeleton/0.width` as well as
/// `network.skeleton/1.width`, `blocks.kernel` that of all positions, `blocks[0].kernel` that of the first; a decision's given `name`
/// and a shared template's name are keys too. Values are numbers, or the labels of a choice's alternatives. A decision that cannot
/// have the value stays free, but one at least must be able to.
struct Preset: Sendable {
    let name: String
    let location: SourceLocation?
    private let entries: [Document.Field]

    static func all(_ document: Document, decisions: [Decision]) throws -> [Preset] {
        try document.optional("presets")?.fields("presets").map { field in
            let preset = Preset(
                name: field.key, location: field.keyLocation, entries: try field.value.fields("the preset \"\(field.key)\""))
            for entry in preset.entries { try preset.check(entry, decisions) }
            return preset
        } ?? []
    }

    /// The one in force.
    static func chosen(_ document: Document, among presets: [Preset]) throws -> Preset? {
        guard let source = try document.optional("preset") else { return nil }
        let name = try source.string("preset")
        guard let found = presets.first(where: { $0.name == name }) else {
            let names = presets.map(\.name)
            let hint = nearestWord(to: name, in: names).map { "did you mean \"\($0)\"?" }
                ?? (names.isEmpty ? "the space has no presets" : "its presets: \(names.joined(separator: ", "))")
            throw source.fail("the space has no preset \"\(name)\"", hint: hint)
        }
        return found
    }

    private func check(_ entry: Document.Field, _ decisions: [Decision]) throws {
        let named = decisions.filter { Self.matches(entry.key, $0) }
        guard let first = named.first else {
            let words = decisions.prefix(1_000).flatMap { [$0.path.lastPart, $0.name].compactMap { $0 } }
            throw InputError(
                "the preset \"\(name)\": no decision's path ends with \"\(entry.key)\"", at: entry.keyLocation,
                hint: nearestWord(to: entry.key, in: Set(words).sorted()).map { "did you mean \"\($0)\"?" }
                    ?? "`halcyon space describe --json` lists the paths")
        }
        guard named.contains(where: { Self.value(entry.value, of: $0) != nil }) else {
            let range = if case .choice(let labels) = first.kind { "one of \(labels.joined(separator: ", "))" } else { first.range }
            throw entry.value.fail(
                "the preset \"\(name)\": \(entry.key) cannot be \(entry.value.json)", hint: "expected \(range)")
        }
    }

    /// The decision as it is left by this preset.
    func fix(_ decision: Decision) -> Decision {
        var found = decision
        // The last key that names it counts: more special ones stand below.
        for entry in entries.reversed() where Self.matches(entry.key, decision) {
            guard let value = Self.value(entry.value, of: decision) else { continue }
            switch value {
            case .choice(let index): found.fixed = index
            case .int(let number): found.kind = .int(IntRange(low: number, high: number))
            case .float(let number): found.kind = .float(FloatRange(low: number, high: number))
            }
            break
        }
        return found
    }

    private static func matches(_ key: String, _ decision: Decision) -> Bool {
        if decision.path == key || decision.name == key { return true }
        let plain = decision.path.withoutAlternatives
        return [plain, plain.withoutPositions].contains { $0 == key || $0.hasSuffix("." + key) }
    }

    private static func value(_ document: Document, of decision: Decision) -> DecisionValue? {
        switch decision.kind {
        case .choice(let labels):
            let text = if case .string(let text) = document.value { text } else { document.json }
            return labels.firstIndex(of: text).map { .choice($0) }
        case .int(let range): return (try? document.int()).flatMap { range.contains($0) ? .int($0) : nil }
        case .float(let range): return (try? document.double()).flatMap { range.contains($0) ? .float($0) : nil }
        }
    }
}

extension String {
    /// A decision's path without the numbers of alternatives: `network/1.blocks[2]` is `network.blocks[2]`.
    fileprivate var withoutAlternatives: String {
        var text = ""
        var isSkipping = false
        for character in self {
            if character == "/" { isSkipping = true } else if !character.isNumber { isSkipping = false }
            if !isSkipping { text.append(character) }
        }
        return text
    }

    fileprivate var withoutPositions: String {
        var text = ""
        var depth = 0
        for character in self {
            if character == "[" { depth += 1 }
            if depth == 0 { text.append(character) }
            if character == "]" { depth -= 1 }
        }
        return text
    }

    fileprivate var lastPart: String { withoutAlternatives.withoutPositions.split(separator: ".").last.map(String.init) ?? self }
}

extension Document {
    /// The space with this preset in force.
    package func with(preset: Document) throws -> Document {
        _ = try fields("a space")
        var document = self
        document["preset"] = preset
        return document
    }
}
