import Documents
import Engine
import Networks
import Testing

@Suite struct CanonicalLaws {
    /// The law of a rule: it changes its samples, and what it makes of them computes the same.
    func holds(_ rule: CanonicalRule, for sample: Document) throws -> Bool {
        let before = try Network(sample)
        let changed = rule.apply(before.document)
        guard changed != before.document else { return false }
        return computeTheSame(before.graph(), try Network(changed).graph())
    }

    @Test func everyRuleIsATrueEquality() throws {
        for rule in canonicalRules {
            #expect(!rule.samples.isEmpty)
            for sample in rule.samples { #expect(try holds(rule, for: sample), "\(rule.name): \(sample.json)") }
        }
    }

    @Test func everyRuleMakesHashesEqual() throws {
        for rule in canonicalRules {
            for sample in rule.samples {
                let after = rule.apply(try Network(sample).document)
                let (a, b) = (try Architecture(["network": sample]), try Architecture(["network": after]))
                #expect(a.architectureHash == b.architectureHash, "\(rule.name)")
                #expect(try computeTheSame(buildGraph(a), Network(sample).graph()), "\(rule.name)")
                #expect(try buildGraph(a).parameters == buildGraph(b).parameters, "\(rule.name)")
            }
        }
    }

    /// Equal networks, written out here without the rules' own samples: a rule that is missing makes one of these fail.
    @Test(arguments: equalPairs) func equalNetworksHaveOneHash(_ name: String, _ a: Document, _ b: Document) throws {
        let (first, second) = (try Architecture(["network": a]), try Architecture(["network": b]))
        #expect(first.architectureHash == second.architectureHash)
        #expect(first.candidateHash == second.candidateHash)
        #expect(try computeTheSame(Network(a).graph(), Network(b).graph()))
    }

    @Test func everyRuleHasAnEqualPair() {
        #expect(Set(canonicalRules.map(\.name)) == Set(Self.equalPairs.map(\.0)))
    }

    private static func chain(_ blocks: Document, _ more: Document = [:]) -> Document {
        var skeleton: Document = ["kind": "chain", "width": 3, "blocks": blocks]
        if case .object(let fields) = more.value { for field in fields { skeleton[field.key] = field.value } }
        return ["skeleton": skeleton]
    }

    private static func nested(_ levels: Int, nodes: Document, denseSkips: Bool = true) -> Document {
        ["skeleton": ["kind": "unetpp", "levels": .int(levels), "width": 2, "dense-skips": .bool(denseSkips), "nodes": nodes]]
    }

    private static func levels(_ encoder: [Document], decoder: [Document]) -> Document {
        let first: Document = ["width": 2, "encoder": .array(encoder), "decoder": .array(decoder)]
        return ["skeleton": ["kind": "unet", "levels": [first, ["width": 3, "encoder": .array(encoder)]]]]
    }

    private static func stages(_ list: [(width: Int, blocks: [Document])]) -> Document {
        let stages: [Document] = list.map { ["width": .int($0.width), "blocks": .array($0.blocks)] }
        return ["skeleton": ["kind": "mobile", "stages": .array(stages)]]
    }

    /// The image has one channel, and with a noise map two: a block at the image keeps the channels only then.
    @Test func residualOfTheFirstNodeCountsWhereItIsAdded() throws {
        for (channels, hasNoiseMap, width, factor) in [
            (1, false, 1, 1), (1, true, 2, 1), (3, true, 4, 1), (1, false, 2, 1), (3, false, 1, 1), (1, false, 4, 2), (1, true, 5, 2),
            (1, false, 1, 2), (3, true, 4, 2),
        ] {
            func network(_ residual: Bool) -> Document {
                [
                    "input-channels": .int(channels), "noise-map": .bool(hasNoiseMap), "pixel-unshuffle": .int(factor),
                    "skeleton": [
                        "kind": "unetpp", "levels": 2, "width": .int(width),
                        "nodes": ["block": "depthwise-separable", "residual": .bool(residual)],
                    ],
                ]
            }
            let hashes = try [true, false].map { try Architecture(["network": network($0)]).architectureHash }
            let same = try computeTheSame(Network(network(true)).graph(), Network(network(false)).graph())
            #expect((hashes[0] == hashes[1]) == same)
            #expect(same == (channels * factor * factor + (hasNoiseMap ? 1 : 0) != width))
        }
    }

    static let equalPairs: [(String, Document, Document)] = {
        let plain: Document = ["block": "plain"]
        let still: Document = ["block": "residual", "activation": "none"]
        let deep: Document = ["block": "plain", "convolutions": 2]
        let zero: Document = ["block": "plain", "activation": "leaky-relu", "slope": 0]
        let one: Document = ["block": "plain", "activation": "leaky-relu", "slope": 1.0]
        let none: Document = ["block": "plain", "activation": "none"]
        let sloped: Document = ["block": "plain", "slope": 0.7]
        let spread: Document = ["block": "plain", "kernel": 1, "dilation": 3]
        let pointwise: Document = ["block": "plain", "kernel": 1]
        let loud: Document = ["block": "residual", "activation": "none", "final-activation": true]
        let short: Document = ["block": "residual", "convolutions": 1, "activation": "relu"]
        let shortStill: Document = ["block": "residual", "convolutions": 1, "activation": "none"]
        let shuffle: Document = ["block": "depthwise-separable"]
        let shuffleAlone: Document = ["block": "depthwise-separable", "residual": false]
        let identity: Document = ["block": "identity"]
        func attention(_ layers: Int, mask: Bool = false) -> Document {
            ["block": "window-attention", "layers": .int(layers), "heads": 1, "window": 2, "mlp-ratio": 1, "mask": .bool(mask)]
        }
        func groups(_ blocks: [Document]) -> Document {
            ["skeleton": ["kind": "swin", "width": 2, "groups": [["blocks": .array(blocks)], ["blocks": [["block": "plain"]]]]]]
        }
        var replicated = chain([plain])
        replicated["padding"] = "replicate"
        var ordered = chain([plain])
        ordered["pixel-order"] = "column-major"
        return [
            ("padding-without-multiple", chain([plain]), replicated),
            ("leaky-slope-zero", chain([zero]), chain([plain])),
            ("leaky-slope-one", chain([one]), chain([none])),
            ("slope-of-others", chain([sloped]), chain([plain])),
            ("dilation-of-pointwise", nested(2, nodes: spread), nested(2, nodes: pointwise)),
            (
                "bias-before-normalization", chain([plain], ["head": ["normalization": "batch", "bias": true]]),
                chain([plain], ["head": ["normalization": "batch", "bias": false]])
            ),
            ("identity-in-chain", chain([plain, ["block": "identity"]]), chain([plain])),
            ("plain-in-chain", chain([deep]), chain([plain, plain])),
            ("final-activation-none", chain([loud]), chain([still])),
            ("activation-of-short-residual", chain([short]), chain([shortStill])),
            ("nodes-of-one-block", nested(2, nodes: plain), nested(2, nodes: [plain, plain, plain])),
            ("stages-of-one-width", stages([(3, [shuffle]), (3, [plain]), (2, [plain])]), stages([(3, [shuffle, plain]), (2, [plain])])),
            (
                "identity-in-stage", stages([(3, [identity, shuffle]), (2, [identity, identity, shuffle])]),
                stages([(3, [shuffle]), (2, [identity, shuffle])])
            ),
            ("plain-in-stage", stages([(3, [shuffle]), (2, [deep])]), stages([(3, [shuffle]), (2, [plain, plain])])),
            (
                "residual-where-channels-change", nested(2, nodes: [shuffle, shuffle, shuffle]),
                nested(2, nodes: [shuffleAlone, shuffleAlone, shuffleAlone])
            ),
            (
                "residual-where-channels-change", stages([(3, [plain]), (2, [shuffle, shuffle])]),
                stages([(3, [plain]), (2, [shuffleAlone, shuffle])])
            ),
            ("identity-in-chain", groups([identity, plain]), groups([plain])),
            ("plain-in-chain", groups([deep]), groups([plain, plain])),
            ("layers-in-list", groups([attention(4)]), groups([attention(2), attention(2)])),
            ("layers-in-list", chain([attention(3)]), chain([attention(2), attention(1)])),
            ("layers-in-list", stages([(2, [plain]), (3, [attention(5)])]), stages([(2, [plain]), (3, [attention(4), attention(1)])])),
            ("mask-of-one-layer", nested(2, nodes: attention(1)), nested(2, nodes: attention(1, mask: true))),
            ("order-without-sub-images", chain([plain]), ordered),
            ("identity-in-chain", levels([identity, plain], decoder: [plain, identity]), levels([plain], decoder: [plain])),
            ("plain-in-chain", levels([deep], decoder: [deep]), levels([plain, plain], decoder: [plain, plain])),
            ("layers-in-list", levels([attention(3)], decoder: []), levels([attention(2), attention(1)], decoder: [])),
            (
                "supervision-of-two-levels", nested(2, nodes: plain),
                ["skeleton": ["kind": "unetpp", "levels": 2, "width": 2, "deep-supervision": true, "nodes": plain]]
            ),
            ("skips-of-two-levels", nested(2, nodes: plain, denseSkips: false), nested(2, nodes: plain)),
        ]
    }()

    /// A chain has at most 256 blocks; one that would have more in canonical form is still a network.
    @Test func aChainIsNotSpreadBeyondItsLimit() throws {
        func candidate(_ blocks: Int) -> Document {
            ["network": ["skeleton": [
                "kind": "chain", "width": 1, "blocks": .array(Array(repeating: ["block": "plain", "convolutions": 2], count: blocks)),
            ]]]
        }
        for (blocks, spread) in [(128, 256), (129, 129), (256, 256)] {
            let architecture = try Architecture(candidate(blocks))
            #expect(try architecture.canonicalNetwork.required("skeleton").required("blocks").array().count == spread)
            #expect(try Architecture(architecture.canonicalDocument).architectureHash == architecture.architectureHash)
        }
    }

    /// The law must be able to fail.
    @Test func plantedFalseRulesAreCaught() throws {
        func replacing(_ key: String, _ value: Document) -> @Sendable (Document) -> Document {
            { network in
                guard var skeleton = network["skeleton"], case .array(let blocks)? = skeleton["blocks"]?.value else { return network }
                skeleton["blocks"] = .array(blocks.map { block in
                    var block = block
                    block[key] = value
                    return block
                })
                var network = network
                network["skeleton"] = skeleton
                return network
            }
        }
        let chain: Document = ["kind": "chain", "width": 2, "blocks": [["block": "plain", "kernel": 3, "dilation": 2]]]
        let falseRules = [
            CanonicalRule(name: "dilation never matters", samples: [["skeleton": chain]], apply: replacing("dilation", 1)),
            CanonicalRule(name: "activation never matters", samples: [["skeleton": chain]], apply: replacing("activation", "none")),
            CanonicalRule(name: "normalization is free", samples: [["skeleton": chain]], apply: replacing("normalization", "none")),
            CanonicalRule(name: "any multiple is 1", samples: [["size-multiple": 4, "skeleton": chain]]) {
                var network = $0
                network["size-multiple"] = 1
                return network
            },
            CanonicalRule(name: "changes nothing", samples: [["skeleton": chain]]) { $0 },
        ]
        for rule in falseRules { #expect(try !holds(rule, for: rule.samples[0]), "\(rule.name)") }
    }

    /// Both directions, over every field of every sample: a changed field changes the hash exactly where it changes what is computed.
    @Test func hashesDifferWhereNetworksDo() throws {
        var changes = 0
        for sample in sampleNetworks {
            let original = try Architecture(["network": sample])
            let behaviour = Behaviour(try Network(sample).graph())
            for mutant in mutants(of: original.canonicalNetwork) {
                guard let changed = try? Architecture(["network": mutant]) else { continue }
                changes += 1
                let same = behaviour.equals(Behaviour(try Network(mutant).graph()))
                #expect((changed.architectureHash == original.architectureHash) == same, "\(mutant.json) of \(sample.json)")
            }
        }
        #expect(changes > 1000)
    }

    @Test func canonicalFormsAreFixedPoints() throws {
        for sample in sampleNetworks {
            let architecture = try Architecture(["network": sample])
            #expect(try computeTheSame(buildGraph(architecture), Network(sample).graph()), "\(sample.json)")
            let again = try Architecture(architecture.canonicalDocument)
            #expect(again.canonicalNetwork == architecture.canonicalNetwork)
            #expect(again.architectureHash == architecture.architectureHash)
            let text = try Architecture(try Document.parse(architecture.canonicalDocument.yaml, file: "canonical.yaml"))
            #expect(text.architectureHash == architecture.architectureHash)
        }
    }

    @Test func keyOrderAndNameAreNoIdentity() throws {
        func reversed(_ document: Document) -> Document {
            switch document.value {
            case .object(let fields): .object(fields.reversed().map { ($0.key, reversed($0.value)) })
            case .array(let items): .array(items.map(reversed))
            default: document
            }
        }
        for sample in sampleNetworks {
            let a = try Architecture(["name": "a", "network": sample]), b = try Architecture(["name": "b", "network": reversed(sample)])
            #expect(a.architectureHash == b.architectureHash && a.candidateHash == b.candidateHash)
        }
    }

    @Test func trainingSettingsAreInTheCandidatesHashAlone() throws {
        func candidate(_ training: Document) throws -> Architecture {
            try Architecture(["network": sampleNetworks[0], "training": training])
        }
        let plain = try candidate([:]), fast = try candidate(["learning-rate": 0.002]), one = try candidate(["batch": 1])
        #expect(plain.architectureHash == fast.architectureHash)
        #expect(plain.candidateHash != fast.candidateHash && fast.candidateHash != one.candidateHash)
        #expect(try candidate(["loss": "mse"]).candidateHash == candidate(["loss": "l2"]).candidateHash)
        #expect(try candidate(["loss": "l1"]).candidateHash != candidate(["loss": "l2"]).candidateHash)
        #expect(try candidate(["loss": "l1"]).candidateHash != plain.candidateHash)
        #expect(try candidate(["batch": 1.0]).candidateHash == one.candidateHash)
        #expect(try Architecture(["network": sampleNetworks[0]]).candidateHash == plain.candidateHash)
    }
}

/// The document with one leaf changed, or one list item doubled, in every possible place.
func mutants(of document: Document, key: String = "") -> [Document] {
    switch document.value {
    case .object(let fields):
        return fields.flatMap { field in
            mutants(of: field.value, key: field.key).map { changed in
                var copy = document
                copy[field.key] = changed
                return copy
            }
        }
    case .array(let items):
        return items.indices.flatMap { index -> [Document] in
            let doubled = Array(items[...index]) + Array(items[index...])
            let changed = mutants(of: items[index]).map { mutant in
                var copy = items
                copy[index] = mutant
                return Document.array(copy)
            }
            return changed + [.array(doubled)]
        }
    case .bool(let flag): return [.bool(!flag)]
    case .int(let number): return [number - 1, number + 1, number + 2, number * 2].map(Document.int)
    case .float(let number): return [0, 0.5, 1, number / 2].filter { $0 != number }.map(Document.float)
    case .string(let text):
        let words: [String: [String]] = [
            "activation": ["none", "relu", "leaky-relu", "hard-swish", "gelu"], "normalization": ["batch", "none"], "predicts": ["noise", "image"],
            "padding": ["reflect", "replicate"], "bias": ["table", "relative"],
            "pixel-order": ["row-major", "column-major"], "down": ["strided", "max"], "up": ["transposed", "bilinear"],
            "join": ["add", "concatenate"],
        ]
        return (words[key] ?? []).filter { $0 != text }.map(Document.string)
    case .null: return []
    }
}
