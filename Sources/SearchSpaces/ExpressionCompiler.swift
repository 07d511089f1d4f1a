import Documents

/// An expression's operation, and what it may be.
struct CompiledExpression {
    var root: Int32
    var kinds: ExpressionKinds
}

extension SpaceCompiler {
    /// Operations that one expression may take, those of the derived values it names counted in.
    private static let largest = 10_000

    /// - Parameter path: the place of a derived value, which it does not see itself.
    mutating func compile(_ source: ExpressionSource, scope: Scope, path: String?) throws -> CompiledExpression {
        let compiler = ExpressionCompiler(source: source, scope: scope, path: path)
        let found = try compiler.compile(source.expression, &self)
        guard program.cost(found.root) <= Double(Self.largest) else {
            throw source.fail("it takes more than \(Self.largest) steps to work this out", at: nil, hint: "derived values that name each other twice double at each step")
        }
        return found
    }

    /// A derived value at its place; compiled once.
    mutating func compileDerived(_ source: ExpressionSource, path: String, scope: Scope) throws -> CompiledExpression {
        if let root = derived[path], let kinds = kindsOfDerived[path] { return CompiledExpression(root: root, kinds: kinds) }
        if let start = pendingDerived.firstIndex(of: path) {
            let cycle = (pendingDerived[start...] + [path]).joined(separator: " > ")
            throw source.fail("the derived value is cyclic: \(cycle)", at: nil, hint: "a value cannot follow from itself")
        }
        pendingDerived.append(path)
        defer { pendingDerived.removeLast() }
        let found = try compile(source, scope: scope, path: path)
        guard !found.kinds.contains(.missing) else {
            throw source.fail(
                "a part of it does not stand in every architecture", at: nil, hint: "say what it is then: default(..., 0)")
        }
        derived[path] = found.root
        kindsOfDerived[path] = found.kinds
        return found
    }

    /// A derived count is an integer from 0 to 1000 whatever was decided.
    func checkCount(_ source: ExpressionSource, _ root: Int32) throws {
        let allowed = 0...Double(TemplateParser.largestCount)
        var fault: String?
        let isComplete = tryOut(root) { value, vector in
            if let number = value.number, number.rounded() == number, allowed.contains(number) { return }
            fault = fault ?? "\(program.written(value))\(assignment(root, vector))"
        }
        if let fault {
            throw source.fail("count: expected an integer from 0 to \(TemplateParser.largestCount), found \(fault)", at: nil, hint: "round or bound it: min(..., 8), a // b")
        }
        guard isComplete else {
            throw source.fail("count: it follows from too many values to try all", at: nil, hint: "give what it follows from fewer values")
        }
    }

    /// Refuses what divides by 0 at some values of its decisions.
    /// - Returns: whether it never does, for certain.
    func refuseFaults(_ source: ExpressionSource, _ root: Int32) throws -> Bool {
        guard program.mayFault(root) else { return true }
        var fault: String?
        let isComplete = tryOut(root) { value, vector in
            if value == .fault, fault == nil { fault = assignment(root, vector) }
        }
        if let fault {
            throw source.fail("it divides by zero, or takes a root or logarithm that is none,\(fault.isEmpty ? " always" : fault)", at: nil, hint: "guard it, for example if(b > 0, a / b, 0)")
        }
        return isComplete
    }

    /// The values of the decisions behind a root, such as ` where width = 8`.
    private func assignment(_ root: Int32, _ vector: [Double]) -> String {
        let parts = program.slots(of: root).map { slot -> String in
            if case .choice(let labels) = decisions[slot].kind { return "\(decisions[slot].path) is \(labels[Int(vector[slot])])" }
            return "\(decisions[slot].path) = \(decisions[slot].value(vector[slot]).document.json)"
        }
        return parts.isEmpty ? "" : " where \(parts.joined(separator: ", "))"
    }

    /// Works a root out for all values of its decisions, or for some, the ends among them, where they are more than 20,000.
    /// - Returns: whether these were all.
    func tryOut(_ root: Int32, _ body: (ExpressionValue, [Double]) -> Void) -> Bool {
        let slots = program.slots(of: root)
        var isComplete = true
        var values = slots.map { slot -> [Double] in
            let decision = decisions[slot]
            if let count = decision.count, count <= 1001 { return (0..<count).map { decision.value(at: $0).number } }
            isComplete = false
            return decision.ends
        }
        func product() -> Int { values.reduce(1) { min($0 * $1.count, 1 << 40) } }
        while product() > 20_000, let longest = values.indices.max(by: { values[$0].count < values[$1].count }) {
            isComplete = false
            let all = values[longest]
            guard all.count > 2 else { break }
            values[longest] = all.indices.filter { $0 % 2 == 0 || $0 == all.count - 1 || all[$0] == 0 }.map { all[$0] }
            if values[longest].count == all.count { values[longest] = [all[0], all[all.count - 1]] }
        }
        var vector = Array(repeating: Double.nan, count: decisions.count)
        var digits = Array(repeating: 0, count: slots.count)
        var tried = 0
        while true {
            for (place, slot) in slots.enumerated() { vector[slot] = values[place][digits[place]] }
            body(program.value(root, vector), vector)
            tried += 1
            if tried > 40_000 { return false }
            guard let place = digits.indices.last(where: { digits[$0] + 1 < values[$0].count }) else { return isComplete }
            digits[place] += 1
            for later in digits.indices where later > place { digits[later] = 0 }
        }
    }
}

extension Decision {
    /// Some values of a number with many, both ends and 0 among them.
    fileprivate var ends: [Double] {
        let places = [0, 0.25, 0.5, 0.75, 1].map { number(atUnit: $0) }
        let small: [DecisionValue] = [-1, 0, 1].map { if case .int = kind { .int($0) } else { .float(Double($0)) } }
        return Set(places + small.filter(allows).map(\.number)).sorted()
    }
}

extension ExpressionProgram {
    func written(_ value: ExpressionValue) -> String {
        switch value {
        case .missing: "nothing"
        case .fault: "a division by zero"
        case .integer(let number): "\(number)"
        case .real(let number): "\(number)"
        case .truth(let flag): "\(flag)"
        case .text(let number): "'\(texts[Int(number)])'"
        }
    }

    /// How many operations working out a root takes.
    func cost(_ root: Int32) -> Double {
        var known: [Int32: Double] = [:]
        func cost(_ index: Int32) -> Double {
            if let found = known[index] { return found }
            let found = inputs(operations[Int(index)]).reduce(1) { $0 + cost($1) }
            known[index] = found
            return found
        }
        return cost(root)
    }
}
