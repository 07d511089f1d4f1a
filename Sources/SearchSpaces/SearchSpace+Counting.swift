extension SearchSpace {
    /// The number of genotypes: exact up to 2^53, infinite when a float with more than one value can be active.
    package var size: Double {
        PointCounter(shared: shared).total(template)
    }

    /// Every genotype in order, the last decision fastest; nil when there are more than `limit`.
    package func allGenotypes(limit: Int) -> [Genotype]? {
        guard size <= Double(limit) else { return nil }
        var found: [Genotype] = []
        var digits: [Int] = []
        while true {
            var counts: [Int] = []
            let genotype = walk { decision in
                if digits.count == counts.count { digits.append(0) }
                counts.append(decision.count ?? 1)
                return decision.value(at: digits[counts.count - 1])
            }.genotype
            found.append(genotype)
            digits.removeLast(digits.count - counts.count)
            while let last = digits.last, last + 1 == counts[digits.count - 1] { digits.removeLast() }
            if digits.isEmpty { return found }
            digits[digits.count - 1] += 1
        }
    }
}

/// Counts the points of a template as a sum of terms, one for each way in which points use shared templates: those are
/// decided once whatever the number of references, so they are multiplied in last.
private struct PointCounter {
    /// The shared templates that are used; one that is a repeat's count is used at one of its values.
    typealias Use = [String: Value]
    enum Value: Hashable { case any, count(Int) }
    typealias Terms = [Use: Double]

    let shared: [String: Template]

    /// A shared template may refer to others: each name is replaced by its own terms, those that refer to others first.
    func total(_ template: Template) -> Double {
        var terms = count(template)
        for name in sharedOutermostFirst() {
            guard let target = shared[name] else { continue }
            var next: Terms = [:]
            for (use, number) in terms {
                guard let value = use[name] else {
                    next[use, default: 0] += number
                    continue
                }
                let own: Terms = if case .count(let count) = value { points(target, resolvingTo: count) } else { count(target) }
                next.merge(product([use.filter { $0.key != name }: number], own), uniquingKeysWith: +)
            }
            terms = next
        }
        return terms.values.reduce(0, +)
    }

    private func count(_ template: Template) -> Terms {
        switch template {
        case .literal: [[:]: 1]
        case .object(let members, _): members.map { count($0.template) }.reduce([[:]: 1], product)
        case .list(let items, _): items.map(count).reduce([[:]: 1], product)
        case .choice(let choice): choice.alternatives.map(count).reduce([:]) { $0.merging($1, uniquingKeysWith: +) }
        case .int(let range, _, _): [[:]: Double(range.count)]
        case .float(let range, _, _): [[:]: range.low == range.high ? 1 : .infinity]
        case .shared(let name): [[name: .any]: 1]
        case .repetition(let repetition): count(repetition)
        }
    }

    private func count(_ repetition: Template.Repetition) -> Terms {
        let each = count(repetition.template)
        var terms: Terms = [:]
        var power: Terms = [[:]: 1]
        var exponent = 0
        for value in Set(repetition.count.counts(shared: shared)).sorted() {
            while exponent < value {
                power = repetition.tied ? each : product(power, each)
                exponent = repetition.tied ? value : exponent + 1
            }
            terms.merge(product(points(repetition.count, resolvingTo: value), power), uniquingKeysWith: +)
        }
        return terms
    }

    /// The points of a count's template at which it is this number.
    private func points(_ count: Template, resolvingTo value: Int) -> Terms {
        switch count {
        case .literal(let document): (try? document.int()) == value ? [[:]: 1] : [:]
        case .int(let range, _, _): range.contains(value) ? [[:]: 1] : [:]
        case .choice(let choice):
            choice.alternatives.map { points($0, resolvingTo: value) }.reduce([:]) { $0.merging($1, uniquingKeysWith: +) }
        case .shared(let name): [[name: .count(value)]: 1]
        default: [:]
        }
    }

    /// Terms that use a shared template at different values exclude each other.
    private func product(_ a: Terms, _ b: Terms) -> Terms {
        var result: Terms = [:]
        for (use, number) in a {
            for (other, factor) in b {
                var both = use
                var agree = true
                for (name, value) in other {
                    switch (both[name], value) {
                    case (nil, _), (.any?, _): both[name] = value
                    case (_, .any): break
                    case (let old?, _): agree = agree && old == value
                    }
                }
                if agree { result[both, default: 0] += number * factor }
            }
        }
        return result
    }

    private func sharedOutermostFirst() -> [String] {
        var order: [String] = []
        var seen: Set<String> = []
        func visit(_ template: Template) {
            switch template {
            case .literal, .int, .float: break
            case .object(let members, _): members.forEach { visit($0.template) }
            case .list(let items, _): items.forEach(visit)
            case .choice(let choice): choice.alternatives.forEach(visit)
            case .repetition(let repetition):
                visit(repetition.count)
                visit(repetition.template)
            case .shared(let name):
                guard seen.insert(name).inserted, let target = shared[name] else { return }
                visit(target)
                order.append(name)
            }
        }
        shared.keys.sorted().forEach { visit(.shared($0)) }
        return order.reversed()
    }
}
