import Documents

/// `residual`: x + body(x), the body being `convolutions` units (default 2), the last without activation (He et al. 2016;
/// without normalization, EDSR's block). `final-activation: true` activates the sum. Where the channels differ, x goes
/// through a 1x1 convolution. The body's last convolution starts small, so that deep chains start near the identity.
package struct ResidualBlock: Block {
    package static let kind = "residual"
    package static let samples: [Document] = [
        ["block": "residual"],
        ["block": "residual", "normalization": "none", "final-activation": true],
        ["block": "residual", "convolutions": 1, "activation": "leaky-relu", "slope": 0.25, "final-activation": true],
        ["block": "residual", "convolutions": 1],
    ]

    var unit: ConvolutionUnit
    var convolutions: Int
    var finalActivation: Bool

    package init(_ document: Document) throws {
        try document.allowOnly(["block", "convolutions", "final-activation"] + ConvolutionUnit.keys)
        unit = try ConvolutionUnit(in: document)
        convolutions = try document.optional("convolutions")?.int("convolutions", in: 1...8) ?? 2
        finalActivation = try document.optional("final-activation")?.bool("final-activation") ?? false
    }

    package var document: Document {
        document([("convolutions", .int(convolutions)), ("final-activation", .bool(finalActivation))] + unit.fields)
    }

    package func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, scope: NameScope) -> FeatureMap {
        let shortcut = builder.project(input, channels: channels, scope: scope)
        var x = input
        for number in 1...convolutions {
            let isLast = number == convolutions
            x = unit.build(
                &builder, x, channels: channels, scope: scope, number: number, activated: !isLast, gain: isLast ? 0.1 : 1)
        }
        x = builder.add(shortcut, x, path: scope.path("sum"))
        return finalActivation ? builder.activate(x, unit.activation, path: scope.path("activation")) : x
    }
}
