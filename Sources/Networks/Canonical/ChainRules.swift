import Documents

extension CanonicalRule {
    /// A chain's blocks keep the channels, so an identity block is nothing.
    static let identityInChain = CanonicalRule(
        name: "identity-in-chain", samples: [chain([["block": "identity"], ["block": "plain"], ["block": "identity"]])]
    ) { network in
        network.mapBlocks { $0["block"] == "identity" ? [] : [$0] }
    }

    /// n convolutions in one plain block are n plain blocks of one. A chain that would then have more blocks than a chain may
    /// have stays as it is.
    static let plainInChain = CanonicalRule(
        name: "plain-in-chain", samples: [chain([["block": "plain", "convolutions": 3, "activation": "leaky-relu"]])]
    ) { network in
        let spread = network.mapBlocks { block in
            guard block["block"] == "plain", case .int(let count)? = block["convolutions"]?.value else { return [block] }
            return Array(repeating: block.setting("convolutions", 1), count: count)
        }
        let blocks = spread["skeleton"]?["blocks"]?.items ?? []
        return blocks.count <= ChainSkeleton.largestCount ? spread : network
    }
}

extension Document {
    /// The network with each block of a chain replaced by some.
    fileprivate func mapBlocks(_ change: (Document) -> [Document]) -> Document {
        mapSkeleton("chain") { skeleton in
            skeleton.setting("blocks", .array((skeleton["blocks"] ?? []).items.flatMap(change)))
        }
    }
}
