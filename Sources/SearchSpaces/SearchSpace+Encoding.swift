extension SearchSpace {
    /// The length of every `encode` of this space.
    package var encodingLength: Int { decisions.reduce(0) { $0 + 1 + $1.encodingLength } }

    /// A numeric vector of fixed length, for surrogate models. Each decision of `decisions` in turn: 1 when active or 0,
    /// then a choice's one-hot alternatives or a number's place in 0...1 on its scale; zeros when not active.
    package func encode(_ genotype: Genotype) -> [Double] {
        var code: [Double] = []
        code.reserveCapacity(encodingLength)
        for decision in decisions {
            guard let value = genotype[decision.path] else {
                code += Array(repeating: 0, count: 1 + decision.encodingLength)
                continue
            }
            code.append(1)
            switch (decision.kind, value) {
            case (.choice(let labels), .choice(let index)): code += labels.indices.map { $0 == index ? 1 : 0 }
            case (.int(let range), .int(let number)): code.append(range.unit(number))
            case (.float(let range), .float(let number)): code.append(range.unit(number))
            default: preconditionFailure("\(value) is no value of \(decision.path)")
            }
        }
        return code
    }
}

extension Decision {
    fileprivate var encodingLength: Int { if case .choice(let labels) = kind { labels.count } else { 1 } }
}
