import RandomStreams

/// Sampling, mutation, crossover, neighbours: each a pure function of the genotypes and the stream, always valid and within the
/// space's constraints.
extension SearchSpace {
    /// So many samples are drawn before one is repaired: near uniform where constraints leave that much room.
    static let sampleAttempts = 32

    /// Every active decision uniform on its scale (alternatives equally likely, whatever is nested in them).
    package func sample(using stream: inout RandomStream) -> Genotype {
        var local = stream
        defer { stream = local }
        var found = walk { $0.sample(using: &local) }
        guard feasibility.isConstrained else { return found }
        for _ in 1..<Self.sampleAttempts {
            if isFeasible(found) { return found }
            found = walk { $0.sample(using: &local) }
        }
        return repaired(found)
    }

    /// Changes each decision with probability 1/n, at least one whenever the space has more than one point.
    /// Newly active decisions are sampled; a repeat whose count changes keeps the decisions of the positions it keeps.
    package func mutate(_ genotype: Genotype, using stream: inout RandomStream) -> Genotype {
        var child = mutated(genotype, using: &stream)
        guard feasibility.isConstrained else { return child }
        for _ in 0..<8 where child == genotype { child = mutated(genotype, using: &stream) }
        for _ in 0..<32 where child == genotype { child = sample(using: &stream) }
        return child
    }

    private func mutated(_ genotype: Genotype, using stream: inout RandomStream) -> Genotype {
        var local = stream
        defer { stream = local }
        let free = genotype.paths.filter { path in plan.slots[path].map { plan.decisions[$0].count != 1 } ?? false }
        guard !free.isEmpty else { return genotype }
        var selected = Set(free.filter { _ in local.flag(probability: 1 / Double(free.count)) })
        if selected.isEmpty { selected.insert(free[local.index(below: free.count)]) }
        let child = walk { decision in
            guard let old = genotype[decision.path] else { return decision.sample(using: &local) }
            return selected.contains(decision.path) ? decision.changed(old, using: &local) : old
        }
        return repaired(child, holding: selected.sorted())
    }

    /// Uniform crossover: a decision active in both parents comes from either; what it activates comes with it.
    package func crossover(_ first: Genotype, _ second: Genotype, using stream: inout RandomStream) -> Genotype {
        var local = stream
        defer { stream = local }
        return repaired(
            walk { decision in
                switch (first[decision.path], second[decision.path]) {
                case (let a?, let b?): local.flag() ? a : b
                case (let a?, nil): a
                case (nil, let b?): b
                case (nil, nil): decision.sample(using: &local)
                }
            })
    }

    /// All genotypes one edit away (`Decision.adjacent`), distinct, in template order.
    /// Decisions that an edit newly activates take their first or lowest value. An edit that breaks a constraint comes with the
    /// changes that make it possible.
    package func neighbours(_ genotype: Genotype) -> [Genotype] {
        var edits: [(path: String, value: DecisionValue)] = []
        _ = walk { decision in
            let value = genotype.value(decision)
            edits += decision.adjacent(to: value).map { (decision.path, $0) }
            return value
        }
        let found = edits.map { edit in
            repaired(
                walk { decision in
                    decision.path == edit.path ? edit.value : genotype[decision.path] ?? decision.value(at: 0)
                }, holding: [edit.path])
        }
        guard feasibility.isConstrained else { return found }
        var seen: Set<Genotype> = [genotype]
        return found.filter { seen.insert($0).inserted }
    }
}

extension Genotype {
    /// The value of an active decision of this genotype's own space.
    func value(_ decision: Decision) -> DecisionValue {
        guard let value = self[decision.path] else { preconditionFailure("the genotype lacks \(decision.path)") }
        return value
    }
}
