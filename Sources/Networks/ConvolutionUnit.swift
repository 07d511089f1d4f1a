import Documents

/// Convolution, normalization, activation: the settings that all convolutional blocks share.
///
/// Keys: `kernel` (1, 3, 5 or 7; default 3), `dilation` (default 1), `normalization` (default batch), `activation` (default
/// relu), `slope`. The convolution has a bias only where the normalization is none.
package struct ConvolutionUnit: Sendable, Hashable {
    static let keys = ["kernel", "dilation", "normalization"] + Activation.keys

    package var kernel: Int
    package var dilation: Int
    package var normalization: Normalization
    package var activation: Activation

    init(in document: Document) throws {
        kernel = try parseKernel(document)
        dilation = try document.optional("dilation")?.int("dilation", in: 1...16) ?? 1
        normalization = try document.optional("normalization")?.word("normalization", as: Normalization.self) ?? .batch
        activation = try Activation(in: document)
    }

    var fields: [(String, Document)] {
        [("kernel", .int(kernel)), ("dilation", .int(dilation)), ("normalization", .string(normalization.rawValue))]
            + activation.fields
    }

    /// Adds `scope.conv{number}`, `scope.norm{number}` and, unless `activated` is false, the activation.
    func build(
        _ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, scope: NameScope, number: Int,
        activated: Bool = true, gain: Double = 1
    ) -> FeatureMap {
        var x = builder.convolution(
            input, channels: channels, kernel: kernel, dilation: dilation, bias: normalization == .none,
            gain: gain * (activated ? activation.gain : 1), name: scope.convolution(number))
        if normalization == .batch { x = builder.batchNormalization(x, name: scope.normalization(number)) }
        return activated ? builder.activate(x, activation, path: scope.path("activation\(number)")) : x
    }
}

/// The side of a square kernel: 1, 3, 5 or 7; 3 when absent.
func parseKernel(_ document: Document) throws -> Int {
    guard let source = try document.optional("kernel") else { return 3 }
    let kernel = try source.int("kernel", in: 1...7)
    guard kernel % 2 == 1 else {
        throw source.fail("kernel: expected one of 1, 3, 5, 7, found the integer \(kernel)", hint: "an odd kernel has a centre")
    }
    return kernel
}
