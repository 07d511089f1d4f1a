/// A value tree (YAML or JSON) whose every node remembers the file and line it came from.
///
/// Equality and hashes ignore locations. Object fields keep their written order; `canonicalJSON` sorts them.
package struct Document: Sendable {
    package enum Content: Sendable {
        case null
        case bool(Bool)
        case int(Int)
        case float(Double)
        case string(String)
        case array([Document])
        case object([Field])
    }

    package struct Field: Sendable {
        package var key: String
        package var value: Document
        package var keyLocation: SourceLocation?

        package init(_ key: String, _ value: Document, at keyLocation: SourceLocation? = nil) {
            self.key = key
            self.value = value
            self.keyLocation = keyLocation
        }
    }

    package var value: Content
    package var location: SourceLocation?

    package init(_ value: Content, at location: SourceLocation? = nil) {
        self.value = value
        self.location = location
    }

    package static let null = Document(.null)
    package static func object(_ fields: [(String, Document)]) -> Document {
        Document(.object(fields.map { Field($0.0, $0.1) }))
    }
    package static func array(_ items: [Document]) -> Document { Document(.array(items)) }
    package static func int(_ value: Int) -> Document { Document(.int(value)) }
    package static func float(_ value: Double) -> Document { Document(.float(value)) }
    package static func string(_ value: String) -> Document { Document(.string(value)) }
    package static func bool(_ value: Bool) -> Document { Document(.bool(value)) }

    /// The field's value, or nil when this is no object or has no such key. Setting nil removes the field.
    package subscript(key: String) -> Document? {
        get {
            guard case .object(let fields) = value else { return nil }
            return fields.first { $0.key == key }?.value
        }
        set {
            guard case .object(var fields) = value else { preconditionFailure("not an object") }
            if let index = fields.firstIndex(where: { $0.key == key }) {
                if let newValue { fields[index].value = newValue } else { fields.remove(at: index) }
            } else if let newValue {
                fields.append(Field(key, newValue))
            }
            value = .object(fields)
        }
    }

    package var isNull: Bool { if case .null = value { true } else { false } }

    /// What the value is, in a reader's words, for error messages.
    package var kindName: String {
        switch value {
        case .null: "nothing"
        case .bool(let value): "\(value)"
        case .int(let value): "the integer \(value)"
        case .float(let value): "the number \(value)"
        case .string(let value): "the text \"\(value.prefix(60))\""
        case .array(let items): "a list of \(items.count)"
        case .object: "a mapping"
        }
    }
}

extension Document: Equatable, Hashable {
    package static func == (a: Document, b: Document) -> Bool {
        switch (a.value, b.value) {
        case (.null, .null): true
        case (.bool(let x), .bool(let y)): x == y
        case (.int(let x), .int(let y)): x == y
        case (.float(let x), .float(let y)): x == y
        case (.string(let x), .string(let y)): x == y
        case (.array(let x), .array(let y)): x == y
        case (.object(let x), .object(let y)):
            x.count == y.count && x.allSatisfy { field in y.first { $0.key == field.key }?.value == field.value }
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(canonicalJSON) }
}

extension Document: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self.init(.string(value)) }
    package init(integerLiteral value: Int) { self.init(.int(value)) }
    package init(floatLiteral value: Double) { self.init(.float(value)) }
    package init(booleanLiteral value: Bool) { self.init(.bool(value)) }
    package init(arrayLiteral elements: Document...) { self.init(.array(elements)) }
    package init(dictionaryLiteral elements: (String, Document)...) {
        self.init(.object(elements.map { Field($0.0, $0.1) }))
    }
}
