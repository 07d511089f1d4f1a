import Documents

/// Numbers the decisions of a template, expands its definitions to their places, and compiles its expressions.
///
/// What a name means. It is looked up from the expression outwards: in each mapping around it first among the names of its `let`,
/// then among its keys; then among the shared templates; then among the decisions that are given that `name`, of which there must
/// be one. A definition is read as if it stood where it is used, so names in it may be those of the place of use; a shared template
/// is decided once and sees shared names only. A derived value does not see itself. `position` is the place in the innermost repeat,
/// counted from 0.
struct SpaceCompiler {
    static let limit = 200_000
    static let emptyNode = 0

    let shared: [String: Template]
    let fixing: Preset?

    private(set) var decisions: [Decision] = []
    private(set) var slots: [String: Int] = [:]
    private(set) var isShared: [Bool] = []
    private(set) var nodes: [SpacePlan.Node] = [.all([])]
    private(set) var ranges: [Range<Int>] = [0..<0]
    private(set) var sharedNames: [String] = []
    private(set) var sharedNodes: [Int] = []
    var program = ExpressionProgram()
    var derived: [String: Int32] = [:]
    private(set) var sources: [ExpressionSource] = []
    private(set) var constraints: [SpacePlan.Constraint] = []

    /// The lengths of repeats, by the repeat's path.
    private(set) var counts: [String: SpacePlan.Count] = [:]
    /// Templates of decisions with a name, by it.
    private(set) var named: [String: [(template: Template, path: String)]] = [:]
    /// Derived values being compiled, to find cycles.
    var pendingDerived: [String] = []
    var kindsOfDerived: [String: ExpressionKinds] = [:]
    private var derivedPlaces: [(source: ExpressionSource, path: String, scope: Scope)] = []
    var scopesOfDerived: [String: Scope] = [:]
    private var constraintPlaces: [(source: ExpressionSource, scope: Scope)] = []
    /// Whether all decisions are numbered: what has no number then does not exist.
    private(set) var isListed = false
    private var visits = 0
    private var sharedDepth = 0
    private var isFull: Bool { visits > Self.limit }

    init(shared: [String: Template], fixing: Preset?) {
        self.shared = shared
        self.fixing = fixing
    }

    /// - Parameter constraints: those of the whole space, which see the template's outermost mapping.
    mutating func compile(_ template: Template, constraints: [ExpressionSource], at source: Document) throws -> SpacePlan {
        let root = try visit(template, path: "", scope: .outermost)
        guard !isFull else {
            throw source.fail("the space is too large: more than \(Self.limit) places", hint: "lower the counts of its repeats")
        }
        isListed = true
        for place in derivedPlaces { try addFaultless(place.source, compileDerived(place.source, path: place.path, scope: place.scope).root) }
        var scope = Scope.outermost
        if case .object(let mapping) = template { scope = .mapping(mapping, path: "", scope) }
        for source in constraints { constraintPlaces.append((source, scope)) }
        var numbers: [SourceKey: Int] = [:]
        for place in constraintPlaces {
            let key = SourceKey(text: place.source.text, location: place.source.location)
            if numbers[key] == nil {
                numbers[key] = sources.count
                sources.append(place.source)
            }
            try add(place.source, number: numbers[key] ?? 0, scope: place.scope)
        }
        return SpacePlan(self, root: root)
    }

    private struct SourceKey: Hashable {
        var text: String
        var location: SourceLocation?
    }

    private mutating func add(_ source: ExpressionSource, number: Int, scope: Scope) throws {
        let inner = try compile(source, scope: scope, path: nil)
        guard inner.kinds.isSubset(of: [.truth, .missing]) else {
            throw source.fail("a constraint is true or false, this is \(inner.kinds.words)", at: nil, hint: "compare it, for example with <=")
        }
        let guards = scope.guards.map { guardOperation($0) }
        let root = guards.isEmpty ? inner.root : program.add(.guarded, inner.root, list: guards)
        let slots = program.slots(of: root)
        if slots.isEmpty, SpacePlan.isBroken(program.value(root, [])) {
            throw source.fail("this never holds", at: nil, hint: "it depends on no decision")
        }
        _ = try refuseFaults(source, root)
        constraints.append(.init(root: root, slots: slots, source: number))
    }

    /// A derived value that divides by what may be 0 where it cannot be tried out is kept from it as by a constraint.
    mutating func addFaultless(_ source: ExpressionSource, _ root: Int32) throws {
        guard try !refuseFaults(source, root) else { return }
        // True but for a fault, also where it does not stand.
        let any = program.constant(.truth(true))
        let faultless = program.add(.or, program.add(.exists, root), any)
        sources.append(source)
        constraints.append(.init(root: faultless, slots: program.slots(of: root), source: sources.count - 1))
    }

    private mutating func guardOperation(_ guarding: Scope.Guard) -> Int32 {
        switch guarding {
        case .alternative(let slot, let index): return program.add(.alternative, Int32(slot), Int32(index))
        case .position(let count, let index):
            let position = program.constant(.integer(index))
            return program.add(.less, position, operation(count))
        case .shared(let name):
            guard let number = sharedNames.firstIndex(of: name) else { return program.constant(.truth(true)) }
            // A decision that is made whenever the shared template is.
            guard let slot = certainSlot(sharedNodes[number]) else { return program.constant(.truth(true)) }
            return program.add(.active, Int32(slot))
        }
    }

    private func certainSlot(_ node: Int) -> Int? {
        switch nodes[node] {
        case .all(let inner): inner.lazy.compactMap { certainSlot($0) }.first
        case .number(let slot), .choice(let slot, _): slot
        case .repetition(_, let count, _): certainSlot(count)
        case .shared(let number): certainSlot(sharedNodes[number])
        }
    }

    /// The operation that gives the length of a repeat.
    mutating func operation(_ count: SpacePlan.Count) -> Int32 {
        switch count {
        case .fixed(let number): return program.constant(.integer(number))
        case .int(let slot): return program.add(.integerSlot, Int32(slot))
        case .choice(let slot, let counts):
            let list = counts.map { operation($0) }
            return program.add(.select, Int32(slot), list: list)
        case .derived(let root): return program.add(.round, root)
        }
    }

    private mutating func add(_ node: SpacePlan.Node, from first: Int) -> Int {
        nodes.append(node)
        ranges.append(first..<decisions.count)
        return nodes.count - 1
    }

    private mutating func add(_ decision: Decision, _ template: Template) -> Int {
        let decided = fixing?.fix(decision) ?? decision
        slots[decision.path] = decisions.count
        decisions.append(decided)
        isShared.append(sharedDepth > 0)
        if let name = decision.name { named[name, default: []].append((template, decision.path)) }
        return decisions.count - 1
    }

    private mutating func visit(_ template: Template, path: String, scope: Scope) throws -> Int {
        visits += 1
        if isFull { return Self.emptyNode }
        let first = decisions.count
        switch template {
        case .literal: return Self.emptyNode
        case .object(let mapping):
            let inside = Scope.mapping(mapping, path: path, scope)
            for source in mapping.constraints { constraintPlaces.append((source, inside)) }
            var inner: [Int] = []
            for member in mapping.hidden where !member.template.isLiteral {
                inner.append(try visit(member.template, path: Template.hiddenPath(path, key: member.key), scope: inside))
            }
            for member in mapping.members where !member.template.isLiteral {
                inner.append(try visit(member.template, path: Template.path(path, key: member.key), scope: inside))
            }
            return add(.all(inner), from: first)
        case .list(let items, _):
            var inner: [Int] = []
            for (index, item) in items.enumerated() where !item.isLiteral {
                inner.append(try visit(item, path: Template.path(path, position: index), scope: scope))
            }
            return add(.all(inner), from: first)
        case .choice(let choice):
            let slot = add(choice.decision(path), template)
            var inner: [Int] = []
            for (index, item) in choice.alternatives.enumerated() {
                let inside = Scope.guarded(.alternative(slot: slot, index), scope)
                inner.append(try visit(item, path: Template.path(path, alternative: index), scope: inside))
            }
            return add(.choice(slot, inner), from: first)
        case .int(let range, let name, _):
            return add(.number(add(Decision(path: path, name: name, kind: .int(range)), template)), from: first)
        case .float(let range, let name, _):
            return add(.number(add(Decision(path: path, name: name, kind: .float(range)), template)), from: first)
        case .repetition(let repetition): return try visit(repetition, path: path, scope: scope)
        case .shared(let name):
            if let number = sharedNames.firstIndex(of: name) { return add(.shared(number), from: first) }
            guard let target = shared[name] else { preconditionFailure("no shared template \(name)") }
            let number = sharedNames.count
            sharedNames.append(name)
            sharedNodes.append(Self.emptyNode)
            sharedDepth += 1
            sharedNodes[number] = try visit(
                target, path: Template.sharedPath(name), scope: .guarded(.shared(name), .outermost))
            sharedDepth -= 1
            // The decisions stand here in order, but under the shared template's own node.
            return add(.shared(number), from: decisions.count)
        case .derived(let source):
            derivedPlaces.append((source, path, scope))
            scopesOfDerived[path] = scope
            // What it is worked out from is decided, also where no other reference is left.
            var inner: [Int] = []
            for name in source.expression.names {
                guard case .shared(let found)? = scope.lookUp(name, besides: path) ?? (shared[name] != nil ? .shared(name) : nil) else { continue }
                inner.append(try visit(.shared(found), path: path, scope: scope))
            }
            return inner.isEmpty ? Self.emptyNode : add(.all(inner), from: first)
        }
    }

    private mutating func visit(_ repetition: Template.Repetition, path: String, scope: Scope) throws -> Int {
        let first = decisions.count
        let countPath = Template.countPath(path)
        let node = try visit(repetition.count, path: countPath, scope: scope)
        if isFull { return node }
        let count = try count(repetition.count, path: countPath, scope: scope)
        counts[path] = count
        let most = try largest(count)
        guard most > 0 else { return node }
        let paths = repetition.tied ? [Template.tiedPath(path)] : (0..<most).map { Template.path(path, position: $0) }
        var items: [Int] = []
        for (index, itemPath) in paths.enumerated() where !isFull {
            var inside = Scope.guarded(.position(count, index), scope)
            if !repetition.tied { inside = .position(index, inside) }
            items.append(try visit(repetition.template, path: itemPath, scope: inside))
        }
        return add(.repetition(count, count: node, items: items), from: first)
    }

    private mutating func count(_ template: Template, path: String, scope: Scope) throws -> SpacePlan.Count {
        switch template {
        case .literal(let document): return .fixed((try? document.int()) ?? 0)
        case .int: return .int(slots[path] ?? 0)
        case .choice(let choice):
            var counts: [SpacePlan.Count] = []
            for (index, item) in choice.alternatives.enumerated() {
                counts.append(try count(item, path: Template.path(path, alternative: index), scope: scope))
            }
            return .choice(slots[path] ?? 0, counts)
        case .shared(let name):
            return try count(shared[name] ?? .literal(0), path: Template.sharedPath(name), scope: .outermost)
        case .derived(let source):
            let root = try compileDerived(source, path: path, scope: scopesOfDerived[path] ?? scope).root
            try checkCount(source, root)
            return .derived(root)
        default: preconditionFailure("\(path): a count is no integer")
        }
    }

    func lowest(_ count: SpacePlan.Count) -> Int {
        switch count {
        case .fixed(let number): return number
        case .int(let slot):
            guard case .int(let range) = decisions[slot].kind else { return 0 }
            return range.low
        case .choice(let slot, let counts): return decisions[slot].fixed.map { lowest(counts[$0]) } ?? counts.map(lowest).min() ?? 0
        case .derived: return 0
        }
    }

    func largest(_ count: SpacePlan.Count) throws -> Int {
        switch count {
        case .fixed(let number): return number
        case .int(let slot):
            guard case .int(let range) = decisions[slot].kind else { return 0 }
            return range.high
        case .choice(let slot, let counts):
            if let only = decisions[slot].fixed { return try largest(counts[only]) }
            return try counts.map(largest).max() ?? 0
        case .derived(let root):
            var most = 0
            _ = tryOut(root) { value, _ in most = max(most, value.number.map { Int($0) } ?? 0) }
            return most
        }
    }
}
