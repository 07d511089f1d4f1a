import Documents

/// `identity`: its input, through a 1x1 convolution without bias only where the channels differ. In a chain it is nothing.
package struct IdentityBlock: Block {
    package static let kind = "identity"
    package static let samples: [Document] = [["block": "identity"]]

    package init(_ document: Document) throws { try document.allowOnly(["block"]) }

    package var document: Document { document([]) }

    package func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, scope: NameScope) -> FeatureMap {
        builder.project(input, channels: channels, scope: scope)
    }
}
