import Documents

extension CanonicalRule {
    /// Stages of one width that follow each other are one stage.
    static let stagesOfOneWidth = CanonicalRule(
        name: "stages-of-one-width", samples: [mobile([(3, [["block": "plain"]]), (3, [["block": "depthwise-separable"]])])]
    ) { network in
        network.mapStages { stages in
            stages.reduce(into: []) { merged, stage in
                if let last = merged.last, last["width"] == stage["width"] {
                    merged[merged.count - 1] = last.setting("blocks", .array(last.blocks + stage.blocks))
                } else {
                    merged.append(stage)
                }
            }
        }
    }

    /// Behind a stage's first block the channels agree, so an identity block is nothing; in the first stage, and in one as wide
    /// as the stage before, anywhere.
    static let identityInStage = CanonicalRule(
        name: "identity-in-stage",
        samples: [mobile([(3, [["block": "identity"], ["block": "plain"]]), (2, [["block": "plain"], ["block": "identity"]])])]
    ) { network in
        network.mapStages { stages in
            stages.enumerated().map { index, stage in
                let kept = index == 0 ? 0 : 1
                let rest = stage.blocks.dropFirst(kept).filter { $0["block"] != "identity" }
                return stage.setting("blocks", .array(stage.blocks.prefix(kept) + rest))
            }
        }
    }

    /// n convolutions in one plain block are n plain blocks of one, as in a chain. A network that would then have too many blocks
    /// stays as it is.
    static let plainInStage = CanonicalRule(
        name: "plain-in-stage", samples: [mobile([(3, []), (2, [["block": "plain", "convolutions": 3]])])]
    ) { network in
        network.mapStages { stages in
            let spread = stages.map { stage in
                stage.setting(
                    "blocks",
                    .array(
                        stage.blocks.flatMap { block -> [Document] in
                            guard block["block"] == "plain", case .int(let count)? = block["convolutions"]?.value else { return [block] }
                            return Array(repeating: block.setting("convolutions", 1), count: count)
                        }))
            }
            return spread.reduce(0) { $0 + $1.blocks.count } <= largestBlockCount ? spread : stages
        }
    }

    /// Only where a block keeps the channels does it add its input: elsewhere `residual` says nothing.
    static let residualWhereChannelsChange = CanonicalRule(
        name: "residual-where-channels-change",
        samples: [
            mobile([(3, []), (2, [["block": "depthwise-separable", "residual": true]])]),
            [
                "skeleton": [
                    "kind": "unetpp", "levels": 2, "width": 1,
                    "nodes": [["block": "plain"], ["block": "depthwise-separable"], ["block": "plain"]],
                ]
            ],
        ]
    ) { network in
        func unadded(_ block: Document) -> Document { block["residual"] == nil ? block : block.setting("residual", false) }
        return network.mapStages { stages in
            stages.enumerated().map { index, stage in
                guard index > 0, stage["width"] != stages[index - 1]["width"], let first = stage.blocks.first else { return stage }
                return stage.setting("blocks", .array([unadded(first)] + stage.blocks.dropFirst()))
            }
        }.mapSkeleton("unetpp") { skeleton in
            // Node (0, 0) takes the image, perhaps as sub-images, and a noise map; every other node takes more channels, or fewer, than it makes.
            guard let nodes = skeleton["nodes"], case .array(let items) = nodes.value, case .int(let width)? = skeleton["width"]?.value,
                case .int(let channels)? = network["input-channels"]?.value
            else { return skeleton }
            var factor = 1
            if case .int(let unshuffle)? = network["pixel-unshuffle"]?.value { factor = unshuffle }
            let input = channels * factor * factor + (network["noise-map"] == true ? 1 : 0)
            return skeleton.setting(
                "nodes", .array(items.enumerated().map { index, node in index == 0 && input == width ? node : unadded(node) }))
        }
    }

    /// A small network of stages for samples.
    private static func mobile(_ stages: [(width: Int, blocks: [Document])]) -> Document {
        [
            "skeleton": [
                "kind": "mobile",
                "stages": .array(stages.map { ["width": .int($0.width), "blocks": .array($0.blocks)] }),
            ]
        ]
    }
}

extension Document {
    /// The network with the stages of a mobile skeleton replaced.
    func mapStages(_ change: ([Document]) -> [Document]) -> Document {
        mapSkeleton("mobile") { skeleton in
            skeleton.setting("stages", .array(change((skeleton["stages"] ?? []).items)))
        }
    }

    fileprivate var blocks: [Document] { (self["blocks"] ?? []).items }
}
