import Documents

extension SearchSpace {
    /// Walks the template in order, asking for each decision that becomes active, and builds the genotype and the
    /// document with no choices left. Every operation on genotypes is a walk with its own way to decide.
    func walk<Failure: Error>(
        _ decide: (Decision) throws(Failure) -> DecisionValue
    ) throws(Failure) -> (genotype: Genotype, document: Document) {
        var walk = Walk(shared: shared)
        let document = try walk.build(template, path: "", decide)
        return (walk.genotype, document)
    }

    /// The template's document under these decisions; values keep the locations of the space file.
    package func resolve(_ genotype: Genotype) -> Document {
        walk { decision in
            guard let value = genotype[decision.path], decision.allows(value) else {
                preconditionFailure("the genotype does not belong to the space: \(decision.path)")
            }
            return value
        }.document
    }

    /// Reads a genotype as written by `Genotype.document`; a missing, unknown or impossible decision is an `InputError`.
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
        }.genotype
        try document.allowOnly(genotype.paths)
        return genotype
    }

    /// Whether this is a point of the space.
    package func contains(_ genotype: Genotype) -> Bool { (try? self.genotype(from: genotype.document)) == genotype }
}

private struct Walk {
    let shared: [String: Template]
    var genotype = Genotype()
    private var sharedDocuments: [String: Document] = [:]

    init(shared: [String: Template]) { self.shared = shared }

    private mutating func ask<Failure: Error>(
        _ decision: Decision, _ decide: (Decision) throws(Failure) -> DecisionValue
    ) throws(Failure) -> DecisionValue {
        let value = try decide(decision)
        genotype.append(decision.path, value)
        return value
    }

    mutating func build<Failure: Error>(
        _ template: Template, path: String, _ decide: (Decision) throws(Failure) -> DecisionValue
    ) throws(Failure) -> Document {
        switch template {
        case .literal(let document): return document
        case .object(let members, let location):
            var fields: [Document.Field] = []
            for member in members {
                let value = try build(member.template, path: Template.path(path, key: member.key), decide)
                fields.append(Document.Field(member.key, value, at: member.keyLocation))
            }
            return Document(.object(fields), at: location)
        case .list(let templates, let location):
            var items: [Document] = []
            for (index, item) in templates.enumerated() {
                items.append(try build(item, path: Template.path(path, position: index), decide))
            }
            return Document(.array(items), at: location)
        case .choice(let choice):
            guard case .choice(let index) = try ask(choice.decision(path), decide) else { preconditionFailure(path) }
            return try build(choice.alternatives[index], path: Template.path(path, alternative: index), decide)
        case .int(let range, let name, let location):
            let value = try ask(Decision(path: path, name: name, kind: .int(range)), decide)
            return Document(value.document.value, at: location)
        case .float(let range, let name, let location):
            let value = try ask(Decision(path: path, name: name, kind: .float(range)), decide)
            return Document(value.document.value, at: location)
        case .repetition(let repetition):
            let decided = try build(repetition.count, path: Template.countPath(path), decide)
            guard let count = try? decided.int() else { preconditionFailure("\(path): a count is no integer") }
            if repetition.tied {
                guard count > 0 else { return Document(.array([]), at: repetition.location) }
                let item = try build(repetition.template, path: Template.tiedPath(path), decide)
                return Document(.array(Array(repeating: item, count: count)), at: repetition.location)
            }
            var items: [Document] = []
            for index in 0..<count {
                items.append(try build(repetition.template, path: Template.path(path, position: index), decide))
            }
            return Document(.array(items), at: repetition.location)
        case .shared(let name):
            if let document = sharedDocuments[name] { return document }
            guard let target = shared[name] else { preconditionFailure("no shared template \(name)") }
            let document = try build(target, path: Template.sharedPath(name), decide)
            sharedDocuments[name] = document
            return document
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
        case .float(let range): "\(range.low)...\(range.high)" + (range.scale == .log ? " log" : "")
        }
    }
}
