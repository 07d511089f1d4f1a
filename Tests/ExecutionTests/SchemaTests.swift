import Documents
import Foundation
import Testing
import Trials

/// `schema.json` says what the parser reads: golden lines fit it, and lines that are spoilt in one place fit neither.
@Suite struct SchemaTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Experiments/worker-protocol").standardized.path

    let schema: Document
    /// Golden lines without their direction, with whether they go to the worker.
    let lines: [(text: String, isCommand: Bool)]

    init() throws {
        schema = try Document.load(Self.folder + "/schema.json")
        lines = try String(contentsOfFile: Self.folder + "/transcript.jsonl", encoding: .utf8).split(separator: "\n")
            .map { (String($0.dropFirst(2)), $0.hasPrefix(">")) }
    }

    private func fits(_ document: Document) throws -> Bool { try JSONSchema(root: schema).accepts(document, schema) }

    private func parses(_ line: String, _ isCommand: Bool) -> Bool {
        isCommand ? (try? WireCommand(line: line)) != nil : (try? WorkerEvent(line: line)) != nil
    }

    @Test func goldenLinesFit() throws {
        for (text, _) in lines { #expect(try fits(Document.parse(text, file: "line")), "\(text)") }
    }

    /// Each field taken out, and replaced by something else: schema and parser agree on every one.
    @Test func schemaAndParserAgree() throws {
        let strange: [Document] = [.null, .bool(false), .int(-1), .int(0), .float(1.5), .string("x"), .array([]), .object([]), .array([.int(1)])]
        var (refused, accepted) = (0, 0)
        for (text, isCommand) in lines {
            let fields = try Document.parse(text, file: "line").fields()
            for (index, field) in fields.enumerated() {
                var less = fields
                less.remove(at: index)
                var variants = [Document.object(less.map { ($0.key, $0.value) })]
                for value in strange {
                    variants.append(.object(fields.map { ($0.key, $0.key == field.key ? value : $0.value) }))
                }
                for variant in variants {
                    // What the schema leaves to words: null stands for an absent optional field, a result's first point is 0.
                    let isNullOption = variant[field.key]?.isNull == true && ["capabilities", "latency", "unit", "fatal", "stop"].contains(field.key)
                    if isNullOption { continue }
                    let (bySchema, byParser) = (try fits(variant), parses(variant.json, isCommand))
                    #expect(bySchema == byParser, "schema \(bySchema), parser \(byParser): \(variant.json)")
                    if byParser { accepted += 1 } else { refused += 1 }
                }
            }
        }
        #expect(refused > 300 && accepted > 20, "\(refused) refused, \(accepted) accepted")
    }
}

/// As much of JSON Schema as `schema.json` uses.
struct JSONSchema {
    var root: Document

    func accepts(_ value: Document, _ schema: Document) throws -> Bool {
        let known = ["$schema", "$id", "$defs", "title", "$ref", "oneOf", "const", "enum", "type", "required", "properties", "additionalProperties", "items", "minItems", "minimum"]
        for field in try schema.fields() where !known.contains(field.key) { throw schema.fail("\(field.key) is not understood here") }
        if let reference = try schema.optional("$ref")?.string() {
            let name = String(reference.dropFirst("#/$defs/".count))
            return try accepts(value, root.required("$defs").required(name))
        }
        if let choices = try schema.optional("oneOf")?.array() {
            return try choices.filter { try accepts(value, $0) }.count == 1
        }
        if let constant = try schema.optional("const"), constant != value { return false }
        if let words = try schema.optional("enum")?.array(), !words.contains(value) { return false }
        if let type = try schema.optional("type") {
            let names = (try? type.array()) ?? [type]
            guard try names.contains(where: { try Self.isOf(value, type: $0.string()) }) else { return false }
        }
        if let minimum = try schema.optional("minimum")?.double(), let number = try? value.double(), number < minimum { return false }
        if let fields = try? value.fields() {
            for key in try schema.optional("required")?.array() ?? [] where value[try key.string()] == nil { return false }
            let properties = try schema.optional("properties")
            for field in fields {
                if let rule = properties?[field.key] {
                    guard try accepts(field.value, rule) else { return false }
                } else if let rule = try schema.optional("additionalProperties") {
                    guard try accepts(field.value, rule) else { return false }
                }
            }
        }
        if let items = try? value.array() {
            if let least = try schema.optional("minItems")?.int(), items.count < least { return false }
            if let rule = try schema.optional("items") { for item in items where try !accepts(item, rule) { return false } }
        }
        return true
    }

    private static func isOf(_ value: Document, type: String) throws -> Bool {
        switch type {
        case "null": value.isNull
        case "object": (try? value.fields()) != nil
        case "array": (try? value.array()) != nil
        case "string": (try? value.string()) != nil
        case "boolean": (try? value.bool()) != nil
        case "integer": (try? value.int()) != nil
        case "number": (try? value.double()) != nil
        default: throw value.fail("the type \(type) is not understood here")
        }
    }
}
