/// One alternative of one choice of the space file: a family of a choice of skeletons, a kind of block. It is the same
/// wherever the definition that holds the choice is used, and at every position of a repeat.
package struct Alternative: Sendable, Hashable {
    /// The choice's number, `Decision.choice`.
    package var choice: Int
    package var index: Int

    package init(choice: Int, index: Int) {
        self.choice = choice
        self.index = index
    }
}

extension SearchSpace {
    /// The alternatives that a genotype takes.
    package func alternatives(of genotype: Genotype) -> Set<Alternative> {
        var taken: Set<Alternative> = []
        for entry in genotype.entries {
            guard case .choice(let index) = entry.value, let slot = plan.slots[entry.path], let choice = plan.decisions[slot].choice else { continue }
            taken.insert(Alternative(choice: choice, index: index))
        }
        return taken
    }

    /// The alternatives of the choices that every genotype makes: the families, not what only one of them decides.
    package var commonAlternatives: Set<Alternative> {
        var reader = AlternativeReader(shared: shared)
        var fixed: [Int: Set<Int>] = [:]
        var free: Set<Int> = []
        for decision in decisions {
            guard let choice = decision.choice else { continue }
            if let only = decision.fixed { fixed[choice, default: []].insert(only) } else { free.insert(choice) }
        }
        // What a preset rules out everywhere is none.
        return Set(reader.common(template).flatMap(\.alternatives)).filter { free.contains($0.choice) || fixed[$0.choice, default: []].contains($0.index) }
    }

    /// The choices that stand inside no alternative, but those that are an alternative themselves: families, not blocks.
    var outerChoices: Set<Int> {
        var reader = AlternativeReader(shared: shared)
        reader.flatten(template, isOuter: true)
        return reader.outer
    }

    /// For each alternative that is itself a choice, the alternatives in which that ends: those of nested choices flattened.
    var flattenedAlternatives: [Alternative: [Alternative]] {
        var reader = AlternativeReader(shared: shared)
        reader.flatten(template, isOuter: true)
        return reader.flattened
    }
}

private struct AlternativeReader {
    /// A choice's number and how many alternatives it has.
    struct Choice: Hashable {
        var number: Int
        var count: Int
        var alternatives: [Alternative] { (0..<count).map { Alternative(choice: number, index: $0) } }
    }

    let shared: [String: Template]
    var flattened: [Alternative: [Alternative]] = [:]
    var outer: Set<Int> = []
    private var commonOfShared: [String: Set<Choice>] = [:]
    private var seenChoices: Set<Int> = []
    private var seenShared: Set<String> = []

    init(shared: [String: Template]) { self.shared = shared }

    /// The choices that every walk of a template meets.
    mutating func common(_ template: Template) -> Set<Choice> {
        switch template {
        case .literal, .int, .float, .derived: return []
        case .object(let mapping): return union((mapping.hidden + mapping.members).map(\.template))
        case .list(let items, _): return union(items)
        case .choice(let choice):
            var found = common(choice.alternatives[0])
            for other in choice.alternatives.dropFirst() where !found.isEmpty { found.formIntersection(common(other)) }
            found.insert(Choice(number: choice.number, count: choice.alternatives.count))
            return found
        case .repetition(let repetition):
            let counts = repetition.count.counts(shared: shared)
            let isNeverEmpty = !counts.isEmpty && counts.allSatisfy { $0 > 0 }
            return union(isNeverEmpty ? [repetition.count, repetition.template] : [repetition.count])
        case .shared(let name):
            if let found = commonOfShared[name] { return found }
            let found = shared[name].map { common($0) } ?? []
            commonOfShared[name] = found
            return found
        }
    }

    private mutating func union(_ templates: [Template]) -> Set<Choice> {
        var found: Set<Choice> = []
        for template in templates { found.formUnion(common(template)) }
        return found
    }

    /// Fills `flattened` and `outer`. What is outer is visited as such first or again.
    mutating func flatten(_ template: Template, isOuter: Bool) {
        switch template {
        case .literal, .int, .float, .derived: break
        case .object(let mapping): for member in mapping.hidden + mapping.members { flatten(member.template, isOuter: isOuter) }
        case .list(let items, _): for item in items { flatten(item, isOuter: isOuter) }
        case .choice(let choice):
            let isNewOuter = isOuter && outer.insert(choice.number).inserted
            guard seenChoices.insert(choice.number).inserted || isNewOuter else { return }
            for (index, item) in choice.alternatives.enumerated() {
                let inner = ends(item)
                flatten(item, isOuter: isOuter && !inner.isEmpty)
                if !inner.isEmpty { flattened[Alternative(choice: choice.number, index: index)] = inner }
            }
        case .repetition(let repetition):
            flatten(repetition.count, isOuter: isOuter)
            flatten(repetition.template, isOuter: isOuter)
        case .shared(let name):
            guard let target = shared[name] else { return }
            if seenShared.insert(name).inserted || isOuter { flatten(target, isOuter: isOuter) }
        }
    }

    /// Where a template that is a choice ends; empty for any other.
    private func ends(_ template: Template) -> [Alternative] {
        switch template {
        case .choice(let choice):
            choice.alternatives.enumerated().flatMap { index, item in
                let inner = ends(item)
                return inner.isEmpty ? [Alternative(choice: choice.number, index: index)] : inner
            }
        case .shared(let name): shared[name].map(ends) ?? []
        default: []
        }
    }
}
