/// Reading typed values; every failure is an `InputError` at the value's own location.
extension Document {
    package func fail(_ message: String, hint: String? = nil) -> InputError {
        InputError(message, at: location, hint: hint)
    }

    private func mismatch(_ expected: String, _ what: String) -> InputError {
        fail("\(what.isEmpty ? "" : "\(what): ")expected \(expected), found \(kindName)")
    }

    package func fields(_ what: String = "") throws -> [Field] {
        guard case .object(let fields) = value else { throw mismatch("a mapping", what) }
        return fields
    }

    package func array(_ what: String = "") throws -> [Document] {
        guard case .array(let items) = value else { throw mismatch("a list", what) }
        return items
    }

    package func string(_ what: String = "") throws -> String {
        guard case .string(let text) = value else { throw mismatch("text", what) }
        return text
    }

    package func bool(_ what: String = "") throws -> Bool {
        guard case .bool(let flag) = value else { throw mismatch("true or false", what) }
        return flag
    }

    package func int(_ what: String = "", in range: ClosedRange<Int>? = nil) throws -> Int {
        let number: Int
        switch value {
        case .int(let exact): number = exact
        case .float(let real) where real.rounded() == real && abs(real) < 9e15: number = Int(real)
        default: throw mismatch("an integer", what)
        }
        if let range, !range.contains(number) {
            let expected = range.upperBound == .max
                ? "an integer of at least \(range.lowerBound)" : "an integer from \(range.lowerBound) to \(range.upperBound)"
            throw mismatch(expected, what)
        }
        return number
    }

    package func double(_ what: String = "", in range: ClosedRange<Double>? = nil) throws -> Double {
        let number: Double
        switch value {
        case .int(let exact): number = Double(exact)
        case .float(let real): number = real
        default: throw mismatch("a number", what)
        }
        guard number.isFinite else { throw mismatch("a finite number", what) }
        if let range, !range.contains(number) {
            let expected = range.upperBound == .infinity
                ? "a number of at least \(range.lowerBound)" : "a number from \(range.lowerBound) to \(range.upperBound)"
            throw mismatch(expected, what)
        }
        return number
    }

    /// One of the words, or an error that lists them.
    package func word(_ what: String = "", of words: [String]) throws -> String {
        let text = try string(what)
        guard words.contains(text) else {
            throw fail(
                "\(what.isEmpty ? "" : "\(what): ")expected one of \(words.joined(separator: ", ")), found \"\(text)\"",
                hint: nearestWord(to: text, in: words).map { "did you mean \"\($0)\"?" })
        }
        return text
    }

    package func word<Words: RawRepresentable & CaseIterable>(_ what: String = "", as type: Words.Type) throws -> Words
    where Words.RawValue == String {
        Words(rawValue: try word(what, of: Words.allCases.map(\.rawValue)))!
    }

    /// The field, which must be there.
    package func required(_ key: String) throws -> Document {
        _ = try fields()
        guard let found = self[key] else { throw fail("\"\(key)\" is missing here", hint: "add it to this mapping") }
        return found
    }

    /// The field, or nil when absent or null.
    package func optional(_ key: String) throws -> Document? {
        _ = try fields()
        guard let found = self[key], !found.isNull else { return nil }
        return found
    }

    /// Refuses misspelt and unknown keys.
    package func allowOnly(_ keys: [String]) throws {
        for field in try fields() where !keys.contains(field.key) {
            let hint = nearestWord(to: field.key, in: keys).map { "did you mean \"\($0)\"?" }
            throw InputError(
                "unknown key \"\(field.key)\"", at: field.keyLocation ?? location,
                hint: hint ?? "known here: \(keys.joined(separator: ", "))")
        }
    }

    /// Checks `halcyon: 1`, which opens every file of ours.
    package func checkVersion() throws {
        let version = try required("halcyon")
        guard case .int(1) = version.value else {
            throw version.fail("expected version 1 of the format, found \(version.kindName)", hint: "write halcyon: 1, or use the release that this file was written for")
        }
    }
}
