import Documents
import Foundation

/// One line of a space's description, with what stands inside it.
package struct DecisionTree: Sendable {
    /// `space, key, choice, alternative, int, float, repeat, shared`.
    package var kind: String
    /// A key, a decision's name, an alternative's label.
    package var label: String
    /// The values, e.g. `8...64 step 8`; empty when the label says all.
    package var detail: String
    package var children: [DecisionTree]

    package var text: String { lines(indent: 0).joined(separator: "\n") + "\n" }

    package var document: Document {
        var fields: [(String, Document)] = [("kind", .string(kind)), ("label", .string(label))]
        if !detail.isEmpty { fields.append(("values", .string(detail))) }
        if !children.isEmpty { fields.append(("children", .array(children.map(\.document)))) }
        return .object(fields)
    }

    private func lines(indent: Int) -> [String] {
        let line = String(repeating: "  ", count: indent) + label + (detail.isEmpty ? "" : ": \(detail)")
        return [line] + children.flatMap { $0.lines(indent: indent + 1) }
    }
}

extension SearchSpace {
    /// The space as an indented tree of its decisions; mappings and lists without decisions are left out.
    package var decisionTree: DecisionTree {
        let root = describe(template, label: "template")
        let parts = root.kind == "key" ? root.children : [root]
        let once = shared.keys.sorted().flatMap { name -> [DecisionTree] in
            guard let target = shared[name], !target.isLiteral else { return [] }
            return [DecisionTree(kind: "shared", label: "shared \(name)", detail: "", children: [describe(target, label: "once")])]
        }
        let rules = ((try? document["constraints"]?.array()) ?? []).map { text in
            DecisionTree(kind: "constraint", label: "constraint", detail: (try? text.string()) ?? "", children: [])
        }
        return DecisionTree(
            kind: "space", label: name, detail: "\(count.text), up to \(decisions.count) decisions", children: parts + once + rules)
    }

    /// For `halcyon space describe`: `name, description, size` (null when infinite)`, combinations` (without floats)`, exact` (false: at
    /// most so many)`, constraints, presets, preset, decisions` (path, name, kind, values, fixed)`, tree`.
    package var descriptionDocument: Document {
        let list = decisions.map { decision -> Document in
            let kind: Document = switch decision.kind {
            case .choice: "choice"
            case .int: "int"
            case .float: "float"
            }
            let values: Document = if case .choice(let labels) = decision.kind {
                .array(labels.map { .string($0) })
            } else {
                .string(decision.range)
            }
            var item: Document = [
                "path": .string(decision.path), "name": decision.name.map { .string($0) } ?? .null, "kind": kind, "values": values,
            ]
            if decision.count == 1 { item["fixed"] = decision.value(at: 0).document }
            return item
        }
        let count = count
        let number: Document = count.number < 0x1p53 ? .int(Int(count.number)) : .float(count.number)
        return [
            "name": .string(name), "description": summary.map { .string($0) } ?? .null,
            "size": count.isInfinite ? .null : number, "combinations": number, "exact": .bool(count.isExact),
            "constraints": .array(constraints.map { .string($0) }), "presets": .array(presets.map { .string($0) }),
            "preset": preset.map { .string($0) } ?? .null,
            "decisions": .array(list), "tree": decisionTree.document,
        ]
    }

    private func describe(_ template: Template, label: String) -> DecisionTree {
        func node(_ kind: String, _ name: String?, _ detail: String, _ children: [DecisionTree] = []) -> DecisionTree {
            DecisionTree(kind: kind, label: name.map { "\(label) (\($0))" } ?? label, detail: detail, children: children)
        }
        /// A nested template that is itself a decision is one line; otherwise its parts stand below.
        func inside(_ child: Template, _ childLabel: String) -> [DecisionTree] {
            child.isLiteral ? [] : [describe(child, label: childLabel)]
        }
        switch template {
        case .literal: return node("key", nil, "")
        case .object(let mapping):
            let rules = mapping.constraints.map { DecisionTree(kind: "constraint", label: "constraint", detail: $0.text, children: []) }
            let hidden = mapping.hidden.flatMap { inside($0.template, "let \($0.key)") }
            return node("key", nil, "", hidden + mapping.members.flatMap { inside($0.template, $0.key) } + rules)
        case .list(let items, _):
            return node("key", nil, "", items.enumerated().flatMap { inside($1, "[\($0)]") })
        case .choice(let choice):
            if choice.alternatives.allSatisfy(\.isLiteral) {
                return node("choice", choice.name, "choice of \(choice.labels.joined(separator: ", "))")
            }
            let alternatives = zip(choice.alternatives, choice.labels).enumerated().map { index, pair in
                var child = describe(pair.0, label: "\(index) \(pair.1)")
                if child.kind == "key" { child.kind = "alternative" }
                return child
            }
            return node("choice", choice.name, "choice of \(choice.labels.count)", alternatives)
        case .int(let range, let name, _):
            return node("int", name, "int " + Decision(path: "", name: nil, kind: .int(range)).range)
        case .float(let range, let name, _):
            return node("float", name, "float " + Decision(path: "", name: nil, kind: .float(range)).range)
        case .repetition(let repetition):
            let counts = Set(repetition.count.counts(shared: shared)).sorted()
            let times = counts.isEmpty
                ? "derived" : counts.count > 8
                ? "\(counts[0])...\(counts[counts.count - 1])" : counts.map(String.init).joined(separator: ", ")
            return node(
                "repeat", repetition.name, "repeat \(times) times, \(repetition.tied ? "tied" : "independent")",
                inside(repetition.count, "count") + inside(repetition.template, repetition.tied ? "[*]" : "[each]"))
        case .shared(let name): return node("shared", nil, "shared \(name)")
        case .derived(let source): return node("derived", nil, "= \(source.text)")
        }
    }
}

extension SpaceSize {
    /// `1,234 points`, `infinitely many points, 1,234 without the continuous numbers`.
    package var text: String {
        let most = isExact ? "" : "at most "
        let amount = "\(most)\(Self.written(number))"
        return isInfinite ? "infinitely many points, \(amount) without the continuous numbers" : number == 1 ? "\(most)1 point" : "\(amount) points"
    }

    private static func written(_ number: Double) -> String {
        guard number < 1e15 else { return "about \(Double(String(format: "%.3g", number)) ?? number)" }
        var digits = String(Int(number))
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return ([digits] + groups).joined(separator: ",")
    }
}
