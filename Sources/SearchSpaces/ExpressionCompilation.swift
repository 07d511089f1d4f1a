import Documents

/// Compiles one expression at its place: types are checked, names resolved (`ReferenceCompiler`), constants worked out.
struct ExpressionCompiler {
    let source: ExpressionSource
    let scope: Scope
    let path: String?

    static let functions = [
        "min", "max", "sum", "product", "count", "abs", "floor", "ceil", "round", "sqrt", "log2", "if", "default", "exists",
    ]

    func compile(_ expression: Expression, _ space: inout SpaceCompiler) throws -> CompiledExpression {
        switch expression {
        case .literal(let literal): return constant(literal, &space)
        case .name, .member, .element:
            let found = try ReferenceCompiler(self).compile(expression, as: .value, &space)
            return found[0]
        case .elements(_, let offset):
            throw source.fail("[*] stands for many values", at: offset, hint: "use it in sum, product, min, max or count")
        case .unary(let sign, let inner, let offset):
            let operand = try compile(inner, &space)
            if sign == .not {
                try expect(operand, .truth, offset)
                return fold(space.program.add(.not, operand.root), operand.kinds, inputs: [operand], &space)
            }
            try expect(operand, .number, offset)
            return fold(space.program.add(.negate, operand.root), operand.kinds, inputs: [operand], &space)
        case .binary(let sign, let left, let right, let offset): return try binary(sign, left, right, offset, &space)
        case .call(let name, let arguments, let offset): return try call(name, arguments, offset, &space)
        }
    }

    private func constant(_ literal: ExpressionLiteral, _ space: inout SpaceCompiler) -> CompiledExpression {
        switch literal {
        case .integer(let number): .init(root: space.program.constant(.integer(number)), kinds: .integer)
        case .real(let number): .init(root: space.program.constant(.real(number)), kinds: .real)
        case .truth(let flag): .init(root: space.program.constant(.truth(flag)), kinds: .truth)
        case .text(let text):
            .init(root: space.program.constant(space.program.text(text)), kinds: .text)
        }
    }

    private func expect(_ operand: CompiledExpression, _ kinds: ExpressionKinds, _ offset: Int) throws {
        guard operand.kinds.known.isSubset(of: kinds) else {
            throw source.fail("expected \(kinds.words), found \(operand.kinds.known.subtracting(kinds).words)", at: offset)
        }
    }

    /// What follows from constants alone is one.
    private func fold(
        _ root: Int32, _ kinds: ExpressionKinds, inputs: [CompiledExpression], _ space: inout SpaceCompiler
    ) -> CompiledExpression {
        guard inputs.allSatisfy({ space.program.operations[Int($0.root)].code == .constant }) else { return .init(root: root, kinds: kinds) }
        let value = space.program.value(root, [])
        let known: ExpressionKinds = switch value {
        case .integer: .integer
        case .real: .real
        case .truth: .truth
        case .text: .text
        case .missing: .missing
        // Told when it is tried out.
        case .fault: kinds
        }
        return value == .fault ? .init(root: root, kinds: kinds) : .init(root: space.program.constant(value), kinds: known)
    }

    private func binary(
        _ sign: Expression.BinaryOperator, _ first: Expression, _ second: Expression, _ offset: Int, _ space: inout SpaceCompiler
    ) throws -> CompiledExpression {
        let left = try compile(first, &space)
        // What a constant decides is not looked at: it may speak of what is not there.
        if sign == .and || sign == .or, space.program.constant(at: left.root) == .truth(sign == .or) { return left }
        let right = try compile(second, &space)
        let missing = left.kinds.union(right.kinds).intersection(.missing)
        let isWhole = left.kinds.contains(.integer) && right.kinds.contains(.integer)
        let numbers = left.kinds.union(right.kinds).intersection(.real).union(isWhole ? .integer : [])
        let code: ExpressionProgram.Code
        var kinds = numbers.union(missing)
        var (one, other) = (left, right)
        switch sign {
        case .add: code = .add
        case .subtract: code = .subtract
        case .multiply: code = .multiply
        case .divide: (code, kinds) = (.divide, numbers.union(missing).union(.real))
        case .quotient: (code, kinds) = (.quotient, missing.union(.integer))
        case .remainder: code = .remainder
        case .equal, .unequal:
            try compare(left, right, offset, space)
            (code, kinds) = (sign == .equal ? .equal : .unequal, missing.union(.truth))
        case .less: (code, kinds) = (.less, missing.union(.truth))
        case .atMost: (code, kinds) = (.atMost, missing.union(.truth))
        case .greater: (code, kinds, one, other) = (.less, missing.union(.truth), right, left)
        case .atLeast: (code, kinds, one, other) = (.atMost, missing.union(.truth), right, left)
        case .divides: (code, kinds) = (.divides, missing.union(.truth))
        case .and: (code, kinds) = (.and, missing.union(.truth))
        case .or: (code, kinds) = (.or, missing.union(.truth))
        }
        switch sign {
        case .equal, .unequal: break
        case .and, .or:
            try expect(left, .truth, offset)
            try expect(right, .truth, offset)
        default:
            try expect(left, .number, offset)
            try expect(right, .number, offset)
        }
        return fold(space.program.add(code, one.root, other.root), kinds, inputs: [left, right], &space)
    }

    /// Texts are compared with texts, and only with those that the other side may be.
    private func compare(_ left: CompiledExpression, _ right: CompiledExpression, _ offset: Int, _ space: SpaceCompiler) throws {
        let (a, b) = (left.kinds.known, right.kinds.known)
        if a.isEmpty || b.isEmpty { return }
        let meets = !a.isDisjoint(with: b) || (!a.isDisjoint(with: .number) && !b.isDisjoint(with: .number))
        guard meets else { throw source.fail("\(a.words) never equals \(b.words)", at: offset, hint: "texts stand in quotes") }
        guard a.union(b) == .text else { return }
        let (known, others) = (space.program.texts(of: left.root), space.program.texts(of: right.root))
        guard known.isDisjoint(with: others), let word = (known.count < others.count ? known : others).first else { return }
        let words = (known.count < others.count ? others : known).map { space.program.texts[Int($0)] }.sorted()
        let text = space.program.texts[Int(word)]
        let near = nearestWord(to: text, in: words)
        throw source.fail(
            "this is never '\(text)'", at: offset, hint: near.map { "did you mean '\($0)'?" } ?? "it may be \(words.joined(separator: ", "))")
    }

    private func call(
        _ name: String, _ arguments: [Expression], _ offset: Int, _ space: inout SpaceCompiler
    ) throws -> CompiledExpression {
        func expectCount(_ range: ClosedRange<Int>) throws {
            guard range.contains(arguments.count) else {
                let expected = range.upperBound > 100
                    ? "at least \(range.lowerBound)" : range.count > 1 ? "\(range.lowerBound) to \(range.upperBound)" : "\(range.lowerBound)"
                throw source.fail("\(name): expected \(expected) values, found \(arguments.count)", at: offset)
            }
        }
        let rounding: [String: ExpressionProgram.Code] = [
            "abs": .absolute, "floor": .floor, "ceil": .ceiling, "round": .round, "sqrt": .squareRoot, "log2": .logarithm,
        ]
        let gathering: [String: ExpressionProgram.Code] = ["min": .minimum, "max": .maximum, "sum": .sum, "product": .product]
        if let code = rounding[name] {
            try expectCount(1...1)
            let operand = try compile(arguments[0], &space)
            try expect(operand, .number, offset)
            let missing = operand.kinds.intersection(.missing)
            let kinds: ExpressionKinds = switch code {
            case .absolute: operand.kinds
            case .squareRoot, .logarithm: missing.union(.real)
            default: missing.union(.integer)
            }
            return fold(space.program.add(code, operand.root), kinds, inputs: [operand], &space)
        }
        if let code = gathering[name] {
            try expectCount(1...1_000)
            return try gather(code, arguments, offset, &space)
        }
        switch name {
        case "count":
            try expectCount(1...1)
            if arguments[0].holdsElements { return try gather(.count, arguments, offset, &space) }
            return try ReferenceCompiler(self).compile(arguments[0], as: .length, &space)[0]
        case "exists":
            try expectCount(1...1)
            let operand = try ReferenceCompiler(self).compile(arguments[0], as: .presence, &space)[0]
            return fold(space.program.add(.exists, operand.root), .truth, inputs: [operand], &space)
        case "default":
            try expectCount(2...2)
            let (operand, other) = (try compile(arguments[0], &space), try compile(arguments[1], &space))
            let root = space.program.add(.fallback, operand.root, other.root)
            return fold(root, operand.kinds.known.union(other.kinds), inputs: [operand, other], &space)
        case "if":
            try expectCount(3...3)
            let condition = try compile(arguments[0], &space)
            try expect(condition, .truth, offset)
            if case .truth(let flag)? = space.program.constant(at: condition.root) { return try compile(arguments[flag ? 1 : 2], &space) }
            let (yes, no) = (try compile(arguments[1], &space), try compile(arguments[2], &space))
            let kinds = yes.kinds.union(no.kinds).union(condition.kinds.intersection(.missing))
            return .init(root: space.program.add(.conditional, condition.root, yes.root, no.root), kinds: kinds)
        default:
            let near = nearestWord(to: name, in: Self.functions)
            throw source.fail(
                "there is no function \"\(name)\"", at: offset,
                hint: near.map { "did you mean \"\($0)\"?" } ?? "known: \(Self.functions.joined(separator: ", "))")
        }
    }

    /// The sum and the like of values, and of lists of them.
    private func gather(
        _ code: ExpressionProgram.Code, _ arguments: [Expression], _ offset: Int, _ space: inout SpaceCompiler
    ) throws -> CompiledExpression {
        var parts: [CompiledExpression] = []
        for argument in arguments {
            if argument.holdsElements {
                parts += try ReferenceCompiler(self).compile(argument, as: code == .count ? .presence : .value, &space)
            } else {
                parts.append(try compile(argument, &space))
            }
        }
        var kinds = parts.reduce(ExpressionKinds()) { $0.union($1.kinds) }
        if code == .count {
            kinds = .integer
        } else {
            for part in parts { try expect(part, .number, offset) }
            let isCertain = code == .sum || code == .product || parts.contains { !$0.kinds.contains(.missing) }
            if isCertain { kinds.subtract(.missing) }
            if kinds.known.isEmpty { kinds.insert(isCertain ? .integer : .missing) }
        }
        return fold(space.program.add(code, list: parts.map(\.root)), kinds, inputs: parts, &space)
    }
}

extension Expression {
    /// Whether it is a path that stands for many values.
    var holdsElements: Bool {
        switch self {
        case .elements: true
        case .member(let base, _, _), .element(let base, _, _): base.holdsElements
        default: false
        }
    }
}

extension ExpressionProgram {
    func constant(at index: Int32) -> ExpressionValue? {
        operations[Int(index)].code == .constant ? operations[Int(index)].value : nil
    }
}
