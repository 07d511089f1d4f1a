/// An arithmetic or logical expression of a space file, as it was written. Offsets count characters from 0.
indirect enum Expression: Sendable {
    case literal(ExpressionLiteral)
    case name(String, offset: Int)
    /// `skeleton.width`
    case member(Expression, String, offset: Int)
    /// `stages[position - 1]`
    case element(Expression, index: Expression, offset: Int)
    /// `stages[*]`: all of a list.
    case elements(Expression, offset: Int)
    case unary(UnaryOperator, Expression, offset: Int)
    case binary(BinaryOperator, Expression, Expression, offset: Int)
    case call(String, [Expression], offset: Int)

    enum UnaryOperator: String, Sendable { case negate = "-", not }

    enum BinaryOperator: String, Sendable {
        case add = "+", subtract = "-", multiply = "*", divide = "/", quotient = "//", remainder = "%"
        case equal = "==", unequal = "!=", less = "<", atMost = "<=", greater = ">", atLeast = ">="
        case divides, and, or
    }

    /// The names that it looks up, outermost part of each path.
    var names: [String] {
        switch self {
        case .literal: []
        case .name(let name, _): [name]
        case .member(let base, _, _), .elements(let base, _), .unary(_, let base, _): base.names
        case .element(let base, let index, _): base.names + index.names
        case .binary(_, let left, let right, _): left.names + right.names
        case .call(_, let arguments, _): arguments.flatMap(\.names)
        }
    }
}

enum ExpressionLiteral: Sendable, Hashable {
    case integer(Int)
    case real(Double)
    case truth(Bool)
    case text(String)
}
