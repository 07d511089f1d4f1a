import Foundation

/// A text with stars that stand for other texts, none of them empty: each takes as little as lets the rest fit, the last one all that is
/// left. Stars do not touch.
struct StarPattern: Equatable {
    let text: String
    /// What stands before, between and behind the stars.
    private let literals: [String]

    /// Nil where two stars touch.
    init?(_ text: String) {
        self.text = text
        literals = text.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
        guard !literals.dropFirst().dropLast().contains("") else { return nil }
    }

    var starCount: Int { literals.count - 1 }

    /// What the stars stand for; nil where the name is another.
    func texts(in name: String) -> [String]? {
        guard starCount > 0 else { return name == text ? [] : nil }
        guard name.hasPrefix(literals[0]) else { return nil }
        var rest = name.dropFirst(literals[0].count)
        var found: [String] = []
        for literal in literals.dropFirst().dropLast() {
            guard let place = rest.dropFirst().range(of: literal) else { return nil }
            found.append(String(rest[..<place.lowerBound]))
            rest = rest[place.upperBound...]
        }
        let last = literals[starCount]
        guard rest.count > last.count, rest.hasSuffix(last) else { return nil }
        return found + [String(rest.dropLast(last.count))]
    }

    /// The name in which the stars stand for these texts.
    func filled(with texts: [String]) -> String {
        precondition(texts.count == starCount)
        return zip(literals, texts).reduce("") { $0 + $1.0 + $1.1 } + literals[starCount]
    }
}

extension String {
    /// Whether it is the pattern with its stars standing for any texts.
    package func matches(stars pattern: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
        guard let first = parts.first, let last = parts.last, parts.count > 1 else { return self == pattern }
        guard hasPrefix(first), hasSuffix(last), count >= first.count + last.count else { return false }
        var rest = dropFirst(first.count).dropLast(last.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let place = rest.range(of: part) else { return false }
            rest = rest[place.upperBound...]
        }
        return true
    }
}
