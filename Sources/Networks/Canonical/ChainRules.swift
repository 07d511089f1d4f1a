import Documents

extension CanonicalRule {
    /// A chain's blocks keep the channels, so an identity block is nothing.
    static let identityInChain = CanonicalRule(
        name: "identity-in-chain", samples: [chain([["block": "identity"], ["block": "plain"], ["block": "identity"]])]
    ) { network in
        network.mapBlockLists { $0.filter { $0["block"] != "identity" } }
    }

    /// n convolutions in one plain block are n plain blocks of one. A list that would then be too long stays as it is.
    static let plainInChain = CanonicalRule(
        name: "plain-in-chain", samples: [chain([["block": "plain", "convolutions": 3, "activation": "leaky-relu"]])]
    ) { network in
        network.mapBlockLists { blocks in
            let spread = blocks.flatMap { block -> [Document] in
                guard block["block"] == "plain", case .int(let count)? = block["convolutions"]?.value else { return [block] }
                return Array(repeating: block.setting("convolutions", 1), count: count)
            }
            return spread.count <= largestBlockCount ? spread : blocks
        }
    }
}

extension Document {
    /// The network with each list of blocks that follow each other at one width replaced by another.
    func mapBlockLists(_ change: ([Document]) -> [Document]) -> Document {
        func changed(_ holder: Document) -> Document {
            ["blocks", "encoder", "decoder"].reduce(holder) { holder, key in
                holder[key].map { holder.setting(key, .array(change($0.items))) } ?? holder
            }
        }
        return mapSkeleton("chain", changed).mapSkeleton("dynamic") { skeleton in
            skeleton.setting("stages", .array((skeleton["stages"] ?? []).items.map(changed)))
        }.mapSkeleton("swin") { skeleton in
            skeleton.setting("groups", .array((skeleton["groups"] ?? []).items.map(changed)))
        }.mapSkeleton("unet") { skeleton in
            skeleton.setting("levels", .array((skeleton["levels"] ?? []).items.map(changed)))
        }
    }
}
