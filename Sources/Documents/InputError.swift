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

    /// One line, whatever stands in names and texts of the input: control characters are escaped, long parts cut out.
    package var description: String {
        var text = location.map { "\($0): " } ?? ""
        text += shortened(message)
        if let hint { text += " (\(shortened(hint)))" }
        return onOneLine(text)
    }
}

private func shortened(_ text: String) -> String {
    text.utf8.count <= 1200 ? text : "\(text.prefix(800)) ... \(text.suffix(200))"
}

/// The text with its control characters written as `\n`, `\t` and `\u{1B}`.
package func onOneLine(_ text: String) -> String {
    var line = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n": line += "\\n"
        case "\r": line += "\\r"
        case "\t": line += "\\t"
        case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || (0x2028...0x2029).contains(scalar.value):
            line += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
        default: line.unicodeScalars.append(scalar)
        }
    }
    return line
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
