import Documents

/// A part of a network that takes a feature map of any channels to one of the asked channels, at the same size. Adding a
/// block is one file that conforms to this and one line in `blockCatalogue`; every block works in every skeleton.
package protocol Block: Sendable {
    /// The word after `block:`.
    static var kind: String { get }
    /// Small block documents that the law suites run, together with every field's meaning.
    static var samples: [Document] { get }

    /// Reads the block's mapping.
    /// - Throws: a located `InputError`; unknown keys are refused.
    init(_ document: Document) throws
    /// Refuses a number of output channels that the block cannot have.
    /// - Parameter document: the block's mapping, for the error's place.
    /// - Throws: a located `InputError`.
    func check(channels: Int, in document: Document) throws
    /// Every field, defaults filled in.
    var document: Document { get }
    /// True where the block has exactly `scope.convolution(1)`, which a chain then names by its position.
    var isSingleConvolution: Bool { get }
    /// Heights and widths of the block's input must be multiples of this.
    var sizeMultiple: Int { get }
    /// Adds the block: `[N, H, W, input.channels]` to `[N, H, W, channels]`.
    func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, scope: NameScope) -> FeatureMap
}

extension Block {
    package var isSingleConvolution: Bool { false }
    package var sizeMultiple: Int { 1 }
    package func check(channels: Int, in document: Document) throws {}

    /// The block's mapping with its kind first.
    func document(_ fields: [(String, Document)]) -> Document { .object([("block", .string(Self.kind))] + fields) }
}

/// Every block. Parsing and the law suites iterate this list.
package let blockCatalogue: [any Block.Type] = [
    PlainBlock.self, ResidualBlock.self, DenseBlock.self, IdentityBlock.self,
    DepthwiseSeparableBlock.self, InvertedResidualBlock.self,
    WindowAttentionBlock.self, GatedBlock.self,
]

/// Reads `{block: KIND, ...}`, a block of so many output channels.
package func parseBlock(_ document: Document, channels: Int) throws -> any Block {
    let kind = try document.required("block").word("block", of: blockCatalogue.map { $0.kind })
    guard let type = blockCatalogue.first(where: { $0.kind == kind }) else { preconditionFailure(kind) }
    let block = try type.init(document)
    try block.check(channels: channels, in: document)
    return block
}
