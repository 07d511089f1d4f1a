import Yams

extension Document {
    /// Compact JSON on one line, fields in written order. Numbers round-trip exactly.
    package var json: String { var text = ""; write(into: &text, sorted: false); return text }

    /// Compact JSON with sorted keys: equal documents have equal text.
    package var canonicalJSON: String { var text = ""; write(into: &text, sorted: true); return text }

    /// The SHA-256 of `canonicalJSON`, in hexadecimal.
    package var digest: String { SHA256.hexadecimal(of: Array(canonicalJSON.utf8)) }

    /// Block-style YAML that parses back to an equal document.
    package var yaml: String {
        (try? Yams.serialize(node: node, width: 100, sortKeys: false)) ?? json + "\n"
    }

    private func write(into text: inout String, sorted: Bool) {
        switch value {
        case .null: text += "null"
        case .bool(let flag): text += flag ? "true" : "false"
        case .int(let number): text += "\(number)"
        case .float(let number): text += number.isFinite ? "\(number)" : "null"
        case .string(let string): Self.quote(string, into: &text)
        case .array(let items):
            text += "["
            for (index, item) in items.enumerated() {
                if index > 0 { text += "," }
                item.write(into: &text, sorted: sorted)
            }
            text += "]"
        case .object(let fields):
            text += "{"
            for (index, field) in (sorted ? fields.sorted { $0.key < $1.key } : fields).enumerated() {
                if index > 0 { text += "," }
                Self.quote(field.key, into: &text)
                text += ":"
                field.value.write(into: &text, sorted: sorted)
            }
            text += "}"
        }
    }

    private static func quote(_ string: String, into text: inout String) {
        text += "\""
        // Most texts are plain and are copied as a whole.
        if string.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }) {
            text += string
            text += "\""
            return
        }
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case let unprintable where !isPrintable(unprintable):
                let hex = String(unprintable.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }

    /// Whether a YAML reader takes the character as it is, anywhere. All others have at most four hexadecimal digits.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF: false
        default: true
        }
    }

    private var node: Node {
        switch value {
        case .null: Node("null")
        case .bool(let flag): Node(flag ? "true" : "false")
        case .int(let number): Node("\(number)")
        case .float(let number): Node("\(number)")
        case .string(let string):
            Node(string, .implicit, Self.needsQuotes(string) ? .doubleQuoted : .any)
        case .array(let items):
            Node(items.map(\.node), .implicit, items.allSatisfy(\.isScalar) ? .flow : .block)
        case .object(let fields):
            Node(
                fields.map { (Node($0.key), $0.value.node) }, .implicit,
                !fields.isEmpty && fields.count <= 6 && fields.allSatisfy(\.value.isScalar) ? .flow : .block)
        }
    }

    private var isScalar: Bool {
        switch value {
        case .array, .object: false
        default: true
        }
    }

    private static func needsQuotes(_ string: String) -> Bool {
        guard let parsed = try? Document.parse(string, file: ""), case .string(string) = parsed.value else { return true }
        return false
    }
}
