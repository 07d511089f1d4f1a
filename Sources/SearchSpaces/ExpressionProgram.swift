import Foundation

/// What an expression is at one point of the space.
enum ExpressionValue: Sendable, Hashable {
    /// It names something that this architecture does not have.
    case missing
    /// Division by zero, or a number beyond all bounds.
    case fault
    case integer(Int)
    case real(Double)
    case truth(Bool)
    /// A text, by its number in the program.
    case text(Int32)

    var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .real(let value): value
        default: nil
        }
    }
}

/// Compiled expressions: operations that name their operands by number, over a decision vector. No names, no allocation.
struct ExpressionProgram: Sendable {
    enum Code: UInt8, Sendable {
        case constant, integerSlot, realSlot
        /// Of a choice's slot, the operand of the alternative taken.
        case select
        /// The third, where the count (first) is more than `second`.
        case counted
        /// Whether a choice (first) took alternative `second`.
        case alternative
        /// Whether a decision (first) is active.
        case active
        /// The operand `first`, where all operands of the list are true.
        case guarded
        case negate, not, add, subtract, multiply, divide, quotient, remainder
        case equal, unequal, less, atMost, divides, and, or, conditional
        case exists, fallback, sum, product, minimum, maximum, count
        case absolute, floor, ceiling, round, squareRoot, logarithm
    }

    struct Operation: Sendable {
        var code: Code
        var first: Int32 = 0
        var second: Int32 = 0
        var third: Int32 = 0
        /// Operands in `operands`.
        var start: Int32 = 0
        var length: Int32 = 0
        var value = ExpressionValue.missing
    }

    private(set) var operations: [Operation] = []
    private(set) var operands: [Int32] = []
    private(set) var texts: [String] = []
    private var textNumbers: [String: Int32] = [:]

    mutating func text(_ text: String) -> ExpressionValue {
        if let known = textNumbers[text] { return .text(known) }
        let number = Int32(texts.count)
        texts.append(text)
        textNumbers[text] = number
        return .text(number)
    }

    mutating func add(_ operation: Operation) -> Int32 {
        operations.append(operation)
        return Int32(operations.count - 1)
    }

    mutating func add(_ code: Code, _ first: Int32 = 0, _ second: Int32 = 0, _ third: Int32 = 0, list: [Int32] = []) -> Int32 {
        let start = Int32(operands.count)
        operands += list
        return add(Operation(code: code, first: first, second: second, third: third, start: start, length: Int32(list.count)))
    }

    mutating func constant(_ value: ExpressionValue) -> Int32 { add(Operation(code: .constant, value: value)) }

    /// The operations that one has for operands.
    func inputs(_ operation: Operation) -> [Int32] {
        let list = Array(operands[Int(operation.start)..<Int(operation.start + operation.length)])
        switch operation.code {
        case .constant, .integerSlot, .realSlot, .alternative, .active, .select: return list
        case .counted: return [operation.first, operation.third]
        case .conditional: return [operation.first, operation.second, operation.third]
        case .add, .subtract, .multiply, .divide, .quotient, .remainder, .equal, .unequal, .less, .atMost, .divides, .and, .or, .fallback:
            return [operation.first, operation.second]
        case .sum, .product, .minimum, .maximum, .count: return list
        default: return list + [operation.first]
        }
    }

    /// The slots that decide about an operation, ascending.
    func slots(of root: Int32) -> [Int] {
        var found: Set<Int> = []
        for index in reachable(root) {
            let operation = operations[Int(index)]
            switch operation.code {
            case .integerSlot, .realSlot, .select, .alternative, .active: found.insert(Int(operation.first))
            default: break
            }
        }
        return found.sorted()
    }

    /// All operations that a root is worked out from, itself too.
    func reachable(_ root: Int32) -> Set<Int32> {
        var seen: Set<Int32> = []
        var pending = [root]
        while let next = pending.popLast() {
            if seen.insert(next).inserted { pending += inputs(operations[Int(next)]) }
        }
        return seen
    }

    /// Whether working it out may fault.
    func mayFault(_ root: Int32) -> Bool {
        reachable(root).contains { index in
            let operation = operations[Int(index)]
            switch operation.code {
            case .squareRoot, .logarithm: return true
            case .divide, .quotient, .remainder: return !isNonzero(operation.second)
            case .divides: return !isNonzero(operation.first)
            default: return false
            }
        }
    }

    private func isNonzero(_ index: Int32) -> Bool {
        guard case .constant = operations[Int(index)].code, let number = operations[Int(index)].value.number else { return false }
        return number != 0
    }

    /// The texts that an operation's value may be.
    func texts(of index: Int32) -> Set<Int32> {
        let operation = operations[Int(index)]
        switch operation.code {
        case .constant: if case .text(let number) = operation.value { return [number] } else { return [] }
        case .select: return inputs(operation).reduce(into: []) { $0.formUnion(texts(of: $1)) }
        case .counted: return texts(of: operation.third)
        case .guarded: return texts(of: operation.first)
        case .conditional: return texts(of: operation.second).union(texts(of: operation.third))
        case .fallback: return texts(of: operation.first).union(texts(of: operation.second))
        default: return []
        }
    }

    func value(_ root: Int32, _ vector: [Double]) -> ExpressionValue {
        vector.withUnsafeBufferPointer { vector in withReader(vector) { $0.value(root) } }
    }

    func withReader<Result>(_ vector: UnsafeBufferPointer<Double>, _ body: (Reader) -> Result) -> Result {
        operations.withUnsafeBufferPointer { operations in
            operands.withUnsafeBufferPointer { operands in
                body(Reader(operations: operations, operands: operands, vector: vector))
            }
        }
    }

    /// Works values out over one vector. What is missing makes missing whatever is computed from it; `and` and `or` are those of
    /// three-valued logic (Kleene 1938) and look at the right side only where the left one does not decide.
    struct Reader {
        let operations: UnsafeBufferPointer<Operation>
        let operands: UnsafeBufferPointer<Int32>
        let vector: UnsafeBufferPointer<Double>

        func value(_ index: Int32) -> ExpressionValue {
            let operation = operations[Int(index)]
            switch operation.code {
            case .constant: return operation.value
            case .integerSlot:
                let number = vector[Int(operation.first)]
                return number.isNaN ? .missing : .integer(Int(number))
            case .realSlot:
                let number = vector[Int(operation.first)]
                return number.isNaN ? .missing : .real(number)
            case .select:
                let number = vector[Int(operation.first)]
                return number.isNaN ? .missing : value(operands[Int(operation.start) + Int(number)])
            case .counted:
                guard case .integer(let count) = value(operation.first), count > operation.second else { return .missing }
                return value(operation.third)
            case .alternative: return .truth(vector[Int(operation.first)] == Double(operation.second))
            case .active: return .truth(!vector[Int(operation.first)].isNaN)
            case .guarded:
                for place in 0..<Int(operation.length) where value(operands[Int(operation.start) + place]) != .truth(true) { return .missing }
                return value(operation.first)
            case .not:
                let inner = value(operation.first)
                if case .truth(let flag) = inner { return .truth(!flag) }
                return inner
            case .and, .or:
                let decisive = ExpressionValue.truth(operation.code == .or)
                let left = value(operation.first)
                if left == decisive || left == .fault { return left }
                let right = value(operation.second)
                if right == decisive || right == .fault { return right }
                return left == .missing ? left : right
            case .conditional:
                switch value(operation.first) {
                case .truth(let flag): return value(flag ? operation.second : operation.third)
                case let other: return other
                }
            case .exists:
                let found = value(operation.first)
                return found == .fault ? found : .truth(found != .missing)
            case .fallback:
                let found = value(operation.first)
                return found == .missing ? value(operation.second) : found
            case .sum, .product, .minimum, .maximum, .count: return aggregate(operation)
            case .negate, .absolute, .floor, .ceiling, .round, .squareRoot, .logarithm: return unary(operation)
            default: return binary(operation.code, value(operation.first), value(operation.second))
            }
        }

        private func unary(_ operation: Operation) -> ExpressionValue {
            let inner = value(operation.first)
            switch inner {
            case .integer(let number):
                switch operation.code {
                case .negate: return integers(.subtract, 0, number)
                case .absolute: return number < 0 ? integers(.subtract, 0, number) : inner
                case .squareRoot, .logarithm: return real(operation.code, Double(number))
                default: return inner
                }
            case .real(let number): return real(operation.code, number)
            default: return inner
            }
        }

        private func real(_ code: Code, _ number: Double) -> ExpressionValue {
            switch code {
            case .negate: .real(-number)
            case .absolute: .real(abs(number))
            case .floor: whole(number.rounded(.down))
            case .ceiling: whole(number.rounded(.up))
            case .round: whole(number.rounded())
            case .squareRoot: number >= 0 ? finite(number.squareRoot()) : .fault
            default: number > 0 ? finite(log2(number)) : .fault
            }
        }

        private func finite(_ number: Double) -> ExpressionValue { number.isFinite ? .real(number) : .fault }
        private func whole(_ number: Double) -> ExpressionValue { abs(number) < 9e15 ? .integer(Int(number)) : finite(number) }

        private func aggregate(_ operation: Operation) -> ExpressionValue {
            var total: ExpressionValue?
            var count = 0
            for place in 0..<Int(operation.length) {
                let next = value(operands[Int(operation.start) + place])
                if next == .missing { continue }
                if next == .fault { return .fault }
                count += 1
                guard let before = total else {
                    total = next
                    continue
                }
                switch operation.code {
                case .sum: total = binary(.add, before, next)
                case .product: total = binary(.multiply, before, next)
                case .minimum: if binary(.less, next, before) == .truth(true) { total = next }
                case .maximum: if binary(.less, before, next) == .truth(true) { total = next }
                default: break
                }
            }
            switch operation.code {
            case .count: return .integer(count)
            case .sum: return total ?? .integer(0)
            case .product: return total ?? .integer(1)
            default: return total ?? .missing
            }
        }

        private func binary(_ code: Code, _ left: ExpressionValue, _ right: ExpressionValue) -> ExpressionValue {
            if left == .fault || right == .fault { return .fault }
            if left == .missing || right == .missing { return .missing }
            if case .integer(let a) = left, case .integer(let b) = right { return integers(code, a, b) }
            guard let a = left.number, let b = right.number else {
                return code == .equal ? .truth(left == right) : code == .unequal ? .truth(left != right) : .fault
            }
            switch code {
            case .add: return finite(a + b)
            case .subtract: return finite(a - b)
            case .multiply: return finite(a * b)
            case .divide: return b == 0 ? .fault : finite(a / b)
            case .quotient: return b == 0 ? .fault : whole((a / b).rounded(.down))
            case .remainder: return b == 0 ? .fault : finite(a - b * (a / b).rounded(.down))
            case .equal: return .truth(a == b)
            case .unequal: return .truth(a != b)
            case .less: return .truth(a < b)
            case .atMost: return .truth(a <= b)
            case .divides: return a == 0 ? .fault : .truth(b.remainder(dividingBy: a) == 0)
            default: return .fault
            }
        }

        private func integers(_ code: Code, _ a: Int, _ b: Int) -> ExpressionValue {
            func checked(_ result: (partialValue: Int, overflow: Bool), _ real: Double) -> ExpressionValue {
                result.overflow ? .real(real) : .integer(result.partialValue)
            }
            switch code {
            case .add: return checked(a.addingReportingOverflow(b), Double(a) + Double(b))
            case .subtract: return checked(a.subtractingReportingOverflow(b), Double(a) - Double(b))
            case .multiply: return checked(a.multipliedReportingOverflow(by: b), Double(a) * Double(b))
            case .equal: return .truth(a == b)
            case .unequal: return .truth(a != b)
            case .less: return .truth(a < b)
            case .atMost: return .truth(a <= b)
            case .divides: return a == 0 ? .fault : .truth(b % a == 0)
            default: break
            }
            if b == 0 { return .fault }
            if b == -1 { return code == .remainder ? .integer(0) : checked(0.subtractingReportingOverflow(a), -Double(a)) }
            // Rounded down, as the remainder has the divisor's sign.
            let (quotient, remainder) = a.quotientAndRemainder(dividingBy: b)
            let isBelow = remainder != 0 && (remainder < 0) != (b < 0)
            switch code {
            case .divide: return remainder == 0 ? .integer(quotient) : .real(Double(a) / Double(b))
            case .quotient: return .integer(isBelow ? quotient - 1 : quotient)
            default: return .integer(isBelow ? remainder + b : remainder)
            }
        }
    }
}
