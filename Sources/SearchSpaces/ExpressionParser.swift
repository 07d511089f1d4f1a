import Documents

/// Reads expressions. From loose to tight: `or`; `and`; `not`; comparisons (`== != < <= > >= divides`; `8 <= width <= 64` is both);
/// `+ -`; `* / // %`; the sign; members, elements and calls. A hyphen between letters belongs to a name (`mlp-ratio`): a minus
/// stands between spaces.
struct ExpressionParser {
    private enum Token: Equatable {
        case literal(ExpressionLiteral)
        case name(String)
        case sign(String)
        case end
    }

    static let deepest = 100

    private let text: String
    private let location: SourceLocation?
    private var tokens: [(token: Token, offset: Int)] = []
    private var place = 0
    private var depth = 0

    init(_ text: String, location: SourceLocation?) {
        self.text = text
        self.location = location
    }

    mutating func parse() throws -> Expression {
        tokens = try scan()
        let found = try disjunction()
        guard case .end = token else { throw fail("expected an operator, found \(written)") }
        return found
    }

    private func fail(_ message: String, hint: String? = nil) -> InputError {
        expressionError(message, text: text, offset: offset, location: location, hint: hint)
    }

    private var token: Token { tokens[place].token }
    private var offset: Int { place < tokens.count ? tokens[place].offset : 0 }
    private var written: String {
        switch token {
        case .literal(.text(let text)): "the text '\(text)'"
        case .literal(.integer(let number)): "the number \(number)"
        case .literal(.real(let number)): "the number \(number)"
        case .literal(.truth(let flag)): "\(flag)"
        case .name(let name): "\"\(name)\""
        case .sign(let sign): "\"\(sign)\""
        case .end: "the end"
        }
    }

    private mutating func take(_ sign: String) -> Bool {
        guard token == .sign(sign) || token == .name(sign) else { return false }
        place += 1
        return true
    }

    private mutating func expect(_ sign: String) throws {
        guard take(sign) else { throw fail("expected \"\(sign)\", found \(written)") }
    }

    private mutating func disjunction() throws -> Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw fail("more than \(Self.deepest) brackets stand inside one another", hint: "write it with fewer") }
        var left = try conjunction()
        while true {
            let start = offset
            guard take("or") else { return left }
            left = .binary(.or, left, try conjunction(), offset: start)
        }
    }

    private mutating func conjunction() throws -> Expression {
        var left = try negation()
        while true {
            let start = offset
            guard take("and") else { return left }
            left = .binary(.and, left, try negation(), offset: start)
        }
    }

    private mutating func negation() throws -> Expression {
        var starts: [Int] = []
        while true {
            let start = offset
            guard take("not") else { break }
            starts.append(start)
        }
        var found = try comparison()
        for start in starts.reversed() { found = .unary(.not, found, offset: start) }
        return found
    }

    private mutating func comparison() throws -> Expression {
        var left = try sum()
        var chain: Expression?
        while true {
            let start = offset
            let signs: [Expression.BinaryOperator] = [.equal, .unequal, .atMost, .atLeast, .less, .greater, .divides]
            guard let sign = signs.first(where: { take($0.rawValue) }) else { break }
            let right = try sum()
            let link = Expression.binary(sign, left, right, offset: start)
            chain = chain.map { .binary(.and, $0, link, offset: start) } ?? link
            left = right
        }
        return chain ?? left
    }

    private mutating func sum() throws -> Expression { try chain([.add, .subtract]) { try $0.product() } }
    private mutating func product() throws -> Expression {
        try chain([.multiply, .quotient, .divide, .remainder]) { try $0.signed() }
    }

    private mutating func chain(
        _ signs: [Expression.BinaryOperator], _ part: (inout ExpressionParser) throws -> Expression
    ) throws -> Expression {
        var left = try part(&self)
        while true {
            let start = offset
            guard let sign = signs.first(where: { take($0.rawValue) }) else { return left }
            left = .binary(sign, left, try part(&self), offset: start)
        }
    }

    private mutating func signed() throws -> Expression {
        var starts: [Int] = []
        while true {
            let start = offset
            guard take("-") else { break }
            starts.append(start)
        }
        var found = try postfix()
        for start in starts.reversed() { found = .unary(.negate, found, offset: start) }
        return found
    }

    private mutating func postfix() throws -> Expression {
        var found = try primary()
        while true {
            let start = offset
            if take(".") {
                guard case .name(let name) = token else { throw fail("expected a name after the dot, found \(written)") }
                place += 1
                found = .member(found, name, offset: start + 1)
            } else if take("[") {
                if take("*") {
                    found = .elements(found, offset: start)
                } else {
                    found = .element(found, index: try disjunction(), offset: start)
                }
                try expect("]")
            } else {
                return found
            }
        }
    }

    private static let keywords = ["and", "or", "not", "divides"]

    private mutating func primary() throws -> Expression {
        let start = offset
        switch token {
        case .literal(let literal):
            place += 1
            return .literal(literal)
        case .name(let name) where !Self.keywords.contains(name):
            place += 1
            guard take("(") else { return .name(name, offset: start) }
            var arguments: [Expression] = []
            if take(")") { return .call(name, arguments, offset: start) }
            repeat { arguments.append(try disjunction()) } while take(",")
            try expect(")")
            return .call(name, arguments, offset: start)
        case .sign("("):
            place += 1
            let inner = try disjunction()
            try expect(")")
            return inner
        default: throw fail("expected a number, a name or a bracket, found \(written)")
        }
    }

    private func scan() throws -> [(token: Token, offset: Int)] {
        let characters = Array(text)
        var found: [(token: Token, offset: Int)] = []
        var index = 0
        func error(_ message: String, _ hint: String? = nil) -> InputError {
            expressionError(message, text: text, offset: index, location: location, hint: hint)
        }
        func at(_ place: Int) -> Character { place < characters.count ? characters[place] : " " }
        func isLetter(_ character: Character) -> Bool { character.isASCII && character.isLetter || character == "_" }
        func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }
        while index < characters.count {
            let character = characters[index]
            let start = index
            if character.isWhitespace {
                index += 1
            } else if isLetter(character) {
                while isLetter(at(index)) || isDigit(at(index)) || (at(index) == "-" && isLetter(at(index + 1))) { index += 1 }
                let word = String(characters[start..<index])
                found.append((word == "true" ? .literal(.truth(true)) : word == "false" ? .literal(.truth(false)) : .name(word), start))
            } else if isDigit(character) {
                while isDigit(at(index)) || (at(index) == "." && isDigit(at(index + 1))) { index += 1 }
                if at(index) == "e" || at(index) == "E" {
                    let signed = at(index + 1) == "-" || at(index + 1) == "+"
                    if isDigit(at(index + (signed ? 2 : 1))) {
                        index += signed ? 2 : 1
                        while isDigit(at(index)) { index += 1 }
                    }
                }
                let digits = String(characters[start..<index])
                if let number = Int(digits) {
                    found.append((.literal(.integer(number)), start))
                } else if let number = Double(digits), number.isFinite {
                    found.append((.literal(.real(number)), start))
                } else {
                    index = start
                    throw error("\"\(digits)\" is no number")
                }
            } else if character == "'" || character == "\"" {
                index += 1
                while index < characters.count, characters[index] != character { index += 1 }
                guard index < characters.count else {
                    index = start
                    throw error("the quote is not closed", "write another \(character)")
                }
                found.append((.literal(.text(String(characters[(start + 1)..<index]))), start))
                index += 1
            } else {
                let pair = String([character, at(index + 1)])
                if ["==", "!=", "<=", ">=", "//"].contains(pair) {
                    found.append((.sign(pair), start))
                    index += 2
                } else if "+-*/%<>()[],.".contains(character) {
                    found.append((.sign(String(character)), start))
                    index += 1
                } else {
                    throw error(
                        "\"\(character)\" is no part of an expression",
                        character == "=" ? "equality is written ==" : "operators: + - * / // % == != < <= > >= divides and or not")
                }
            }
        }
        found.append((.end, characters.count))
        return found
    }
}
