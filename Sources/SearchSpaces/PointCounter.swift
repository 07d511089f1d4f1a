/// Counts the points of a space that meet its constraints, exactly where that takes no more than `limit` steps.
///
/// The decisions that constraints and derived lengths depend on are gone through value by value, as in counting models of a formula with
/// components (Bayardo and Pehoushek, "Counting models using connected components", 2000): parts that no open constraint connects are
/// counted apart and multiplied, equal questions are answered once. All the rest is multiplied and added along the template. A
/// shared template is decided once whatever the number of references: results are sums of terms, one for each set of those used.
struct PointCounter {
    /// A number of points: without floats, which are infinitely many or none.
    struct Amount: Sendable {
        var number: Double
        var isInfinite = false

        static func + (a: Amount, b: Amount) -> Amount { Amount(number: a.number + b.number, isInfinite: a.isInfinite || b.isInfinite) }
        static func * (a: Amount, b: Amount) -> Amount { Amount(number: a.number * b.number, isInfinite: a.isInfinite || b.isInfinite) }
    }

    /// By the set of shared templates used, as bits.
    typealias Terms = [UInt64: Amount]
    struct TooLarge: Error {}

    private static let limit = 400_000

    private let plan: SpacePlan
    private var vector: SpacePlan.Vector
    /// Whether a node depends on no constraint and no length from elsewhere.
    private var isFree: [Bool]
    private let isKey: [Bool]
    /// The slots of lengths that are decided elsewhere.
    private let lengthSlots: [Int]
    private var freeTerms: [Int: Terms] = [:]
    private var known: [[UInt64]: Terms] = [:]
    private var steps = 0

    /// nil where it is too much.
    static func count(_ plan: SpacePlan) -> Amount? {
        guard plan.shared.count <= 62 else { return nil }
        var counter = PointCounter(plan)
        return try? counter.total()
    }

    /// A number that the points do not exceed: without constraints, or with every repeat at its longest.
    static func bound(_ plan: SpacePlan) -> Amount {
        if let found = count(plan.keeping([])) { return found }
        var bounds: [Amount] = []
        // Nodes stand behind what is in them; a shared template's node comes before its first use.
        for node in plan.nodes {
            switch node {
            case .all(let inner): bounds.append(inner.reduce(Amount(number: 1)) { $0 * bounds[$1] })
            case .number(let slot):
                let count = plan.decisions[slot].count
                bounds.append(Amount(number: Double(count ?? 1), isInfinite: count == nil))
            case .choice(_, let inner): bounds.append(inner.reduce(Amount(number: 0)) { $0 + bounds[$1] })
            case .repetition(_, let inner, let items): bounds.append(items.reduce(bounds[inner]) { $0 * bounds[$1] })
            case .shared(let number): bounds.append(plan.shared[number] < bounds.count ? bounds[plan.shared[number]] : Amount(number: 1))
            }
        }
        return bounds[plan.root]
    }

    private init(_ plan: SpacePlan) {
        self.plan = plan
        vector = Array(repeating: .nan, count: plan.decisions.count)
        var key = Array(repeating: false, count: plan.decisions.count)
        for constraint in plan.constraints { for slot in constraint.slots { key[slot] = true } }
        var lengths: Set<Int> = []
        for node in plan.nodes {
            guard case .repetition(let count, _, _) = node else { continue }
            lengths.formUnion(plan.distantSlots(of: count))
        }
        for slot in lengths { key[slot] = true }
        isKey = key
        lengthSlots = lengths.sorted()
        var free: [Bool] = []
        for node in plan.nodes {
            switch node {
            case .all(let inner): free.append(inner.allSatisfy { free[$0] })
            case .number(let slot): free.append(!key[slot])
            case .choice(let slot, let alternatives): free.append(!key[slot] && alternatives.allSatisfy { free[$0] })
            case .repetition(let count, let inner, let items):
                free.append(free[inner] && items.allSatisfy { free[$0] } && plan.distantSlots(of: count).isEmpty)
            case .shared: free.append(true)
            }
        }
        isFree = free
    }

    private mutating func step() throws {
        steps += 1
        if steps > Self.limit { throw TooLarge() }
    }

    /// Shared templates that constraints or lengths depend on are gone through first, each not used or used with all its decisions.
    private mutating func total() throws -> Amount {
        let order = sharedOutermostFirst()
        let key = order.filter { number in plan.sharedRange(number).contains { isKey[$0] && plan.isShared[$0] } }
        return try total(order, key: key, from: 0, used: [:])
    }

    private mutating func total(_ order: [Int], key: [Int], from place: Int, used: [Int: UInt64]) throws -> Amount {
        guard place < key.count else { return try total(order, key: key, used: used) }
        let number = key[place]
        var sum = try total(order, key: key, from: place + 1, used: used)
        for (values, mask) in try assignments(plan.shared[number], ([], 0)) {
            for (slot, value) in values { vector[slot] = value }
            var used = used
            used[number] = mask
            sum = sum + (try total(order, key: key, from: place + 1, used: used))
            for (slot, _) in values { vector[slot] = .nan }
        }
        return sum
    }

    /// The points at which of the key shared templates exactly these are used.
    private mutating func total(_ order: [Int], key: [Int], used: [Int: UInt64]) throws -> Amount {
        // The answers hold for these shared decisions only.
        if !key.isEmpty { known.removeAll(keepingCapacity: true) }
        var terms = try solve([plan.root * 2], Array(plan.constraints.indices))
        for number in order {
            var next: Terms = [:]
            for (mask, amount) in terms {
                guard mask & (1 << number) != 0 else {
                    if !key.contains(number) || used[number] == nil { next[mask] = next[mask].map { $0 + amount } ?? amount }
                    continue
                }
                if key.contains(number) {
                    if let inner = used[number] {
                        let all = mask | inner
                        next[all] = next[all].map { $0 + amount } ?? amount
                    }
                } else {
                    for (inner, factor) in try count(plan.shared[number]) {
                        let (all, both) = (mask | inner, amount * factor)
                        next[all] = next[all].map { $0 + both } ?? both
                    }
                }
            }
            terms = next
        }
        return terms.values.reduce(Amount(number: 0), +)
    }

    private typealias Assignment = (values: [(Int, Double)], mask: UInt64)

    /// All ways to go on from a partial assignment through a node; of shared templates in it only the use is noted.
    private mutating func assignments(_ node: Int, _ partial: Assignment) throws -> [Assignment] {
        try step()
        switch plan.nodes[node] {
        case .all(let inner): return try assignments(of: inner, partial)
        case .number(let slot):
            guard let count = plan.decisions[slot].count, count < 10_000 else { throw TooLarge() }
            return (0..<count).map { (partial.values + [(slot, plan.decisions[slot].value(at: $0).number)], partial.mask) }
        case .choice(let slot, let nodes):
            var all: [Assignment] = []
            for index in alternatives(slot) {
                all += try assignments(nodes[index], (partial.values + [(slot, Double(index))], partial.mask))
            }
            return all
        case .repetition(let count, let inner, let items):
            guard plan.distantSlots(of: count).isEmpty else { throw TooLarge() }
            var all: [Assignment] = []
            for partial in try assignments(inner, partial) {
                var decided = vector
                for (slot, value) in partial.values { decided[slot] = value }
                all += try assignments(of: Array(items.prefix(plan.value(count, decided))), partial)
            }
            return all
        case .shared(let other): return [(partial.values, partial.mask | 1 << other)]
        }
    }

    private mutating func assignments(of nodes: [Int], _ partial: Assignment) throws -> [Assignment] {
        var all = [partial]
        for node in nodes {
            var next: [Assignment] = []
            for partial in all { next += try assignments(node, partial) }
            all = next
        }
        return all
    }

    private func alternatives(_ slot: Int) -> [Int] {
        guard case .choice(let labels) = plan.decisions[slot].kind else { preconditionFailure("no choice") }
        return plan.decisions[slot].fixed.map { [$0] } ?? Array(labels.indices)
    }

    // MARK: What nothing constrains

    private mutating func count(_ node: Int) throws -> Terms {
        if !isFree[node] { return try solve([node * 2], []) }
        if let found = freeTerms[node] { return found }
        let found: Terms
        switch plan.nodes[node] {
        case .all(let inner):
            var terms: Terms = [0: Amount(number: 1)]
            for node in inner { terms = Self.product(terms, try count(node)) }
            found = terms
        case .number(let slot):
            let count = plan.decisions[slot].count
            found = [0: Amount(number: Double(count ?? 1), isInfinite: count == nil)]
        case .choice(let slot, let nodes):
            var terms: Terms = [:]
            for index in alternatives(slot) { terms = Self.sum(terms, try count(nodes[index])) }
            found = terms
        case .shared(let number): found = [1 << number: Amount(number: 1)]
        case .repetition(let count, let inner, let items):
            let lengths = self.lengths(count, inner)
            var terms: Terms = [:]
            var power: Terms = [0: Amount(number: 1)]
            var taken = 0
            for length in lengths.keys.sorted() {
                while taken < min(length, items.count) {
                    power = Self.product(power, try self.count(items[taken]))
                    taken += 1
                }
                let times: Terms = [0: Amount(number: lengths[length] ?? 0)]
                terms = Self.sum(terms, Self.product(power, times))
            }
            found = terms
        }
        freeTerms[node] = found
        return found
    }

    /// In how many ways a length comes about that is decided in its own place.
    private func lengths(_ count: SpacePlan.Count, _ node: Int) -> [Int: Double] {
        switch count {
        case .fixed(let number): return [number: 1]
        case .int(let slot):
            guard case .int(let range) = plan.decisions[slot].kind else { return [:] }
            return Dictionary(uniqueKeysWithValues: (0..<range.count).map { (range.value(at: $0), 1) })
        case .choice(let slot, let counts):
            guard case .choice(_, let nodes) = plan.nodes[node] else { return [:] }
            return alternatives(slot).reduce(into: [:]) { $0.merge(lengths(counts[$1], nodes[$1]), uniquingKeysWith: +) }
        case .derived(let root):
            // Of constants.
            return [plan.program.value(root, vector).number.map { Int($0) } ?? 0: 1]
        }
    }

    private static func sum(_ a: Terms, _ b: Terms) -> Terms { a.merging(b, uniquingKeysWith: +) }

    private static func product(_ a: Terms, _ b: Terms) -> Terms {
        var result: Terms = [:]
        for (mask, amount) in a {
            for (other, factor) in b {
                let both = amount * factor
                result[mask | other] = result[mask | other].map { $0 + both } ?? both
            }
        }
        return result
    }

    // MARK: What constraints connect

    /// A part still to be decided: a node (number * 2), or a repeat's positions (number * 2 + 1).
    private typealias Part = Int

    private mutating func solve(_ parts: [Part], _ constraints: [Int]) throws -> Terms {
        try step()
        var terms: Terms = [0: Amount(number: 1)]
        var open: [Part] = []
        for part in parts { terms = Self.product(terms, try expand(part, &open)) }
        var ranges: [Range<Int>] = []
        func place(of slot: Int) -> Int? {
            guard vector[slot].isNaN, !plan.isShared[slot] else { return nil }
            var (low, high) = (0, ranges.count)
            while low < high {
                let middle = (low + high) / 2
                if ranges[middle].upperBound <= slot { low = middle + 1 } else { high = middle }
            }
            return low < ranges.count && ranges[low].contains(slot) ? low : nil
        }
        // Lengths that follow from what is not there are known too.
        while true {
            open.sort { range($0).lowerBound < range($1).lowerBound }
            ranges = open.map { range($0) }
            let settled = open.firstIndex { part in
                guard part % 2 == 1, case .repetition(let count, _, _) = plan.nodes[part / 2] else { return false }
                return count.slots(plan.program).allSatisfy { place(of: $0) == nil }
            }
            guard let settled else { break }
            let part = open.remove(at: settled)
            terms = Self.product(terms, try expandItems(part, &open))
        }
        var links = Array(open.indices)
        func root(_ index: Int) -> Int {
            var index = index
            while links[index] != index { index = links[index] }
            return index
        }
        var pending: [(constraint: Int, place: Int)] = []
        for number in constraints {
            let places = plan.constraints[number].slots.compactMap { place(of: $0) }
            guard let first = places.first else {
                if SpacePlan.isBroken(plan.program.value(plan.constraints[number].root, vector)) { return [:] }
                continue
            }
            for other in places { links[root(other)] = root(first) }
            pending.append((number, first))
        }
        for (index, part) in open.enumerated() where part % 2 == 1 {
            guard case .repetition(let count, _, _) = plan.nodes[part / 2] else { continue }
            for other in count.slots(plan.program).compactMap({ place(of: $0) }) { links[root(other)] = root(index) }
        }
        // A length that is decided elsewhere may stand deep inside a part.
        for (index, part) in open.enumerated() {
            let depends = distantLengths(part)
            for other in depends.compactMap({ place(of: $0) }) where root(other) != root(index) { links[root(other)] = root(index) }
        }
        var components: [Int: (parts: [Part], constraints: [Int])] = [:]
        for (index, part) in open.enumerated() { components[root(index), default: ([], [])].parts.append(part) }
        for (number, place) in pending { components[root(place)]?.constraints.append(number) }
        for key in components.keys.sorted() {
            guard let component = components[key] else { continue }
            terms = Self.product(terms, try solve(component: component.parts, component.constraints))
            if terms.isEmpty { return [:] }
        }
        return terms
    }

    private mutating func expand(_ part: Part, _ open: inout [Part]) throws -> Terms {
        let node = part / 2
        if part % 2 == 0, isFree[node] { return try count(node) }
        var terms: Terms = [0: Amount(number: 1)]
        switch plan.nodes[node] {
        case .all(let inner): for node in inner { terms = Self.product(terms, try expand(node * 2, &open)) }
        case .number, .choice: open.append(part)
        case .shared(let number): return [1 << number: Amount(number: 1)]
        case .repetition(let count, let inner, let items):
            if part % 2 == 0 {
                terms = try expand(inner * 2, &open)
                // Its own length may have become open just now.
                return Self.product(terms, try expand(part + 1, &open))
            }
            guard isReady(count) else {
                open.append(part)
                return terms
            }
            return items.isEmpty ? terms : try expandItems(part, &open)
        }
        return terms
    }

    private mutating func expandItems(_ part: Part, _ open: inout [Part]) throws -> Terms {
        var terms: Terms = [0: Amount(number: 1)]
        guard case .repetition(let count, _, let items) = plan.nodes[part / 2] else { preconditionFailure("no repeat") }
        // A length of a shared template stands nowhere where that is not used.
        guard let length = length(count) else { return [:] }
        for item in items.prefix(length) { terms = Self.product(terms, try expand(item * 2, &open)) }
        return terms
    }

    private func length(_ count: SpacePlan.Count) -> Int? {
        switch count {
        case .fixed(let number): return number
        case .int(let slot): return vector[slot].isNaN ? nil : Int(vector[slot])
        case .choice(let slot, let counts): return vector[slot].isNaN ? nil : length(counts[Int(vector[slot])])
        case .derived(let root): return plan.program.value(root, vector).number.map { Int($0) }
        }
    }

    /// Whether the decisions of a length are made.
    private func isReady(_ count: SpacePlan.Count) -> Bool {
        switch count {
        case .fixed: true
        case .int(let slot): !vector[slot].isNaN
        case .choice(let slot, let counts): !vector[slot].isNaN && isReady(counts[Int(vector[slot])])
        case .derived(let root): plan.program.slots(of: root).allSatisfy { !vector[$0].isNaN }
        }
    }

    /// The slots that stand under a part.
    private func range(_ part: Part) -> Range<Int> {
        guard part % 2 == 1, case .repetition(_, _, let items) = plan.nodes[part / 2], let first = items.first, let last = items.last
        else { return plan.ranges[part / 2] }
        return plan.ranges[first].lowerBound..<plan.ranges[last].upperBound
    }

    private var distantLengthsKnown: [Int: [Int]] = [:]

    private mutating func distantLengths(_ part: Part) -> [Int] {
        if lengthSlots.isEmpty { return [] }
        if let found = distantLengthsKnown[part] { return found }
        var found: Set<Int> = []
        var pending = [part / 2]
        while let node = pending.popLast() {
            switch plan.nodes[node] {
            case .all(let inner): pending += inner
            case .number, .shared: break
            case .choice(_, let inner): pending += inner
            case .repetition(let count, let inner, let items):
                found.formUnion(plan.distantSlots(of: count))
                pending += [inner] + items
            }
        }
        let slots = found.sorted()
        distantLengthsKnown[part] = slots
        return slots
    }

    /// Parts that constraints connect: one decision of them is gone through.
    private mutating func solve(component parts: [Part], _ constraints: [Int]) throws -> Terms {
        var key = parts.sorted().map { UInt64($0) } + [.max] + constraints.map { UInt64($0) } + [.max]
        for number in constraints { key += plan.constraints[number].slots.map { vector[$0].bitPattern } }
        key += lengthSlots.map { vector[$0].bitPattern }
        if let found = known[key] { return found }
        var uses: [Int: Int] = [:]
        for number in constraints { for slot in plan.constraints[number].slots { uses[slot, default: 0] += 1 } }
        for part in parts { for slot in distantLengths(part) { uses[slot, default: 0] += 1 } }
        var best: (part: Part, slot: Int, uses: Int)?
        for part in parts where part % 2 == 0 {
            let slot: Int
            switch plan.nodes[part / 2] {
            case .number(let found), .choice(let found, _): slot = found
            default: continue
            }
            let count = uses[slot, default: 0]
            if best.map({ count > $0.uses }) ?? true { best = (part, slot, count) }
        }
        guard let best else { throw TooLarge() }
        let others = parts.filter { $0 != best.part }
        let decision = plan.decisions[best.slot]
        var terms: Terms = [:]
        switch plan.nodes[best.part / 2] {
        case .choice(let slot, let nodes):
            for index in alternatives(slot) {
                vector[slot] = Double(index)
                terms = Self.sum(terms, try solve(others + [nodes[index] * 2], constraints))
            }
        default:
            if best.uses == 0, !plan.isStructural[best.slot] {
                let own: Terms = [0: Amount(number: Double(decision.count ?? 1), isInfinite: decision.count == nil)]
                terms = Self.product(own, try solve(others, constraints))
            } else {
                guard let count = decision.count, count <= Self.limit else { throw TooLarge() }
                for index in 0..<count {
                    vector[best.slot] = decision.value(at: index).number
                    terms = Self.sum(terms, try solve(others, constraints))
                }
            }
        }
        vector[best.slot] = .nan
        known[key] = terms
        return terms
    }

    /// Shared templates, those that refer to others before these.
    private func sharedOutermostFirst() -> [Int] {
        var order: [Int] = []
        var seen: Set<Int> = []
        func visit(_ node: Int) {
            switch plan.nodes[node] {
            case .all(let inner): inner.forEach(visit)
            case .number: break
            case .choice(_, let inner): inner.forEach(visit)
            case .repetition(_, let inner, let items): ([inner] + items).forEach(visit)
            case .shared(let number):
                guard seen.insert(number).inserted else { return }
                visit(plan.shared[number])
                order.append(number)
            }
        }
        visit(plan.root)
        return order.reversed()
    }
}

extension SpacePlan {
    /// The slots of a length that are not decided in the repeat's own `count`: those of derived ones and of shared templates.
    func distantSlots(of count: Count) -> [Int] {
        switch count {
        case .fixed: []
        case .int(let slot): isShared[slot] ? [slot] : []
        case .choice(let slot, let counts): (isShared[slot] ? [slot] : []) + counts.flatMap(distantSlots)
        case .derived(let root): program.slots(of: root)
        }
    }

    /// The slots under a shared template's node.
    func sharedRange(_ number: Int) -> Range<Int> { ranges[shared[number]] }
}

extension SpacePlan.Count {
    /// The slots that a length follows from.
    func slots(_ program: ExpressionProgram) -> [Int] {
        switch self {
        case .fixed: []
        case .int(let slot): [slot]
        case .choice(let slot, let counts): [slot] + counts.flatMap { $0.slots(program) }
        case .derived(let root): program.slots(of: root)
        }
    }
}
