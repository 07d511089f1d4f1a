import Documents

/// Pictures in a fixed order, each with a name, and with its noisy partner where they were photographed in pairs. They are held in
/// memory, or read from a cache's file as they are asked for.
package struct ImageSet: Sendable {
    enum Pictures: Sendable {
        case memory([Image])
        case file(PictureFile)
        /// Some of a file's blocks, by their numbers.
        case blocks(PictureBlocks, [Int])

        func image(_ i: Int) throws -> Image {
            switch self {
            case .memory(let images): images[i]
            case .file(let file): try file.image(i)
            case .blocks(let blocks, let numbers): blocks.image(numbers[i])
            }
        }

        func size(_ i: Int) -> ImageSize {
            switch self {
            case .memory(let images): images[i].size
            case .file(let file): file.size(i)
            case .blocks(let blocks, _): blocks.size
            }
        }
    }

    private let names: [String]
    private let images: Pictures
    private let partners: Pictures?
    /// Which of them the pictures are, in this order; nil for all.
    private let order: [Int]?

    package init(_ entries: [(name: String, image: Image)]) {
        self.init(names: entries.map(\.name), .memory(entries.map(\.image)), partners: nil)
    }

    /// Pairs of one size each.
    package init(pairs: [(name: String, clean: Image, noisy: Image)]) {
        self.init(names: pairs.map(\.name), .memory(pairs.map(\.clean)), partners: .memory(pairs.map(\.noisy)))
    }

    init(names: [String], _ images: Pictures, partners: Pictures?) {
        self.names = names
        self.images = images
        self.partners = partners
        order = nil
        precondition(partners.map { partners in names.indices.allSatisfy { partners.size($0) == images.size($0) } } ?? true, "partners have one size")
    }

    private init(_ places: [Int], of whole: ImageSet) {
        names = places.map { whole.names[$0] }
        images = whole.images
        partners = whole.partners
        order = places.map(whole.place)
    }

    private func place(_ i: Int) -> Int { order?[i] ?? i }

    package var count: Int { names.count }

    /// Some of the pictures, which stay where they are.
    package func picking(_ places: [Int]) -> ImageSet { ImageSet(places, of: self) }

    /// Whether each picture has a noisy partner.
    package var isPaired: Bool { partners != nil }

    /// A file's name, or the number of a generated picture.
    package func name(_ i: Int) -> String { names[i] }

    /// Names and sizes, to tell one set from another; not the pixels, which may differ in the last bits between machines.
    package var document: Document {
        .array(names.indices.map { [.string(names[$0]), .int(size($0).height), .int(size($0).width), .int(size($0).channels)] })
    }

    package func size(_ i: Int) -> ImageSize { images.size(place(i)) }

    /// The clean picture.
    /// - Throws: `InputError` where the cache's file is damaged.
    package func image(_ i: Int) throws -> Image { try images.image(place(i)) }

    /// The same picture as the camera took it; nil where the set has no pairs.
    package func noisy(_ i: Int) throws -> Image? { try partners?.image(place(i)) }

    /// The middles of all pictures, in memory.
    func centreCropped(_ side: Int) throws -> ImageSet {
        func middles(_ pictures: Pictures) throws -> Pictures { .memory(try names.indices.map { try pictures.image(place($0)).centreCropped(side) }) }
        return ImageSet(names: names, try middles(images), partners: try partners.map(middles))
    }
}
