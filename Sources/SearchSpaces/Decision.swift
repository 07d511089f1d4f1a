import Documents
import RandomStreams

/// What was decided: an alternative's index or a number.
package enum DecisionValue: Sendable, Hashable {
    case choice(Int)
    case int(Int)
    case float(Double)

    package var document: Document {
        switch self {
        case .choice(let number), .int(let number): .int(number)
        case .float(let number): .float(number)
        }
    }
}

/// One decision of a space, at one place of its template.
///
/// Paths read like `network.blocks[2]`: mapping keys after dots, list and repeat positions in brackets. What stands inside
/// alternative 1 of a choice at P is at `P/1...`, a repeat's count at `P.count`, the decisions of tied positions at `P[*]...`,
/// those of a shared template at `shared.NAME...`.
package struct Decision: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// One of the alternatives, given by their labels.
        case choice([String])
        case int(IntRange)
        case float(FloatRange)
    }

    package var path: String
    /// The name given in the space file, for reading.
    package var name: String?
    package var kind: Kind
    /// Of a choice, its number in the space file: the same at every use of a definition and every position of a repeat.
    package var choice: Int?
    /// Of a choice that a preset fixes, its alternative; a number that is fixed has a range of one value.
    package var fixed: Int?

    /// How many values there are; nil for a float of more than one value and without steps.
    package var count: Int? {
        switch kind {
        case .choice(let labels): fixed == nil ? labels.count : 1
        case .int(let range): range.count
        case .float(let range): range.count
        }
    }

    /// The value number `index` of a decision that can be counted.
    package func value(at index: Int) -> DecisionValue {
        switch kind {
        case .choice: .choice(fixed ?? index)
        case .int(let range): .int(range.value(at: index))
        case .float(let range): .float(range.value(at: index))
        }
    }

    package func allows(_ value: DecisionValue) -> Bool {
        switch (kind, value) {
        case (.choice(let labels), .choice(let index)): fixed.map { $0 == index } ?? labels.indices.contains(index)
        case (.int(let range), .int(let number)): range.contains(number)
        case (.float(let range), .float(let number)): range.contains(number)
        default: false
        }
    }

    package func sample(using stream: inout RandomStream) -> DecisionValue {
        switch kind {
        case .choice(let labels): .choice(fixed ?? stream.index(below: labels.count))
        case .int(let range): .int(range.sample(using: &stream))
        case .float(let range): .float(range.sample(using: &stream))
        }
    }

    /// Another value than this one: any other alternative; for numbers a near one, one time in five any other.
    func changed(_ value: DecisionValue, using stream: inout RandomStream) -> DecisionValue {
        switch (kind, value) {
        case (.choice(let labels), .choice(let old)):
            return .choice((old + 1 + stream.index(below: labels.count - 1)) % labels.count)
        case (.int(let range), .int(let old)):
            if stream.flag(probability: 0.2) {
                let found = range.sample(using: &stream)
                if found != old { return .int(found) }
            }
            return .int(range.moved(old, using: &stream))
        case (.float(let range), .float(let old)):
            if stream.flag(probability: 0.2) {
                let found = range.sample(using: &stream)
                if found != old { return .float(found) }
            }
            return .float(range.moved(old, using: &stream))
        default: preconditionFailure("\(value) is no value of \(path)")
        }
    }

    /// The one-edit neighbours: every other alternative; the adjacent integers or steps; a float a tenth of its range up and down.
    func adjacent(to value: DecisionValue) -> [DecisionValue] {
        switch (kind, value) {
        case (.choice(let labels), .choice(let old)):
            return fixed == nil ? labels.indices.filter { $0 != old }.map { .choice($0) } : []
        case (.int(let range), .int(let old)):
            return [old - range.step, old + range.step].filter(range.contains).map { .int($0) }
        case (.float(let range), .float(let old)): return range.adjacent(to: old).map { .float($0) }
        default: preconditionFailure("\(value) is no value of \(path)")
        }
    }
}
