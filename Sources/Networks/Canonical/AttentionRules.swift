import Documents

extension CanonicalRule {
    /// Every second layer is shifted, so a block of more than two layers is blocks of two, and perhaps one of one, at the same
    /// width. A list that would then be too long stays as it is.
    static let layersInList = CanonicalRule(
        name: "layers-in-list",
        samples: [
            chain([attention.setting("layers", 3)]),
            ["skeleton": ["kind": "swin", "width": 2, "groups": [["blocks": [attention.setting("layers", 4)]]]]],
        ]
    ) { network in
        func spread(_ blocks: [Document]) -> [Document] {
            blocks.flatMap { block -> [Document] in
                guard block["block"] == "window-attention", case .int(let layers)? = block["layers"]?.value else { return [block] }
                return stride(from: 0, to: layers, by: 2).map { block.setting("layers", .int(min(2, layers - $0))) }
            }
        }
        return network.mapBlockLists { blocks in
            let result = spread(blocks)
            return result.count <= largestBlockCount ? result : blocks
        }.mapStages { stages in
            let result = stages.map { $0.setting("blocks", .array(spread(($0["blocks"] ?? []).items))) }
            return result.reduce(0) { $0 + ($1["blocks"] ?? []).items.count } <= largestBlockCount ? result : stages
        }
    }

    /// The first layer's windows are not shifted, so none crosses the image's border.
    static let maskOfOneLayer = CanonicalRule(
        name: "mask-of-one-layer", samples: [chain([attention.setting("layers", 1).setting("mask", false)])]
    ) { network in
        network.mapMappings { mapping in
            guard mapping["block"] == "window-attention", mapping["layers"] == 1 else { return mapping }
            return mapping.setting("mask", true)
        }
    }

    private static let attention: Document = ["block": "window-attention", "heads": 1, "window": 2, "mlp-ratio": 1]
}
