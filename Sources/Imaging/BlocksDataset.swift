import Documents
import Foundation

/// Pairs in two MATLAB files of numbered blocks, as the validation set of SIDD (Abdelhamed et al. 2018, "A high-quality denoising
/// dataset for smartphone cameras") comes: `{kind: blocks, path: "${HALCYON_DATA}/SIDD", noisy: ValidationNoisyBlocksSrgb.mat, clean:
/// ValidationGtBlocksSrgb.mat}`.
///
/// The first array of images x blocks x height x width x 3 in each file, `[40, 32, 256, 256, 3]` of bytes there. Block b of image a,
/// counted from 1, is named `a_b`, so that `scene: "(*)_*"` tells the image; `PairSelection` takes some of them. Samples stay in memory
/// as the file has them.
package struct BlocksDataset: DatasetKind {
    package static let word = "blocks"
    package static let keys = ["path", "noisy", "clean"] + PairSelection.keys

    private let noisy: String
    private let clean: String
    private let selection: PairSelection
    private let document: Document

    package var knownSide: Int? { nil }
    package var isPaired: Bool { true }

    package init(parsing document: Document, in place: DatasetPlace) throws {
        self.document = document
        let folder = try place.path(document.required("path"))
        noisy = folder + "/" + (try document.required("noisy").string("noisy"))
        clean = folder + "/" + (try document.required("clean").string("clean"))
        guard noisy != clean else {
            throw try document.required("clean").fail("clean: is the same as noisy", hint: "name the file of the clean blocks")
        }
        selection = try PairSelection(parsing: document)
    }

    package func open(channels: Int, seed: UInt64, role: DatasetDescription.Role) throws -> ImageSet {
        do {
            let images = try PictureBlocks(clean, channels: channels), partners = try PictureBlocks(noisy, channels: channels)
            guard images.layout == partners.layout else {
                throw InputError(file: noisy, "has \(partners.layout), its clean partner \(images.layout)", hint: "the blocks of a pair must have one size")
            }
            let all = images.names
            let taken = Set(try selection.taken(of: all))
            let kept = all.indices.filter { taken.contains(all[$0]) }
            return ImageSet(names: kept.map { all[$0] }, .blocks(images, kept), partners: .blocks(partners, kept))
        } catch var error as InputError {
            error.location = error.location ?? document.location
            throw error
        }
    }
}

/// The blocks of a MATLAB file, with the samples of the file, as pictures of so many channels.
final class PictureBlocks: Sendable {
    /// How the blocks are counted, and their size.
    struct Layout: Equatable, CustomStringConvertible {
        var groups: Int
        var blocks: Int
        var height: Int
        var width: Int
        var description: String { "\(groups) x \(blocks) blocks of \(height)x\(width) pixels" }
    }

    let layout: Layout
    private let stored: StoredPicture
    private let channels: Int

    /// - Throws: `InputError` that names the file.
    init(_ path: String, channels: Int) throws {
        stored = try StoredPicture(blocksOf: path)
        layout = Layout(groups: stored.groups, blocks: stored.blocks, height: stored.height / (stored.groups * stored.blocks), width: stored.width)
        self.channels = channels
    }

    /// `1_1`, `1_2`, ...
    var names: [String] { (0..<layout.groups * layout.blocks).map { "\($0 / layout.blocks + 1)_\($0 % layout.blocks + 1)" } }

    var size: ImageSize { ImageSize(height: layout.height, width: layout.width, channels: channels) }

    func image(_ i: Int) -> Image { stored.rows(i * layout.height..<(i + 1) * layout.height, channels: channels) }
}
