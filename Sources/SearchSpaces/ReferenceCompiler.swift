import Documents

/// Resolves a path in an expression, such as `network.skeleton.stages[0].width`, to operations: through each alternative of a choice,
/// through references, and into positions of repeats. What an alternative or a position lacks is missing there.
struct ReferenceCompiler {
    /// What is asked of the thing at the path's end.
    enum Question { case value, presence, length }

    private enum Step {
        case key(String, Int)
        case index(Int, Int)
        case all(Int)

        var offset: Int {
            switch self {
            case .key(_, let offset), .index(_, let offset), .all(let offset): offset
            }
        }
    }

    private let expression: ExpressionCompiler
    private var source: ExpressionSource { expression.source }

    init(_ expression: ExpressionCompiler) { self.expression = expression }

    func compile(_ path: Expression, as question: Question, _ space: inout SpaceCompiler) throws -> [CompiledExpression] {
        var steps: [Step] = []
        var base = path
        walk: while true {
            switch base {
            case .member(let inner, let name, let offset):
                steps.append(.key(name, offset))
                base = inner
            case .element(let inner, let index, let offset):
                let compiled = try expression.compile(index, &space)
                guard case .integer(let number)? = space.program.constant(at: compiled.root) else {
                    throw source.fail("a position is a number, or follows from `position` alone", at: offset)
                }
                steps.append(.index(number, offset))
                base = inner
            case .elements(let inner, let offset):
                steps.append(.all(offset))
                base = inner
            default: break walk
            }
        }
        guard case .name(let name, let offset) = base else {
            if question == .value, steps.isEmpty { return [try expression.compile(path, &space)] }
            throw source.fail("expected a name", at: nil, hint: "only what a name stands for can be asked for, or has parts")
        }
        steps.reverse()
        let found = try resolve(name, offset, steps[...], question, &space)
        let all = found.reduce(ExpressionKinds()) { $0.union($1.kinds) }
        if all == .missing, space.isListed, steps.contains(where: { if case .key = $0 { true } else { false } }),
            !steps.contains(where: { if case .index = $0 { true } else { false } })
        {
            throw source.fail("nothing has these parts in any architecture", at: offset, hint: "check the names after the dots")
        }
        return found
    }

    private func resolve(
        _ name: String, _ offset: Int, _ steps: ArraySlice<Step>, _ question: Question, _ space: inout SpaceCompiler
    ) throws -> [CompiledExpression] {
        switch expression.scope.lookUp(name, besides: expression.path) {
        case .position(let index)?:
            return [CompiledExpression(root: space.program.constant(.integer(index)), kinds: .integer)]
        case .template(let template, let path)?: return try follow(template, path, steps, question, offset, &space)
        case .shared(let shared)?: return try follow(.shared(shared), "", steps, question, offset, &space)
        case nil: break
        }
        if space.shared[name] != nil { return try follow(.shared(name), "", steps, question, offset, &space) }
        if let places = space.named[name] {
            guard places.count == 1 else {
                throw source.fail(
                    "the name \"\(name)\" is given to several decisions: \(places.prefix(3).map(\.path).joined(separator: ", "))", at: offset,
                    hint: "write the path to the one that is meant")
            }
            return try follow(places[0].template, places[0].path, steps, question, offset, &space).map {
                CompiledExpression(root: $0.root, kinds: $0.kinds.union(.missing))
            }
        }
        let known = expression.scope.names + Array(space.shared.keys).sorted() + Array(space.named.keys).sorted()
        let hint = nearestWord(to: name, in: known).map { "did you mean \"\($0)\"?" }
            ?? (name.contains("-") ? "a minus stands between spaces" : "in reach: \(Set(known).sorted().prefix(12).joined(separator: ", ")); texts stand in quotes")
        throw source.fail("nothing here is called \"\(name)\"", at: offset, hint: hint)
    }

    private func missing(_ space: inout SpaceCompiler) -> CompiledExpression {
        CompiledExpression(root: space.program.constant(.missing), kinds: .missing)
    }

    private func slot(
        _ code: ExpressionProgram.Code, _ kinds: ExpressionKinds, _ path: String, _ offset: Int, _ space: inout SpaceCompiler
    ) throws -> CompiledExpression {
        guard let slot = try number(path, offset, space) else { return missing(&space) }
        return CompiledExpression(root: space.program.add(code, Int32(slot)), kinds: kinds)
    }

    /// The slot of a decision; nil when there is none, as beyond the last position.
    private func number(_ path: String, _ offset: Int, _ space: SpaceCompiler) throws -> Int? {
        if let slot = space.slots[path] { return slot }
        if !space.isListed { throw tooLate(offset) }
        return nil
    }

    private func tooLate(_ offset: Int) -> InputError {
        source.fail("a count follows only from what is decided before it", at: offset, hint: "move this above the repeat, or under shared")
    }

    /// An alternative that is a mapping or a list has its label for a value.
    private func follow(
        _ template: Template, _ path: String, _ steps: ArraySlice<Step>, _ question: Question, _ offset: Int,
        _ space: inout SpaceCompiler
    ) throws -> [CompiledExpression] {
        switch template {
        case .literal(let document): return try follow(document, steps, question, offset, &space)
        case .shared(let name):
            guard let target = space.shared[name] else { preconditionFailure("no shared template \(name)") }
            if !space.sharedNames.contains(name) {
                if !space.isListed { throw tooLate(offset) }
                if !target.isLiteral {
                    throw source.fail("the shared template \"\(name)\" is used nowhere, so it is never decided", at: offset, hint: "refer to it in the template: {reference: \(name)}")
                }
            }
            return try follow(target, Template.sharedPath(name), steps, question, offset, &space)
        case .choice(let choice):
            guard let slot = try number(path, offset, space) else { return [missing(&space)] }
            var all: [[CompiledExpression]] = []
            for (index, item) in choice.alternatives.enumerated() {
                let inner = Template.path(path, alternative: index)
                let isComposite = steps.isEmpty && question == .value && item.isComposite(space.shared)
                if isComposite {
                    let label = space.program.text(choice.labels[index])
                    all.append([CompiledExpression(root: space.program.constant(label), kinds: .text)])
                } else {
                    all.append(try follow(item, inner, steps, question, offset, &space))
                }
            }
            if steps.contains(where: { if case .all = $0 { true } else { false } }) {
                return all.enumerated().flatMap { index, parts in
                    let taken = space.program.add(.alternative, Int32(slot), Int32(index))
                    return parts.map { part in
                        CompiledExpression(
                            root: space.program.add(.guarded, part.root, list: [taken]), kinds: part.kinds.union(.missing))
                    }
                }
            }
            let kinds = all.reduce(ExpressionKinds()) { $0.union($1[0].kinds) }
            return [CompiledExpression(root: space.program.add(.select, Int32(slot), list: all.map { $0[0].root }), kinds: kinds)]
        case .object(let mapping):
            guard let step = steps.first else { return try composite("a mapping", question, offset, &space) }
            guard case .key(let name, _) = step, let member = mapping.members.first(where: { $0.key == name }) else { return [missing(&space)] }
            return try follow(member.template, Template.path(path, key: name), steps.dropFirst(), question, step.offset, &space)
        case .list(let items, _):
            guard let step = steps.first else {
                if question == .length { return [CompiledExpression(root: space.program.constant(.integer(items.count)), kinds: .integer)] }
                return try composite("a list", question, offset, &space)
            }
            switch step {
            case .key: throw source.fail("a list has positions", at: step.offset, hint: "write [0] or [*] before the dot")
            case .index(let index, _):
                guard items.indices.contains(index) else { return [missing(&space)] }
                return try follow(items[index], Template.path(path, position: index), steps.dropFirst(), question, step.offset, &space)
            case .all:
                var found: [CompiledExpression] = []
                for (index, item) in items.enumerated() {
                    found += try follow(item, Template.path(path, position: index), steps.dropFirst(), question, step.offset, &space)
                }
                return found
            }
        case .repetition(let repetition): return try follow(repetition, path, steps, question, offset, &space)
        case .int, .float, .derived:
            guard steps.isEmpty else { return [missing(&space)] }
            guard question != .length else { throw source.fail("this is a single value", at: offset, hint: "count takes a list") }
            switch template {
            case .int: return [try slot(.integerSlot, .integer, path, offset, &space)]
            case .float: return [try slot(.realSlot, .real, path, offset, &space)]
            case .derived(let derived):
                guard let scope = space.scopesOfDerived[path] else {
                    if !space.isListed { throw tooLate(offset) }
                    return [missing(&space)]
                }
                return [try space.compileDerived(derived, path: path, scope: scope)]
            default: preconditionFailure()
            }
        }
    }

    private func composite(
        _ what: String, _ question: Question, _ offset: Int, _ space: inout SpaceCompiler
    ) throws -> [CompiledExpression] {
        guard question == .presence else {
            throw source.fail("this is \(what)", at: offset, hint: "name a part of it, or ask exists(...) or count(...)")
        }
        return [CompiledExpression(root: space.program.constant(.truth(true)), kinds: .truth)]
    }

    private func follow(
        _ repetition: Template.Repetition, _ path: String, _ steps: ArraySlice<Step>, _ question: Question, _ offset: Int,
        _ space: inout SpaceCompiler
    ) throws -> [CompiledExpression] {
        guard let count = space.counts[path] else {
            if !space.isListed { throw tooLate(offset) }
            return [missing(&space)]
        }
        let length = space.operation(count)
        guard let step = steps.first else {
            if question == .length { return [CompiledExpression(root: length, kinds: .integer)] }
            return try composite("a list", question, offset, &space)
        }
        func element(_ index: Int, _ space: inout SpaceCompiler) throws -> [CompiledExpression] {
            let itemPath = repetition.tied ? Template.tiedPath(path) : Template.path(path, position: index)
            let found = try follow(repetition.template, itemPath, steps.dropFirst(), question, step.offset, &space)
            let isCertain = space.lowest(count) > index
            return found.map { part in
                let root = space.program.add(.counted, length, Int32(index), part.root)
                return CompiledExpression(root: root, kinds: isCertain ? part.kinds : part.kinds.union(.missing))
            }
        }
        let most = try space.largest(count)
        switch step {
        case .key: throw source.fail("a repeat has positions", at: step.offset, hint: "write [0] or [*] before the dot")
        case .index(let index, _):
            guard index >= 0, index < most else { return [missing(&space)] }
            return try element(index, &space)
        case .all:
            var found: [CompiledExpression] = []
            for index in 0..<most { found += try element(index, &space) }
            return found
        }
    }

    private func follow(
        _ document: Document, _ steps: ArraySlice<Step>, _ question: Question, _ offset: Int, _ space: inout SpaceCompiler
    ) throws -> [CompiledExpression] {
        func constant(_ value: ExpressionValue, _ kinds: ExpressionKinds) -> [CompiledExpression] {
            [CompiledExpression(root: space.program.constant(value), kinds: kinds)]
        }
        guard let step = steps.first else {
            switch (document.value, question) {
            case (.array(let items), .length): return constant(.integer(items.count), .integer)
            case (.array, _): return try composite("a list", question, offset, &space)
            case (.object, _): return try composite("a mapping", question, offset, &space)
            case (_, .length): throw source.fail("this is a single value", at: offset, hint: "count takes a list")
            case (.null, _): return [missing(&space)]
            case (.bool(let flag), _): return constant(.truth(flag), .truth)
            case (.int(let number), _): return constant(.integer(number), .integer)
            case (.float(let number), _): return constant(number.isFinite ? .real(number) : .fault, .real)
            case (.string(let text), _): return constant(space.program.text(text), .text)
            }
        }
        switch (step, document.value) {
        case (.key(let name, _), .object):
            guard let inner = document[name] else { return [missing(&space)] }
            return try follow(inner, steps.dropFirst(), question, step.offset, &space)
        case (.index(let index, _), .array(let items)):
            guard items.indices.contains(index) else { return [missing(&space)] }
            return try follow(items[index], steps.dropFirst(), question, step.offset, &space)
        case (.all, .array(let items)):
            var found: [CompiledExpression] = []
            for item in items { found += try follow(item, steps.dropFirst(), question, step.offset, &space) }
            return found
        default: return [missing(&space)]
        }
    }
}

extension Template {
    /// Whether it is a mapping or a list, whatever is decided.
    func isComposite(_ shared: [String: Template]) -> Bool {
        switch self {
        case .object, .list, .repetition: return true
        case .shared(let name): return shared[name]?.isComposite(shared) ?? false
        case .literal(let document):
            switch document.value {
            case .array, .object: return true
            default: return false
            }
        default: return false
        }
    }
}
