import Documents

/// `plain`: `convolutions` times convolution, normalization, activation (DnCNN, Zhang et al. 2017; with two it is UNet++'s
/// node, Zhou et al. 2018). The first convolution changes the channels.
package struct PlainBlock: Block {
    package static let kind = "plain"
    package static let samples: [Document] = [
        ["block": "plain"],
        ["block": "plain", "convolutions": 2, "normalization": "none", "activation": "leaky-relu", "slope": 0.25],
        ["block": "plain", "kernel": 5, "activation": "none"],
        ["block": "plain", "kernel": 3, "dilation": 2, "normalization": "none"],
    ]

    var unit: ConvolutionUnit
    var convolutions: Int

    package init(_ document: Document) throws {
        try document.allowOnly(["block", "convolutions"] + ConvolutionUnit.keys)
        unit = try ConvolutionUnit(in: document)
        convolutions = try document.optional("convolutions")?.int("convolutions", in: 1...8) ?? 1
    }

    package var document: Document { document([("convolutions", .int(convolutions))] + unit.fields) }
    package var isSingleConvolution: Bool { convolutions == 1 }

    package func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, scope: NameScope) -> FeatureMap {
        var x = input
        for number in 1...convolutions { x = unit.build(&builder, x, channels: channels, scope: scope, number: number) }
        return x
    }
}
