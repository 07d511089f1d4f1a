import Documents
import Engine

/// `gated`: x + project(gelu(a) b), where a and b are two branches of a 1x1 convolution to `expansion` times the channels and a
/// depthwise convolution (the gated-Dconv feed-forward network of Restormer, Zamir et al. 2022, eq. 3, without its layer norm).
/// Where the channels differ there is no sum.
///
/// Keys: `kernel` of the depthwise convolutions (3, 5 or 7; default 3), `expansion` (1 to 4; default 2). Names: `expand1`,
/// `depthwise1` (through GELU), `expand2`, `depthwise2`, `project`, all with biases.
package struct GatedBlock: Block {
    package static let kind = "gated"
    package static let samples: [Document] = [["block": "gated"], ["block": "gated", "kernel": 5, "expansion": 1]]

    var kernel: Int
    var expansion: Int

    package init(_ document: Document) throws {
        try document.allowOnly(["block", "kernel", "expansion"])
        kernel = try parseDepthwiseKernel(document)
        expansion = try document.optional("expansion")?.int("expansion", in: 1...4) ?? 2
    }

    package var document: Document { document([("kernel", .int(kernel)), ("expansion", .int(expansion))]) }

    package func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, scope: NameScope) -> FeatureMap {
        let hidden = input.channels * expansion
        let branches = (1...2).map { number in
            let x = builder.convolution(
                input, channels: hidden, kernel: 1, bias: true, gain: 0.5.squareRoot(), name: scope.path("expand\(number)"))
            return builder.depthwiseConvolution(x, kernel: kernel, bias: true, name: scope.path("depthwise\(number)"))
        }
        let gate = builder.activate(branches[0], Activation(.gelu), path: scope.path("gelu"))
        let gated = builder.graph.apply(Multiply(), gate.value, branches[1].value, path: scope.path("gate"))
        let addsInput = input.channels == channels
        let x = builder.convolution(
            FeatureMap(value: gated, channels: hidden), channels: channels, kernel: 1, bias: true,
            gain: addsInput ? 0.1 : 0.5.squareRoot(), name: scope.path("project"))
        return addsInput ? builder.add(input, x, path: scope.path("sum")) : x
    }
}
