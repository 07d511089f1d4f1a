import Documents

extension SearchSpace {
    /// Asks for each decision that becomes active, in template order; constraints are not looked at.
    func walk<Failure: Error>(_ decide: (Decision) throws(Failure) -> DecisionValue) throws(Failure) -> Genotype {
        var genotype = Genotype()
        _ = try plan.walk { (slot) throws(Failure) -> Double in
            let decision = plan.decisions[slot]
            let value = try decide(decision)
            genotype.append(decision.path, value)
            return value.number
        }
        return genotype
    }

    /// The genotype itself where it is feasible, or a feasible one near it.
    /// - Parameter held: the decisions that keep their value as long as that goes.
    func repaired(_ genotype: Genotype, holding held: [String] = []) -> Genotype {
        guard feasibility.isConstrained else { return genotype }
        let vector = plan.vector(genotype)
        if plan.broken(vector) == nil { return genotype }
        return plan.genotype(feasibility.repaired(vector, holding: held.compactMap { plan.slots[$0] }))
    }

    func isFeasible(_ genotype: Genotype) -> Bool { !feasibility.isConstrained || plan.broken(plan.vector(genotype)) == nil }

    /// The template's document under these decisions; values keep the locations of the space file.
    package func resolve(_ genotype: Genotype) -> Document {
        var builder = DocumentBuilder(space: self, genotype: genotype)
        return builder.build(template, path: "")
    }

    /// Reads a genotype as written by `Genotype.document`; a missing, unknown or impossible decision and a broken constraint are
    /// an `InputError`.
    package func genotype(from document: Document) throws -> Genotype {
        _ = try document.fields("a genotype")
        let genotype = try walk { (decision) throws -> DecisionValue in
            let source = try document.required(decision.path)
            let value: DecisionValue = switch decision.kind {
            case .choice: .choice(try source.int(decision.path))
            case .int: .int(try source.int(decision.path))
            case .float: .float(try source.double(decision.path))
            }
            guard decision.allows(value) else {
                throw source.fail("\(decision.path): \(source.kindName) is not in the space", hint: "expected \(decision.range)")
            }
            return value
        }
        try document.allowOnly(genotype.paths)
        if feasibility.isConstrained, let broken = plan.broken(plan.vector(genotype)) {
            let text = plan.sources[plan.constraints[broken].source].text
            throw document.fail("the constraint \"\(text)\" does not hold", hint: "a genotype of this space meets all its constraints")
        }
        return genotype
    }

    /// Whether this is a point of the space.
    package func contains(_ genotype: Genotype) -> Bool { (try? self.genotype(from: genotype.document)) == genotype }
}

extension SpacePlan {
    func vector(_ genotype: Genotype) -> Vector {
        var vector = Array(repeating: Double.nan, count: decisions.count)
        for entry in genotype.entries {
            guard let slot = slots[entry.path] else {
                preconditionFailure("the genotype does not belong to the space: \(entry.path)")
            }
            vector[slot] = entry.value.number
        }
        return vector
    }

    func genotype(_ vector: Vector) -> Genotype {
        var genotype = Genotype()
        _ = walk { slot in
            genotype.append(decisions[slot].path, decisions[slot].value(vector[slot]))
            return vector[slot]
        }
        return genotype
    }
}

/// Builds the document with no choices left.
private struct DocumentBuilder {
    let space: SearchSpace
    let genotype: Genotype
    private let vector: SpacePlan.Vector
    private var sharedDocuments: [String: Document] = [:]

    init(space: SearchSpace, genotype: Genotype) {
        self.space = space
        self.genotype = genotype
        vector = space.plan.derived.isEmpty ? [] : space.plan.vector(genotype)
    }

    private func decided(_ path: String) -> DecisionValue {
        guard let slot = space.plan.slots[path], let value = genotype[path], space.plan.decisions[slot].allows(value) else {
            preconditionFailure("the genotype does not belong to the space: \(path)")
        }
        return value
    }

    mutating func build(_ template: Template, path: String) -> Document {
        switch template {
        case .literal(let document): return document
        case .object(let mapping):
            var fields: [Document.Field] = []
            for member in mapping.members {
                let value = build(member.template, path: Template.path(path, key: member.key))
                fields.append(Document.Field(member.key, value, at: member.keyLocation))
            }
            return Document(.object(fields), at: mapping.location)
        case .list(let templates, let location):
            var items: [Document] = []
            for (index, item) in templates.enumerated() { items.append(build(item, path: Template.path(path, position: index))) }
            return Document(.array(items), at: location)
        case .choice(let choice):
            guard case .choice(let index) = decided(path) else { preconditionFailure(path) }
            return build(choice.alternatives[index], path: Template.path(path, alternative: index))
        case .int(_, _, let location), .float(_, _, let location): return Document(decided(path).document.value, at: location)
        case .derived(let source):
            guard let root = space.plan.derived[path] else { preconditionFailure("no derived value at \(path)") }
            return Document(space.plan.program.document(space.plan.program.value(root, vector)).value, at: source.location)
        case .repetition(let repetition):
            let decided = build(repetition.count, path: Template.countPath(path))
            guard let count = try? decided.int() else { preconditionFailure("\(path): a count is no integer") }
            if repetition.tied {
                guard count > 0 else { return Document(.array([]), at: repetition.location) }
                let item = build(repetition.template, path: Template.tiedPath(path))
                return Document(.array(Array(repeating: item, count: count)), at: repetition.location)
            }
            var items: [Document] = []
            for index in 0..<count { items.append(build(repetition.template, path: Template.path(path, position: index))) }
            return Document(.array(items), at: repetition.location)
        case .shared(let name):
            if let document = sharedDocuments[name] { return document }
            guard let target = space.shared[name] else { preconditionFailure("no shared template \(name)") }
            let document = build(target, path: Template.sharedPath(name))
            sharedDocuments[name] = document
            return document
        }
    }
}

extension ExpressionProgram {
    func document(_ value: ExpressionValue) -> Document {
        switch value {
        case .missing, .fault: .null
        case .integer(let number): .int(number)
        case .real(let number): .float(number)
        case .truth(let flag): .bool(flag)
        case .text(let number): .string(texts[Int(number)])
        }
    }
}

extension Decision {
    /// The values in a reader's words, e.g. `8...64 step 8`.
    package var range: String {
        switch kind {
        case .choice(let labels): labels.count == 1 ? "0" : "0...\(labels.count - 1)"
        case .int(let range):
            "\(range.low)...\(range.high)" + (range.step > 1 ? " step \(range.step)" : "") + (range.scale == .log ? " log" : "")
        case .float(let range):
            "\(range.low)...\(range.high)" + (range.step.map { " step \($0)" } ?? "") + (range.scale == .log ? " log" : "")
        }
    }
}
