import Documents

/// `dense`: `layers` units of `growth` channels, each over the input and all earlier ones; then a 1x1 convolution `fuse` with
/// bias to the asked channels, added to the input where the channels agree (DenseNet, Huang et al. 2017, in the form of the
/// residual dense network, Zhang et al. 2018).
package struct DenseBlock: Block {
    package static let kind = "dense"
    package static let samples: [Document] = [
        ["block": "dense", "layers": 2, "growth": 2],
        ["block": "dense", "layers": 1, "growth": 3, "normalization": "none", "activation": "leaky-relu", "slope": 0.25],
    ]

    var unit: ConvolutionUnit
    var layers: Int
    var growth: Int

    package init(_ document: Document) throws {
        try document.allowOnly(["block", "layers", "growth"] + ConvolutionUnit.keys)
        unit = try ConvolutionUnit(in: document)
        layers = try document.optional("layers")?.int("layers", in: 1...16) ?? 3
        growth = try document.optional("growth")?.int("growth", in: 1...256) ?? 16
    }

    package var document: Document { document([("layers", .int(layers)), ("growth", .int(growth))] + unit.fields) }

    package func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, scope: NameScope) -> FeatureMap {
        var maps = [input]
        for number in 1...layers {
            let x = builder.concatenate(maps, path: scope.path("concatenation\(number)"))
            maps.append(unit.build(&builder, x, channels: growth, scope: scope, number: number))
        }
        let all = builder.concatenate(maps, path: scope.path("concatenation"))
        let isResidual = input.channels == channels
        let fused = builder.convolution(
            all, channels: channels, kernel: 1, bias: true, gain: isResidual ? 0.1 : 1, name: scope.path("fuse"))
        return isResidual ? builder.add(input, fused, path: scope.path("sum")) : fused
    }
}
