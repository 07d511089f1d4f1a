import Documents
import Foundation

/// Takes in other files, named from the folder of the file that names them; what comes from them keeps its own file and line.
///
/// `include: FILE` (or a list) at the top of a space takes in that file's `definitions`, `shared`, `presets` and `constraints`, and its
/// `template` where the space has none. The space's own entries stand before included ones of the same name. Anywhere else the
/// mapping `{include: FILE}` is the file's content.
package struct SpaceIncludes {
    private static let key = "include"
    /// Of files, those that are included twice counted twice.
    private static let limit = 1_000
    private var count = 0

    /// The space with everything in it.
    /// - Throws: `InputError` at the `include` whose file cannot be read, or at the fault in the file.
    package static func resolved(_ document: Document) throws -> Document {
        guard holdsInclude(document) else { return document }
        var includes = SpaceIncludes()
        return try includes.space(document, within: [])
    }

    private static func holdsInclude(_ document: Document) -> Bool {
        switch document.value {
        case .array(let items): items.contains(where: holdsInclude)
        case .object(let fields): fields.contains { $0.key == key || holdsInclude($0.value) }
        default: false
        }
    }

    private static func standardized(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }

    private mutating func load(_ source: Document, within files: [String]) throws -> (document: Document, files: [String]) {
        let name = try source.string(Self.key)
        let from = source.location?.file ?? ""
        let folder = from.contains("/") ? String(from[..<(from.lastIndex(of: "/") ?? from.startIndex)]) : from.hasPrefix("/") ? "/" : "."
        let path = name.hasPrefix("/") ? name : folder == "." ? name : "\(folder)/\(name)"
        var files = files
        if files.isEmpty { files = [Self.standardized(from)] }
        let file = Self.standardized(path)
        guard !files.contains(file) else {
            let names = (files[(files.firstIndex(of: file) ?? 0)...] + [file]).map { URL(fileURLWithPath: $0).lastPathComponent }
            throw source.fail("the include is cyclic: \(names.joined(separator: " > "))", hint: "a file cannot contain itself")
        }
        count += 1
        guard count <= Self.limit else { throw source.fail("more than \(Self.limit) files are included", hint: "include fewer") }
        guard isRegularFile(path) else {
            throw source.fail("include: no such file: \(path)", hint: "name a file, from the folder of \(from.isEmpty ? "this file" : from) on")
        }
        return (try Document.load(path), files + [file])
    }

    /// A whole space, or a file that one includes at its top.
    private mutating func space(_ document: Document, within files: [String]) throws -> Document {
        guard case .object(let fields) = document.value else { return document }
        var merged = document
        merged[Self.key] = nil
        for field in fields where field.key != Self.key { merged[field.key] = try content(field.value, within: files) }
        guard let include = document[Self.key], !include.isNull else { return merged }
        let sources = if case .array(let items) = include.value { items } else { [include] }
        var origins: [String: Document] = [:]
        for source in sources {
            let (loaded, chain) = try load(source, within: files)
            try loaded.allowOnly(SearchSpace.keys)
            try loaded.checkVersion()
            let other = try space(loaded, within: chain)
            for section in ["definitions", "shared", "presets"] {
                guard let entries = try other.optional(section)?.fields(section) else { continue }
                var own = try merged.optional(section) ?? Document(.object([]), at: other[section]?.location)
                let before = try document.optional(section)?.fields(section).map(\.key) ?? []
                for entry in entries where !before.contains(entry.key) {
                    if let first = origins["\(section) \(entry.key)"] {
                        throw InputError(
                            "\(section): \"\(entry.key)\" comes from two included files: here and from \(first.location?.description ?? "another")",
                            at: entry.keyLocation, hint: "define it in the including file, which goes before both")
                    }
                    origins["\(section) \(entry.key)"] = entry.value
                    own.append(entry)
                }
                merged[section] = own
            }
            if let more = try other.optional("constraints")?.array("constraints") {
                let own = try merged.optional("constraints")?.array("constraints") ?? []
                merged["constraints"] = Document(.array(own + more), at: merged["constraints"]?.location ?? other["constraints"]?.location)
            }
            if merged["template"] == nil { merged["template"] = other["template"] }
        }
        return merged
    }

    private mutating func content(_ document: Document, within files: [String]) throws -> Document {
        switch document.value {
        case .array(let items):
            var found: [Document] = []
            for item in items { found.append(try content(item, within: files)) }
            return Document(.array(found), at: document.location)
        case .object(let fields):
            if fields.count == 1, fields[0].key == Self.key {
                let (loaded, chain) = try load(fields[0].value, within: files)
                return try content(loaded, within: chain)
            }
            if let field = fields.first(where: { $0.key == Self.key }) {
                throw InputError(
                    "\"include\" stands alone in a mapping", at: field.keyLocation, hint: "{include: FILE} is the file's content; move the other keys into it")
            }
            var found: [Document.Field] = []
            for field in fields { found.append(Document.Field(field.key, try content(field.value, within: files), at: field.keyLocation)) }
            return Document(.object(found), at: document.location)
        default: return document
        }
    }
}

extension Document {
    fileprivate mutating func append(_ field: Field) {
        guard case .object(var fields) = value else { preconditionFailure("not an object") }
        fields.append(field)
        value = .object(fields)
    }
}
