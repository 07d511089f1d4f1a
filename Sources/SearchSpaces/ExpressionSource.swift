import Documents

/// An expression with its text and its place in the space file.
struct ExpressionSource: Sendable {
    let text: String
    let location: SourceLocation?
    let expression: Expression

    /// Reads the expression in a text, or a plain number or truth value.
    /// - Parameter what: `derived` or `constraints`, for messages.
    init(_ document: Document, _ what: String) throws {
        location = document.location
        switch document.value {
        case .int, .float, .bool: text = document.json
        default: text = try document.string(what)
        }
        var parser = ExpressionParser(text, location: document.location)
        expression = try parser.parse()
    }

    /// An error at this expression, which shows the part at fault.
    func fail(_ message: String, at offset: Int?, hint: String? = nil) -> InputError {
        expressionError(message, text: text, offset: offset, location: location, hint: hint)
    }
}

func expressionError(_ message: String, text: String, offset: Int?, location: SourceLocation?, hint: String?) -> InputError {
    let place = offset.map { $0 < text.count ? "character \($0 + 1) of \"\(text)\"" : "the end of \"\(text)\"" } ?? "\"\(text)\""
    return InputError("\(place): \(message)", at: location, hint: hint)
}
