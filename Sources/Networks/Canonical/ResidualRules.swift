import Documents

extension CanonicalRule {
    /// A final activation that is none is no final activation.
    static let finalActivationNone = CanonicalRule(
        name: "final-activation-none", samples: [chain([["block": "residual", "activation": "none", "final-activation": true]])]
    ) { network in
        network.mapMappings { mapping in
            guard mapping["activation"] == "none", mapping["final-activation"] != nil else { return mapping }
            return mapping.setting("final-activation", false)
        }
    }

    /// A residual block of one convolution without final activation activates nothing.
    static let activationOfShortResidual = CanonicalRule(
        name: "activation-of-short-residual",
        samples: [chain([["block": "residual", "convolutions": 1, "activation": "leaky-relu", "slope": 0.25]])]
    ) { network in
        network.mapMappings { mapping in
            guard mapping["block"] == "residual", mapping["convolutions"] == 1, mapping["final-activation"] == false else {
                return mapping
            }
            return mapping.setting("activation", "none")
        }
    }
}
