import Documents

/// Pictures held in memory, in a fixed order, each with a name, and with its noisy partner where they were photographed in pairs.
package struct ImageSet: Sendable {
    private let names: [String]
    private let images: [Image]
    private let partners: [Image]?

    package init(_ entries: [(name: String, image: Image)]) {
        names = entries.map(\.name)
        images = entries.map(\.image)
        partners = nil
    }

    /// Pairs of one size each.
    package init(pairs: [(name: String, clean: Image, noisy: Image)]) {
        precondition(pairs.allSatisfy { $0.clean.hasShape(of: $0.noisy) }, "partners have one size")
        names = pairs.map(\.name)
        images = pairs.map(\.clean)
        partners = pairs.map(\.noisy)
    }

    package var count: Int { images.count }

    /// Whether each picture has a noisy partner.
    package var isPaired: Bool { partners != nil }

    /// A file's name, or the number of a generated picture.
    package func name(_ i: Int) -> String { names[i] }

    /// Names and sizes, to tell one set from another; not the pixels, which may differ in the last bits between machines.
    package var document: Document {
        .array(zip(names, images).map { [.string($0), .int($1.height), .int($1.width), .int($1.channels)] })
    }

    /// The clean picture.
    package func image(_ i: Int) -> Image { images[i] }

    /// The same picture as the camera took it; nil where the set has no pairs.
    package func noisy(_ i: Int) -> Image? { partners?[i] }

    /// The middles of all pictures.
    func centreCropped(_ side: Int) -> ImageSet {
        guard let partners else { return ImageSet(zip(names, images).map { ($0, $1.centreCropped(side)) }) }
        return ImageSet(
            pairs: names.indices.map { (names[$0], images[$0].centreCropped(side), partners[$0].centreCropped(side)) })
    }
}
