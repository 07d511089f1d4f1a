import Documents

extension CanonicalRule {
    /// Every size is a multiple of 1: nothing is padded.
    static let paddingWithoutMultiple = CanonicalRule(
        name: "padding-without-multiple",
        samples: [chain([["block": "plain"]]).setting("size-multiple", 1).setting("padding", "replicate")]
    ) { network in
        network["size-multiple"] == 1 ? network.setting("padding", nil) : network
    }

    /// An image that is left whole has no order of sub-images. Both fields go, so that networks from before there were
    /// sub-images keep their hashes.
    static let orderWithoutSubImages = CanonicalRule(
        name: "order-without-sub-images", samples: [chain([["block": "plain"]]).setting("pixel-order", "column-major")]
    ) { network in
        guard network["pixel-unshuffle"] == 1 else { return network }
        return network.setting("pixel-unshuffle", nil).setting("pixel-order", nil)
    }
}
