import Documents

extension SearchSpace {
    /// The points of the space whose documents may be this one: the inverse of `resolve`, for documents that say more or less than the
    /// template.
    ///
    /// Where both the template and the document say something, they agree: literals are equal, numbers in their ranges, lists of one
    /// length. A literal that the document leaves out, and a field that the template does not know, are passed over, since the space
    /// does not know defaults: whether a point found stands for the document is the caller's to tell, by `resolve`.
    /// - Parameter limit: so many ways to match are followed at once at most.
    package func genotypes(matching document: Document, limit: Int = 64) -> [Genotype] {
        let found = TemplateMatcher(shared: shared, limit: limit).match(template, document, path: "", [TemplateMatcher.Way()])
        return found.compactMap { way in try? genotype(from: .object(way.decisions.map { ($0.key, $0.value.document) })) }
    }
}

/// Follows a template and a document side by side.
private struct TemplateMatcher {
    struct Way {
        var decisions: [String: DecisionValue] = [:]
        /// What shared templates stand for.
        var shared: [String: Document] = [:]

        func deciding(_ path: String, _ value: DecisionValue) -> Way {
            var way = self
            way.decisions[path] = value
            return way
        }
    }

    let shared: [String: Template]
    let limit: Int

    /// The ways on, of those so far, under which the template may be the document.
    func match(_ template: Template, _ document: Document, path: String, _ ways: [Way]) -> [Way] {
        if ways.isEmpty { return [] }
        switch template {
        case .literal(let own): return Self.agrees(own, document) ? ways : []
        case .object(let mapping):
            guard case .object = document.value else { return [] }
            let ways = mapping.hidden.reduce(ways) { ways, member in
                guess(member.template, path: Template.hiddenPath(path, key: member.key), ways)
            }
            return mapping.members.reduce(ways) { ways, member in
                guard let value = document[member.key] else { return member.template.isLiteral ? ways : [] }
                return match(member.template, value, path: Template.path(path, key: member.key), ways)
            }
        case .list(let templates, _):
            guard case .array(let items) = document.value, items.count == templates.count else { return [] }
            return zip(templates, items).enumerated().reduce(ways) { ways, pair in
                match(pair.element.0, pair.element.1, path: Template.path(path, position: pair.offset), ways)
            }
        case .choice(let choice):
            let found = choice.alternatives.enumerated().flatMap { index, alternative in
                match(
                    alternative, document, path: Template.path(path, alternative: index),
                    ways.map { $0.deciding(path, .choice(index)) })
            }
            return Array(found.prefix(limit))
        case .int(let range, _, _):
            guard let value = try? document.int(), range.contains(value) else { return [] }
            return ways.map { $0.deciding(path, .int(value)) }
        case .float(let range, _, _):
            guard let value = try? document.double(), range.contains(value) else { return [] }
            return ways.map { $0.deciding(path, .float(value)) }
        case .repetition(let repetition):
            guard case .array(let items) = document.value else { return [] }
            let ways = match(repetition.count, .int(items.count), path: Template.countPath(path), ways)
            if repetition.tied {
                guard let first = items.first else { return ways }
                guard items.allSatisfy({ Self.agrees(first, $0) && Self.agrees($0, first) }) else { return [] }
                return match(repetition.template, first, path: Template.tiedPath(path), ways)
            }
            return items.enumerated().reduce(ways) { ways, item in
                match(repetition.template, item.element, path: Template.path(path, position: item.offset), ways)
            }
        case .shared(let name): return match(shared: name, document, ways)
        case .derived: return ways // what follows from other decisions is told by `resolve`
        }
    }

    /// What a document does not show may be anything: each value is a way, of ranges of so many as ways are followed.
    private func guess(_ template: Template, path: String, _ ways: [Way]) -> [Way] {
        let found: [Way]
        switch template {
        case .choice(let choice):
            found = choice.alternatives.enumerated().flatMap { index, alternative in
                guess(alternative, path: Template.path(path, alternative: index), ways.map { $0.deciding(path, .choice(index)) })
            }
        case .int(let range, _, _): found = (0..<min(range.count, limit)).flatMap { index in ways.map { $0.deciding(path, .int(range.value(at: index))) } }
        case .float, .repetition: return []
        case .object(let mapping):
            let hidden = mapping.hidden.reduce(ways) { guess($1.template, path: Template.hiddenPath(path, key: $1.key), $0) }
            return mapping.members.reduce(hidden) { guess($1.template, path: Template.path(path, key: $1.key), $0) }
        case .list(let templates, _):
            return templates.enumerated().reduce(ways) { guess($1.element, path: Template.path(path, position: $1.offset), $0) }
        case .literal, .derived, .shared: return ways
        }
        return Array(found.prefix(limit))
    }

    /// A shared template is decided where it is met first, and stands for the same ever after.
    private func match(shared name: String, _ document: Document, _ ways: [Way]) -> [Way] {
        guard let target = shared[name] else { return [] }
        let found = ways.flatMap { way -> [Way] in
            if let known = way.shared[name] { return Self.agrees(known, document) ? [way] : [] }
            var way = way
            way.shared[name] = document
            return match(target, document, path: Template.sharedPath(name), [way])
        }
        return Array(found.prefix(limit))
    }

    /// Whether a document says all that another one says, as far as it says anything; 1 and 1.0 are one number.
    private static func agrees(_ own: Document, _ other: Document) -> Bool {
        switch (own.value, other.value) {
        case (.object(let fields), .object):
            return fields.allSatisfy { field in other[field.key].map { agrees(field.value, $0) } ?? true }
        case (.array(let items), .array(let others)):
            return items.count == others.count && zip(items, others).allSatisfy(agrees)
        case (.int(let a), .float(let b)): return Double(a) == b
        case (.float(let a), .int(let b)): return a == Double(b)
        default: return own == other
        }
    }
}
