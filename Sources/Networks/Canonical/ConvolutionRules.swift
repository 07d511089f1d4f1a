import Documents

extension CanonicalRule {
    /// A leaky ReLU of slope 0 is a ReLU.
    static let leakySlopeZero = leaky("leaky-slope-zero", slope: 0, is: "relu")

    /// A leaky ReLU of slope 1 is no activation.
    static let leakySlopeOne = leaky("leaky-slope-one", slope: 1, is: "none")

    /// Only a leaky ReLU has a slope.
    static let slopeOfOthers = CanonicalRule(
        name: "slope-of-others",
        samples: [
            chain([["block": "plain", "activation": "relu", "slope": 0.5]]),
            chain([["block": "residual", "activation": "none", "slope": 0.25]], head: ["activation": "relu", "slope": 0.2]),
        ]
    ) { network in
        network.mapMappings { mapping in
            guard let activation = mapping["activation"], activation != "leaky-relu" else { return mapping }
            return mapping.setting("slope", nil)
        }
    }

    /// A 1x1 kernel has nothing to spread.
    static let dilationOfPointwise = CanonicalRule(
        name: "dilation-of-pointwise", samples: [chain([["block": "dense", "layers": 1, "growth": 2, "kernel": 1, "dilation": 3]])]
    ) { network in
        network.mapMappings { mapping in
            guard mapping["kernel"] == 1, mapping["dilation"] != nil else { return mapping }
            return mapping.setting("dilation", 1)
        }
    }

    /// A convolution that is normalized has no bias: the normalization subtracts it.
    static let biasBeforeNormalization = CanonicalRule(
        name: "bias-before-normalization", samples: [chain([], head: ["normalization": "batch", "bias": true])]
    ) { network in
        network.mapMappings { mapping in
            guard mapping["normalization"] == "batch", mapping["bias"] != nil else { return mapping }
            return mapping.setting("bias", false)
        }
    }

    private static func leaky(_ name: String, slope: Double, is activation: Document) -> CanonicalRule {
        CanonicalRule(
            name: name, samples: [chain([["block": "plain", "activation": "leaky-relu", "slope": .float(slope)]])]
        ) { network in
            network.mapMappings { mapping in
                guard mapping["activation"] == "leaky-relu", mapping["slope"] == .float(slope) else { return mapping }
                return mapping.setting("activation", activation)
            }
        }
    }

    /// A small chain for samples.
    static func chain(_ blocks: [Document], head: Document = [:]) -> Document {
        ["skeleton": ["kind": "chain", "width": 2, "head": head, "blocks": .array(blocks)]]
    }
}
