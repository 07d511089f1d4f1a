import Documents

/// A space made ready for thousands of points a proposal: its decisions have numbers ("slots"), its template is a tree of slots, its
/// names are resolved and its expressions compiled. A point is a vector with one number a slot (a choice's index, an int, a
/// float), NaN where the decision is not active.
final class SpacePlan: Sendable {
    typealias Vector = [Double]

    enum Node: Sendable {
        case all([Int])
        case number(Int)
        case choice(Int, [Int])
        /// The length, the node of what decides it, and the nodes of the positions: one of all of them where they are tied.
        case repetition(Count, count: Int, items: [Int])
        case shared(Int)
    }

    /// How the length of a repeat follows from the decisions.
    indirect enum Count: Sendable {
        case fixed(Int)
        case int(Int)
        case choice(Int, [Count])
        case derived(Int32)
    }

    /// One that has to hold: one written constraint at one of its places, or that a derived value can be worked out.
    struct Constraint: Sendable {
        var root: Int32
        /// The slots that decide about it, ascending.
        var slots: [Int]
        /// Its number among `sources`.
        var source: Int
    }

    let decisions: [Decision]
    let slots: [String: Int]
    let nodes: [Node]
    /// The slots that stand under each node, shared templates' not counted in.
    let ranges: [Range<Int>]
    let root: Int
    /// The node of each shared template that is used.
    let shared: [Int]
    /// Whether a slot belongs to a shared template.
    let isShared: [Bool]
    /// Whether what is active depends on a slot.
    let isStructural: [Bool]
    let program: ExpressionProgram
    /// The roots of derived values, by path.
    let derived: [String: Int32]
    let sources: [ExpressionSource]
    let constraints: [Constraint]
    /// Their operations, one after the other.
    let roots: [Int32]
    /// Whether a slot is a choice's.
    let isChoice: [Bool]
    /// The constraints on each slot; empty where there are none at all.
    let constraintsOf: [[Int]]

    init(_ compiler: SpaceCompiler, root: Int) {
        decisions = compiler.decisions
        slots = compiler.slots
        nodes = compiler.nodes
        ranges = compiler.ranges
        self.root = root
        shared = compiler.sharedNodes
        isShared = compiler.isShared
        program = compiler.program
        derived = compiler.derived
        sources = compiler.sources
        constraints = compiler.constraints
        roots = constraints.map(\.root)
        constraintsOf = Self.touched(constraints, decisions.count)
        isChoice = decisions.map { if case .choice = $0.kind { true } else { false } }
        var structural = Array(repeating: false, count: decisions.count)
        for node in nodes {
            switch node {
            case .choice(let slot, let alternatives): structural[slot] = alternatives.contains { $0 != SpaceCompiler.emptyNode }
            case .repetition(let count, _, _): for slot in count.slots(compiler.program) { structural[slot] = true }
            default: break
            }
        }
        isStructural = structural
    }

    private static func touched(_ constraints: [Constraint], _ count: Int) -> [[Int]] {
        if constraints.isEmpty { return [] }
        var touched = Array(repeating: [Int](), count: count)
        for (number, constraint) in constraints.enumerated() { for slot in constraint.slots { touched[slot].append(number) } }
        return touched
    }

    private init(_ other: SpacePlan, constraints: [Constraint]) {
        (decisions, slots, nodes, ranges, root) = (other.decisions, other.slots, other.nodes, other.ranges, other.root)
        (shared, isShared, isStructural) = (other.shared, other.isShared, other.isStructural)
        (program, derived, sources) = (other.program, other.derived, other.sources)
        self.constraints = constraints
        isChoice = other.isChoice
        roots = constraints.map(\.root)
        constraintsOf = Self.touched(constraints, other.decisions.count)
    }

    /// The plan with these of its written constraints only.
    func keeping(_ kept: Set<Int>) -> SpacePlan { SpacePlan(self, constraints: constraints.filter { kept.contains($0.source) }) }

    /// The length of a repeat. What decides about it is in the vector.
    func value(_ count: Count, _ vector: Vector) -> Int {
        switch count {
        case .fixed(let count): return count
        case .int(let slot): return Int(vector[slot])
        case .choice(let slot, let counts): return value(counts[Int(vector[slot])], vector)
        case .derived(let root):
            // Checked for all its values when the space was read.
            guard let number = program.value(root, vector).number else { preconditionFailure("a count is no number") }
            return Int(number)
        }
    }

    /// Asks for each decision that becomes active, a choice before what stands within its alternatives.
    func walk<Failure: Error>(_ decide: (Int) throws(Failure) -> Double) throws(Failure) -> Vector {
        var vector = Array(repeating: Double.nan, count: decisions.count)
        var seen = Array(repeating: false, count: shared.count)
        try visit(root, &vector, &seen, decide)
        return vector
    }

    private func visit<Failure: Error>(
        _ node: Int, _ vector: inout Vector, _ seen: inout [Bool], _ decide: (Int) throws(Failure) -> Double
    ) throws(Failure) {
        switch nodes[node] {
        case .all(let inner): for node in inner { try visit(node, &vector, &seen, decide) }
        case .number(let slot): vector[slot] = try decide(slot)
        case .choice(let slot, let alternatives):
            vector[slot] = try decide(slot)
            try visit(alternatives[Int(vector[slot])], &vector, &seen, decide)
        case .repetition(let count, let inner, let items):
            try visit(inner, &vector, &seen, decide)
            for item in items.prefix(value(count, vector)) { try visit(item, &vector, &seen, decide) }
        case .shared(let number):
            if seen[number] { return }
            seen[number] = true
            try visit(shared[number], &vector, &seen, decide)
        }
    }

    /// The number of the first constraint that does not hold. One that speaks of what this architecture does not have holds.
    func broken(_ vector: Vector) -> Int? {
        if constraints.isEmpty { return nil }
        return vector.withUnsafeBufferPointer { buffer in
            program.withReader(buffer) { reader in
                roots.firstIndex { Self.isBroken(reader.value($0)) }
            }
        }
    }

    static func isBroken(_ value: ExpressionValue) -> Bool { value == .truth(false) || value == .fault }
}
