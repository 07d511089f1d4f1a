import RandomStreams

/// Sampling, mutation, crossover, neighbours: each a pure function of the genotypes and the stream, always valid.
extension SearchSpace {
    /// Every active decision uniform on its scale (alternatives equally likely, whatever is nested in them).
    package func sample(using stream: inout RandomStream) -> Genotype {
        var local = stream
        defer { stream = local }
        return walk { $0.sample(using: &local) }.genotype
    }

    /// Changes each decision with probability 1/n, at least one whenever the space has more than one point.
    /// Newly active decisions are sampled; a repeat whose count changes keeps the decisions of the positions it keeps.
    package func mutate(_ genotype: Genotype, using stream: inout RandomStream) -> Genotype {
        var local = stream
        defer { stream = local }
        var free: [String] = []
        _ = walk { decision in
            if decision.count != 1 { free.append(decision.path) }
            return genotype.value(decision)
        }
        guard !free.isEmpty else { return genotype }
        var selected = Set(free.filter { _ in local.flag(probability: 1 / Double(free.count)) })
        if selected.isEmpty { selected.insert(free[local.index(below: free.count)]) }
        return walk { decision in
            guard let old = genotype[decision.path] else { return decision.sample(using: &local) }
            return selected.contains(decision.path) ? decision.changed(old, using: &local) : old
        }.genotype
    }

    /// Uniform crossover: a decision active in both parents comes from either; what it activates comes with it.
    package func crossover(_ first: Genotype, _ second: Genotype, using stream: inout RandomStream) -> Genotype {
        var local = stream
        defer { stream = local }
        return walk { decision in
            switch (first[decision.path], second[decision.path]) {
            case (let a?, let b?): local.flag() ? a : b
            case (let a?, nil): a
            case (nil, let b?): b
            case (nil, nil): decision.sample(using: &local)
            }
        }.genotype
    }

    /// All genotypes one edit away (`Decision.adjacent`), distinct, in template order.
    /// Decisions that an edit newly activates take their first or lowest value.
    package func neighbours(_ genotype: Genotype) -> [Genotype] {
        var edits: [(path: String, value: DecisionValue)] = []
        _ = walk { decision in
            let value = genotype.value(decision)
            edits += decision.adjacent(to: value).map { (decision.path, $0) }
            return value
        }
        return edits.map { edit in
            walk { decision in
                decision.path == edit.path ? edit.value : genotype[decision.path] ?? decision.value(at: 0)
            }.genotype
        }
    }
}

extension Genotype {
    /// The value of an active decision of this genotype's own space.
    func value(_ decision: Decision) -> DecisionValue {
        guard let value = self[decision.path] else { preconditionFailure("the genotype lacks \(decision.path)") }
        return value
    }
}
