import Documents

extension CanonicalRule {
    /// Every size is a multiple of 1: nothing is padded.
    static let paddingWithoutMultiple = CanonicalRule(
        name: "padding-without-multiple",
        samples: [chain([["block": "plain"]]).setting("size-multiple", 1).setting("padding", "replicate")]
    ) { network in
        network["size-multiple"] == 1 ? network.setting("padding", nil) : network
    }
}
