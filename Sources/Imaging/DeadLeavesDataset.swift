import Documents
import RandomStreams

/// Generated dead leaves pictures, the data that every clone of the product has:
/// `{kind: dead-leaves, images: 256, size: 128, seed: 7}`.
///
/// Without `seed` the seed comes from whoever opens the set. Picture i depends on the seed, the role and i alone.
package struct DeadLeavesDataset: DatasetKind {
    package static let word = "dead-leaves"
    package static let keys = ["images", "size", "seed"]

    package let images: Int
    package let size: Int
    package let seed: UInt64?

    package var knownSide: Int? { size }
    package var knownCount: Int? { images }

    package init(images: Int, size: Int, seed: UInt64? = nil) {
        self.images = images
        self.size = size
        self.seed = seed
    }

    package init(parsing document: Document, in place: DatasetPlace) throws {
        images = try document.optional("images")?.int("images", in: 1...1_000_000) ?? 256
        size = try document.optional("size")?.int("size", in: 8...4096) ?? 128
        seed = try document.optional("seed").map { UInt64(try $0.int("seed", in: 0...Int.max)) }
    }

    package func open(channels: Int, seed: UInt64, role: DatasetDescription.Role) throws -> ImageSet {
        let root = RandomStream(seed: self.seed ?? seed).split(Self.word).split(role.rawValue)
        let generator = DeadLeaves(size: size, channels: channels)
        return ImageSet((0..<images).map { ("\($0)", generator.image(root.split($0))) })
    }
}
