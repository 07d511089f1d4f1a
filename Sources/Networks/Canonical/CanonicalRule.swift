import Documents

/// A true equality between networks: rewrites a network document (every field written) to a simpler one that computes the
/// same, parameter for parameter and in the same order.
///
/// Law: for each sample, the rule changes it, and the networks built from both, with the same parameters, give the same output.
/// Adding a rule is one constant in a file of `Canonical` and one line in `canonicalRules`.
package struct CanonicalRule: Sendable {
    package var name: String
    /// Networks that the rule changes; fields may be left out.
    package var samples: [Document]
    package var apply: @Sendable (Document) -> Document

    package init(name: String, samples: [Document], apply: @escaping @Sendable (Document) -> Document) {
        self.name = name
        self.samples = samples
        self.apply = apply
    }
}

/// Every rule.
package let canonicalRules: [CanonicalRule] = [
    .paddingWithoutMultiple, .leakySlopeZero, .leakySlopeOne, .slopeOfOthers, .dilationOfPointwise, .biasBeforeNormalization,
    .identityInChain, .plainInChain, .finalActivationNone, .activationOfShortResidual, .nodesOfOneBlock, .skipsOfTwoLevels, .supervisionOfTwoLevels,
    .stagesOfOneWidth, .identityInStage, .plainInStage, .residualWhereChannelsChange,
    .layersInList, .maskOfOneLayer,
    .orderWithoutSubImages,
]

/// Applies the rules to a network document until none changes it. Key order is the parser's.
package func canonicalForm(_ network: Document, rules: [CanonicalRule] = canonicalRules) -> Document {
    var document = network
    while true {
        let simpler = rules.reduce(document) { $1.apply($0) }
        if simpler == document { return document }
        document = simpler
    }
}

extension Document {
    /// Applies the change to each mapping inside, innermost first.
    func mapMappings(_ change: (Document) -> Document) -> Document {
        switch value {
        case .array(let items): .array(items.map { $0.mapMappings(change) })
        case .object(let fields): change(.object(fields.map { ($0.key, $0.value.mapMappings(change)) }))
        default: self
        }
    }

    /// The network with another skeleton, where it is of this kind.
    func mapSkeleton(_ kind: String, _ change: (Document) -> Document) -> Document {
        guard let skeleton = self["skeleton"], skeleton["kind"] == .string(kind) else { return self }
        return setting("skeleton", change(skeleton))
    }

    /// The same with one field set, or removed.
    func setting(_ key: String, _ value: Document?) -> Document {
        var copy = self
        copy[key] = value
        return copy
    }

    /// The items of a list; none for anything else.
    var items: [Document] { if case .array(let items) = value { items } else { [] } }
}
