/// What an expression's value may be, known before any architecture is.
struct ExpressionKinds: OptionSet, Sendable {
    let rawValue: Int
    static let integer = Self(rawValue: 1)
    static let real = Self(rawValue: 2)
    static let truth = Self(rawValue: 4)
    static let text = Self(rawValue: 8)
    /// It may name what an architecture does not have.
    static let missing = Self(rawValue: 16)
    static let number: Self = [.integer, .real]

    var known: Self { subtracting(.missing) }

    /// In a reader's words.
    var words: String {
        let parts = [(Self.number, "a number"), (.truth, "true or false"), (.text, "a text"), (.missing, "nothing")]
        return parts.filter { !isDisjoint(with: $0.0) }.map(\.1).joined(separator: " or ")
    }
}
