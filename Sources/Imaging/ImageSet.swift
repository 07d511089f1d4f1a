import Documents

/// Pictures held in memory, in a fixed order, each with a name.
package struct ImageSet: Sendable {
    private let names: [String]
    private let images: [Image]

    package init(_ entries: [(name: String, image: Image)]) {
        names = entries.map(\.name)
        images = entries.map(\.image)
    }

    package var count: Int { images.count }

    /// A file's name, or the number of a generated picture.
    package func name(_ i: Int) -> String { names[i] }

    /// Names and sizes, to tell one set from another; not the pixels, which may differ in the last bits between machines.
    package var document: Document {
        .array(zip(names, images).map { [.string($0), .int($1.height), .int($1.width), .int($1.channels)] })
    }

    package func image(_ i: Int) -> Image { images[i] }
}
