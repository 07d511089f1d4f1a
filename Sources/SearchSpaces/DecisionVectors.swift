import RandomStreams

/// A space flattened for strategies that look at thousands of genotypes a proposal: a point is one number a decision, in the order of
/// `SearchSpace.decisions` (a choice's index, an int, a float), NaN where it is not active. No paths, no documents: a hundred times
/// as fast as a walk of the template. Its points are those of the space, one to one.
package struct DecisionVectors: Sendable {
    package typealias Vector = [Double]

    package var space: SearchSpace { content.space }
    package var decisions: [Decision] { content.decisions }
    private let content: Content

    /// In one place of memory: a proposal makes thousands of walks, each with copies of what holds these vectors.
    private final class Content: Sendable {
        let space: SearchSpace
        let decisions: [Decision]
        let slots: [String: Int]
        let root: Node
        let shared: [Node]

        init(_ space: SearchSpace) {
            self.space = space
            decisions = space.decisions
            slots = Dictionary(uniqueKeysWithValues: space.decisions.enumerated().map { ($1.path, $0) })
            var compiler = Compiler(space: space, slots: slots)
            root = compiler.compile(space.template, path: "")
            shared = compiler.shared
        }
    }

    private indirect enum Node: Sendable {
        case all([Node])
        case number(Int)
        case choice(Int, [Node])
        case repetition(Count, Node, items: [Node])
        case shared(Int)
    }

    /// How the length of a repeat follows from the decisions.
    private indirect enum Count: Sendable {
        case fixed(Int)
        case int(Int)
        case choice(Int, [Count])

        func value(_ vector: Vector) -> Int {
            switch self {
            case .fixed(let count): count
            case .int(let slot): Int(vector[slot])
            case .choice(let slot, let counts): counts[Int(vector[slot])].value(vector)
            }
        }
    }

    package init(_ space: SearchSpace) { content = Content(space) }

    private struct Compiler {
        let space: SearchSpace
        let slots: [String: Int]
        var shared: [Node] = []
        private var numbers: [String: Int] = [:]

        init(space: SearchSpace, slots: [String: Int]) {
            self.space = space
            self.slots = slots
        }

        private func slot(_ path: String) -> Int {
            guard let slot = slots[path] else { preconditionFailure("no decision at \(path)") }
            return slot
        }

        mutating func compile(_ template: Template, path: String) -> Node {
            switch template {
            case .literal: return .all([])
            case .object(let members, _):
                return .all(
                    members.filter { !$0.template.isLiteral }.map { compile($0.template, path: Template.path(path, key: $0.key)) }
                )
            case .list(let items, _): return .all(items.enumerated().map { compile($1, path: Template.path(path, position: $0)) })
            case .choice(let choice):
                let inner = choice.alternatives.enumerated().map { compile($1, path: Template.path(path, alternative: $0)) }
                return .choice(slot(path), inner)
            case .int, .float: return .number(slot(path))
            case .repetition(let repetition):
                let countPath = Template.countPath(path)
                let node = compile(repetition.count, path: countPath)
                guard let most = repetition.count.counts(shared: space.shared).max(), most > 0 else { return node }
                let paths = repetition.tied ? [Template.tiedPath(path)] : (0..<most).map { Template.path(path, position: $0) }
                return .repetition(
                    count(repetition.count, path: countPath), node, items: paths.map { compile(repetition.template, path: $0) })
            case .shared(let name):
                if let number = numbers[name] { return .shared(number) }
                guard let target = space.shared[name] else { preconditionFailure("no shared template \(name)") }
                let node = compile(target, path: Template.sharedPath(name))
                numbers[name] = shared.count
                shared.append(node)
                return .shared(shared.count - 1)
            }
        }

        private func count(_ template: Template, path: String) -> Count {
            switch template {
            case .literal(let document): .fixed((try? document.int()) ?? 0)
            case .int: .int(slot(path))
            case .choice(let choice):
                .choice(
                    slot(path), choice.alternatives.enumerated().map { count($1, path: Template.path(path, alternative: $0)) })
            case .shared(let name): space.shared[name].map { count($0, path: Template.sharedPath(name)) } ?? .fixed(0)
            default: preconditionFailure("\(path): a count is no integer")
            }
        }
    }

    /// Asks for each decision that becomes active, a choice before what stands within its alternatives.
    package func walk(_ decide: (Int) -> Double) -> Vector {
        var vector = Array(repeating: Double.nan, count: decisions.count)
        var seen = Array(repeating: false, count: content.shared.count)
        visit(content.root, &vector, &seen, decide)
        return vector
    }

    private func visit(_ node: Node, _ vector: inout Vector, _ seen: inout [Bool], _ decide: (Int) -> Double) {
        switch node {
        case .all(let nodes): for inner in nodes { visit(inner, &vector, &seen, decide) }
        case .number(let slot): vector[slot] = decide(slot)
        case .choice(let slot, let nodes):
            vector[slot] = decide(slot)
            visit(nodes[Int(vector[slot])], &vector, &seen, decide)
        case .repetition(let count, let node, let items):
            visit(node, &vector, &seen, decide)
            for item in items.prefix(count.value(vector)) { visit(item, &vector, &seen, decide) }
        case .shared(let number):
            if seen[number] { return }
            seen[number] = true
            visit(content.shared[number], &vector, &seen, decide)
        }
    }

    package func vector(_ genotype: Genotype) -> Vector {
        var vector = Array(repeating: Double.nan, count: decisions.count)
        for entry in genotype.entries {
            guard let slot = content.slots[entry.path] else {
                preconditionFailure("the genotype does not belong to the space: \(entry.path)")
            }
            vector[slot] = entry.value.number
        }
        return vector
    }

    package func genotype(_ vector: Vector) -> Genotype {
        space.walk { decision in
            guard let slot = content.slots[decision.path] else { preconditionFailure("no decision at \(decision.path)") }
            return decision.value(vector[slot])
        }.genotype
    }
}

extension Decision {
    /// The value that a decision vector's number stands for.
    func value(_ number: Double) -> DecisionValue {
        switch kind {
        case .choice: .choice(Int(number))
        case .int: .int(Int(number))
        case .float: .float(number)
        }
    }

    /// A number's place in 0...1 on its scale.
    package func unit(_ number: Double) -> Double {
        switch kind {
        case .choice: preconditionFailure("a choice has no scale: \(path)")
        case .int(let range): range.unit(Int(number))
        case .float(let range): range.unit(number)
        }
    }

    /// The number at a place of its scale, that of an int the nearest; places outside 0...1 are clamped.
    func number(atUnit place: Double) -> Double {
        switch kind {
        case .choice: preconditionFailure("a choice has no scale: \(path)")
        case .int(let range): Double(range.value(atUnit: place))
        case .float(let range): range.value(atUnit: place)
        }
    }
}

extension DecisionValue {
    /// As it stands in a decision vector.
    var number: Double {
        switch self {
        case .choice(let number), .int(let number): Double(number)
        case .float(let number): number
        }
    }
}
