import Documents

/// The active decisions of one point of a space, in template order. Made and understood by its `SearchSpace`.
package struct Genotype: Sendable, Hashable {
    package struct Entry: Sendable, Hashable {
        package var path: String
        package var value: DecisionValue
    }

    package private(set) var entries: [Entry] = []
    private var positions: [String: Int] = [:]

    /// One without decisions.
    package init() {}

    package var count: Int { entries.count }
    package var paths: [String] { entries.map(\.path) }

    /// The value decided at a path, nil when that decision is not active.
    package subscript(path: String) -> DecisionValue? { positions[path].map { entries[$0].value } }

    /// A JSON object from path to value (choices by index), in template order.
    package var document: Document { .object(entries.map { ($0.path, $0.value.document) }) }

    mutating func append(_ path: String, _ value: DecisionValue) {
        precondition(positions[path] == nil, "the path \(path) is decided twice")
        positions[path] = entries.count
        entries.append(Entry(path: path, value: value))
    }

    package static func == (a: Genotype, b: Genotype) -> Bool { a.entries == b.entries }
    package func hash(into hasher: inout Hasher) { hasher.combine(entries) }
}
