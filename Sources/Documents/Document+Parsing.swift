import Foundation
import Yams

extension Document {
    /// Bytes of a file.
    private static let largestFile = 64 << 20
    /// Values of a document, those that aliases repeat counted each time: aliases of aliases would fill any memory.
    private static let largestCount = 4_000_000
    /// Mappings and lists inside one another. The parser's own limit does not see what aliases nest.
    private static let deepest = 1000

    /// Reads a YAML or JSON file.
    package static func load(_ path: String) throws -> Document {
        let data = try readInputFile(path, "a YAML or JSON file", limit: largestFile)
        guard let text = String(data: data, encoding: .utf8) else {
            throw InputError(file: path, "is not UTF-8 text", hint: "a YAML or JSON file is needed here: check the path")
        }
        return try parse(text, file: path)
    }

    /// Parses one YAML document (JSON is a subset). Anchors and aliases are resolved; duplicate keys are refused.
    package static func parse(_ text: String, file: String) throws -> Document {
        do {
            guard let node = try Yams.compose(yaml: text) else {
                throw InputError(
                    "the document is empty", at: SourceLocation(file: file, line: 1), hint: "expected a mapping such as halcyon: 1")
            }
            var count = 0
            return try Document(node: node, file: file, depth: 0, count: &count)
        } catch let error as YamlError {
            throw InputError(error, file: file)
        }
    }

    /// Parses one JSON document as any program writes it. JSON is YAML but for one thing: characters beyond U+FFFF may be
    /// escaped as a pair of surrogates, which YAML refuses.
    package static func parse(json text: String, file: String) throws -> Document {
        try parse(joiningSurrogates(text), file: file)
    }

    private static func joiningSurrogates(_ text: String) -> String {
        guard text.contains("\\ud") || text.contains("\\uD") else { return text }
        let bytes = Array(text.utf8)
        /// The code unit of the escape `\uXXXX` at this place.
        func unit(_ place: Int) -> UInt32? {
            guard place + 6 <= bytes.count, bytes[place] == 0x5C, bytes[place + 1] == 0x75 else { return nil }
            return UInt32(String(decoding: bytes[(place + 2)..<(place + 6)], as: UTF8.self), radix: 16)
        }
        var joined: [UInt8] = []
        var place = 0
        while place < bytes.count {
            if let high = unit(place), (0xD800...0xDBFF).contains(high),
                let low = unit(place + 6), (0xDC00...0xDFFF).contains(low),
                let scalar = Unicode.Scalar(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
            {
                joined += Array(String(Character(scalar)).utf8)
                place += 12
            } else {
                // An escaped backslash is copied as a whole: what follows it is text.
                let count = bytes[place] == 0x5C ? min(2, bytes.count - place) : 1
                joined += bytes[place..<(place + count)]
                place += count
            }
        }
        return String(decoding: joined, as: UTF8.self)
    }

    private init(node: Node, file: String, depth: Int, count: inout Int) throws {
        let location = node.mark.map { SourceLocation(file: file, line: $0.line, column: $0.column) }
        count += 1
        guard count <= Self.largestCount else {
            throw InputError(
                "the document has more than \(Self.largestCount) values", at: location ?? SourceLocation(file: file, line: 1),
                hint: "write less into one file, or use fewer aliases of aliases")
        }
        guard depth <= Self.deepest else {
            throw InputError(
                "more than \(Self.deepest) mappings and lists stand inside one another", at: location ?? SourceLocation(file: file, line: 1),
                hint: "nest less")
        }
        switch node {
        case .scalar(let scalar):
            self.init(scalar.style == .plain ? Self.plain(scalar.string) : .string(scalar.string), at: location)
        case .sequence(let sequence):
            self.init(.array(try sequence.map { try Document(node: $0, file: file, depth: depth + 1, count: &count) }), at: location)
        case .mapping(let mapping):
            var fields: [Field] = []
            for (key, value) in mapping {
                let mark = key.mark.map { SourceLocation(file: file, line: $0.line, column: $0.column) }
                guard let name = key.scalar?.string else { throw InputError("a key must be plain text", at: mark, hint: "write key: value") }
                fields.append(Field(name, try Document(node: value, file: file, depth: depth + 1, count: &count), at: mark))
            }
            self.init(.object(fields), at: location)
        case .alias:
            throw InputError("an alias has no anchor", at: location, hint: "write the value itself")
        }
    }

    /// The YAML 1.2 core schema for plain scalars.
    private static func plain(_ text: String) -> Content {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        guard let first = text.utf8.first, first == 0x2B || first == 0x2D || first == 0x2E || (0x30...0x39).contains(first)
        else { return .string(text) }
        if let number = Int(text) { return .int(number) }
        if text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }), let number = Double(text) { return .float(number) }
        return .string(text)
    }
}

extension InputError {
    fileprivate init(_ error: YamlError, file: String) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            self.init(
                problem.contains("nest_level") ? "mappings and lists stand too deep inside one another" : problem,
                at: SourceLocation(file: file, line: mark.line, column: mark.column),
                hint: "this is no YAML: check the indentation, quotes and brackets here")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let mark = context.mark
            let keys = duplicates.map { "\"\($0)\"" }.joined(separator: ", ")
            self.init(
                "the key \(keys) stands twice", at: SourceLocation(file: file, line: mark.line, column: mark.column),
                hint: "keep one of them")
        case .reader(let problem, let offset, _, let yaml):
            let lines = yaml.prefix(offset ?? 0).split(separator: "\n", omittingEmptySubsequences: false)
            self.init(
                problem, at: SourceLocation(file: file, line: max(1, lines.count), column: (lines.last?.unicodeScalars.count ?? 0) + 1),
                hint: "take the character out, or write it as an escape in double quotes")
        default:
            self.init("\(error)", at: SourceLocation(file: file, line: 1), hint: "expected a YAML or JSON file")
        }
    }
}
