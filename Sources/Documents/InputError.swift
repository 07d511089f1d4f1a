/// A fault in what the user gave: where it is, what is wrong, and what to do. The command line ends with exit code 2.
package struct InputError: Error, Sendable, Equatable, CustomStringConvertible {
    package var location: SourceLocation?
    package var message: String
    package var hint: String?

    package init(_ message: String, at location: SourceLocation? = nil, hint: String? = nil) {
        self.location = location
        self.message = message
        self.hint = hint
    }

    /// An error about a file as a whole.
    package init(file: String, _ message: String, hint: String? = nil) {
        self.init("\(file): \(message)", at: nil, hint: hint)
    }

    package var description: String {
        var text = location.map { "\($0): " } ?? ""
        text += message
        if let hint { text += " (\(hint))" }
        return text
    }
}

/// The candidate nearest to a misspelt word, for "did you mean" hints; nil when nothing is near.
package func nearestWord(to word: String, in candidates: some Sequence<String>) -> String? {
    func distance(_ a: [Character], _ b: [Character]) -> Int {
        var row = Array(0...b.count)
        for i in 0..<a.count {
            var previous = row[0]
            row[0] = i + 1
            for j in 0..<b.count {
                let substitution = previous + (a[i] == b[j] ? 0 : 1)
                previous = row[j + 1]
                row[j + 1] = min(substitution, row[j] + 1, previous + 1)
            }
        }
        return row[b.count]
    }
    let letters = Array(word)
    let best = candidates.map { ($0, distance(letters, Array($0))) }.min { ($0.1, $0.0) < ($1.1, $1.0) }
    guard let best, best.1 <= max(2, word.count / 3) else { return nil }
    return best.0
}
