import Foundation
import Yams

extension Document {
    /// Reads a YAML or JSON file.
    package static func load(_ path: String) throws -> Document {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw InputError(file: path, FileManager.default.fileExists(atPath: path) ? "cannot be read" : "no such file")
        }
        guard let text = String(data: data, encoding: .utf8) else { throw InputError(file: path, "is not UTF-8 text") }
        return try parse(text, file: path)
    }

    /// Parses one YAML document (JSON is a subset). Anchors and aliases are resolved; duplicate keys are refused.
    package static func parse(_ text: String, file: String) throws -> Document {
        do {
            guard let node = try Yams.compose(yaml: text) else {
                throw InputError("the document is empty", at: SourceLocation(file: file, line: 1))
            }
            return try Document(node: node, file: file)
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

    private init(node: Node, file: String) throws {
        let location = node.mark.map { SourceLocation(file: file, line: $0.line, column: $0.column) }
        switch node {
        case .scalar(let scalar):
            self.init(scalar.style == .plain ? Self.plain(scalar.string) : .string(scalar.string), at: location)
        case .sequence(let sequence):
            self.init(.array(try sequence.map { try Document(node: $0, file: file) }), at: location)
        case .mapping(let mapping):
            var fields: [Field] = []
            for (key, value) in mapping {
                let mark = key.mark.map { SourceLocation(file: file, line: $0.line, column: $0.column) }
                guard let name = key.scalar?.string else { throw InputError("a key must be plain text", at: mark) }
                fields.append(Field(name, try Document(node: value, file: file), at: mark))
            }
            self.init(.object(fields), at: location)
        case .alias:
            throw InputError("an alias has no anchor", at: location)
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
            self.init(problem, at: SourceLocation(file: file, line: mark.line, column: mark.column))
        case .duplicatedKeysInMapping(let duplicates, let context):
            let mark = context.mark
            let keys = duplicates.map { "\"\($0)\"" }.joined(separator: ", ")
            self.init("the key \(keys) stands twice", at: SourceLocation(file: file, line: mark.line, column: mark.column))
        default:
            self.init("\(error)", at: SourceLocation(file: file, line: 1))
        }
    }
}
