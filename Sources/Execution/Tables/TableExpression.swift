import Documents

/// Arithmetic over the columns of a table: numbers, columns, `+ - * /` and parentheses, such as `100 - c10_test_200`.
/// A column whose name is no plain word stands in backquotes.
struct TableExpression: Sendable, Equatable {
    private indirect enum Term: Sendable, Equatable {
        case number(Double)
        /// An index into `columns`.
        case column(Int)
        case operation(Character, Term, Term)
    }

    private(set) var columns: [String] = []
    private var term = Term.number(0)

    /// Reads text or a number. Errors are located.
    init(_ document: Document) throws {
        if case .string(let text) = document.value {
            var parser = Parser(source: document, rest: text[...])
            (term, columns) = try parser.whole()
        } else {
            term = .number(try document.double("an expression"))
        }
    }

    /// - Parameter values: of `columns`, in their order.
    func value(_ values: (Int) throws -> Double) rethrows -> Double { try Self.value(term, values) }

    private static func value(_ term: Term, _ values: (Int) throws -> Double) rethrows -> Double {
        switch term {
        case .number(let number): return number
        case .column(let index): return try values(index)
        case .operation(let sign, let a, let b):
            let (x, y) = (try value(a, values), try value(b, values))
            return sign == "+" ? x + y : sign == "-" ? x - y : sign == "*" ? x * y : x / y
        }
    }

    private struct Parser {
        let source: Document
        var rest: Substring
        var columns: [String] = []
        /// Parentheses inside one another.
        var depth = 0

        init(source: Document, rest: Substring) {
            self.source = source
            self.rest = rest
        }

        mutating func whole() throws -> (Term, [String]) {
            let term = try sum()
            guard next == nil else { throw fault("expected an operator or the end, found \"\(rest.prefix(20))\"") }
            return (term, columns)
        }

        private func fault(_ what: String) -> InputError {
            source.fail("an expression over columns: \(what)", hint: "for example 100 - accuracy")
        }

        private var next: Character? {
            mutating get {
                rest = rest.drop { $0 == " " }
                return rest.first
            }
        }

        private mutating func sum() throws -> Term {
            var term = try product()
            while let sign = next, sign == "+" || sign == "-" {
                rest.removeFirst()
                term = .operation(sign, term, try product())
            }
            return term
        }

        private mutating func product() throws -> Term {
            var term = try factor()
            while let sign = next, sign == "*" || sign == "/" {
                rest.removeFirst()
                term = .operation(sign, term, try factor())
            }
            return term
        }

        private mutating func factor() throws -> Term {
            guard let first = next else { throw fault("something is missing at its end") }
            switch first {
            case "-":
                rest.removeFirst()
                return .operation("-", .number(0), try factor())
            case "(":
                depth += 1
                guard depth < 50 else { throw fault("too many parentheses") }
                rest.removeFirst()
                let term = try sum()
                guard next == ")" else { throw fault("a parenthesis is not closed") }
                rest.removeFirst()
                depth -= 1
                return term
            case "`":
                let name = rest.dropFirst().prefix { $0 != "`" }
                guard name.endIndex < rest.endIndex else { throw fault("a backquote is not closed") }
                rest = rest[rest.index(after: name.endIndex)...]
                return column(String(name))
            case _ where first.isNumber || first == ".":
                // An exponent has a sign of its own.
                var before: Character = " "
                let digits = rest.prefix { character in
                    defer { before = character }
                    return character.isNumber || character == "." || character == "e" || character == "E"
                        || ((character == "-" || character == "+") && (before == "e" || before == "E"))
                }
                guard let number = Double(digits), number.isFinite else { throw fault("expected a number, found \"\(digits)\"") }
                rest = rest[digits.endIndex...]
                return .number(number)
            case _ where first.isLetter || first == "_":
                let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }
                rest = rest[name.endIndex...]
                return column(String(name))
            default: throw fault("expected a number or a column, found \"\(rest.prefix(20))\"")
            }
        }

        private mutating func column(_ name: String) -> Term {
            if let index = columns.firstIndex(of: name) { return .column(index) }
            columns.append(name)
            return .column(columns.count - 1)
        }
    }
}
