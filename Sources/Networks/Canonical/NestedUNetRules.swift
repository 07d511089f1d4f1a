import Documents

extension CanonicalRule {
    /// One block for all nodes is a list of equal blocks.
    static let nodesOfOneBlock = CanonicalRule(
        name: "nodes-of-one-block",
        samples: [["skeleton": ["kind": "unetpp", "levels": 3, "width": 1, "nodes": ["block": "plain"]]]]
    ) { network in
        network.mapSkeleton("unetpp") { skeleton in
            guard let nodes = skeleton["nodes"], case .object = nodes.value, case .int(let levels)? = skeleton["levels"]?.value else {
                return skeleton
            }
            return skeleton.setting("nodes", .array(Array(repeating: nodes, count: levels * (levels + 1) / 2)))
        }
    }

    /// With two levels, node (0, 1) is the only one that is supervised.
    static let supervisionOfTwoLevels = CanonicalRule(
        name: "supervision-of-two-levels",
        samples: [["skeleton": ["kind": "unetpp", "levels": 2, "width": 2, "deep-supervision": true, "nodes": ["block": "plain"]]]]
    ) { network in
        network.mapSkeleton("unetpp") { skeleton in
            skeleton["levels"] == 2 ? skeleton.setting("deep-supervision", nil) : skeleton
        }
    }

    /// With two levels, node (0, 1) has one predecessor, so all skips and the nearest one are the same.
    static let skipsOfTwoLevels = CanonicalRule(
        name: "skips-of-two-levels",
        samples: [["skeleton": ["kind": "unetpp", "levels": 2, "width": 2, "dense-skips": false, "nodes": ["block": "plain"]]]]
    ) { network in
        network.mapSkeleton("unetpp") { skeleton in
            skeleton["levels"] == 2 ? skeleton.setting("dense-skips", true) : skeleton
        }
    }
}
