import Documents
import Foundation

/// Photographs with their noisy partners: `{kind: pairs, path: "${HALCYON_DATA}/PolyU", noisy: "*_real.JPG", clean: "*_mean.JPG"}`.
///
/// The rule of pairing: `noisy` and `clean` are file names, below `path`, with stars, also in the names of folders; files pair where the
/// stars stand for the same texts, which with a slash between them name the pair: `noisy/*.png` and `clean/*.png` are two folders,
/// `Data/*/NOISY_SRGB_010.PNG` is SIDD, which has a folder a pair; without stars, `noisy.mat` and `clean.mat` are one pair. `PairSelection` splits a set by what its names tell (camera, scene).
/// Every file of any readable format.
package struct PairsDataset: DatasetKind {
    package static let word = "pairs"
    package static let keys = ["path", "noisy", "clean"] + PairSelection.keys

    let path: String
    let noisy: StarredPath
    let clean: StarredPath
    let selection: PairSelection
    private let document: Document
    private let cache: PictureCache?

    package var knownSide: Int? { nil }
    package var isPaired: Bool { true }

    package init(parsing document: Document, in place: DatasetPlace) throws {
        self.document = document
        cache = PictureCache(in: place)
        path = try place.path(document.required("path"))
        noisy = try StarredPath(document.required("noisy"), "noisy")
        clean = try StarredPath(document.required("clean"), "clean")
        guard noisy != clean else {
            throw try document.required("clean").fail("clean: is the same as noisy", hint: "for example \"*_real.png\" and \"*_mean.png\"")
        }
        guard noisy.starCount == clean.starCount else {
            throw try document.required("clean").fail(
                "clean: has \(clean.starCount) stars, noisy \(noisy.starCount)", hint: "their stars stand for the same texts, one by one")
        }
        selection = try PairSelection(parsing: document)
    }

    package func open(channels: Int, seed: UInt64, role: DatasetDescription.Role) throws -> ImageSet {
        let pairs = try pairs()
        let (names, cleanFiles, noisyFiles) = (pairs.map(\.name), pairs.map(\.clean), pairs.map(\.noisy))
        do {
            let images = try cache.pictures(cleanFiles, channels: channels), partners = try cache.pictures(noisyFiles, channels: channels)
            for i in names.indices where images.size(i) != partners.size(i) {
                let (own, other) = (images.size(i), partners.size(i))
                throw InputError(
                    file: noisyFiles[i], "has \(other.height)x\(other.width) pixels, its clean partner \(own.height)x\(own.width)",
                    hint: "the files of a pair must have one size")
            }
            return ImageSet(names: names, images, partners: partners)
        } catch var error as InputError {
            error.location = document.location
            throw error
        }
    }

    package func scenes() throws -> Set<String>? {
        let scenes = try pairs().compactMap { try selection.scene(of: $0.name) }
        return scenes.isEmpty ? nil : Set(scenes)
    }

    /// The pairs that are taken, in the order of their names.
    private func pairs() throws -> [(name: String, clean: String, noisy: String)] {
        let found = try noisy.matches(below: path, document).map { texts in
            let partner = "\(path)/\(clean.filled(with: texts))", own = "\(path)/\(noisy.filled(with: texts))"
            guard isRegularFile(partner) else {
                throw document.fail("\(own) has no partner \(clean.filled(with: texts))", hint: "check the patterns `noisy` and `clean`")
            }
            return (name: texts.isEmpty ? noisy.text : texts.joined(separator: "/"), clean: partner, noisy: own)
        }
        guard !found.isEmpty else {
            throw document.fail("\(path): no file is named as \(noisy.text)", hint: "check the path and the patterns")
        }
        let taken = Set(try selection.taken(of: found.map(\.name)))
        return found.filter { taken.contains($0.name) }
    }
}

/// A file's path below a folder, with stars in its name or in those of its folders.
struct StarredPath: Equatable, Sendable {
    let text: String
    private let components: [StarPattern]

    init(_ document: Document, _ what: String) throws {
        text = try document.string(what)
        components = text.split(separator: "/", omittingEmptySubsequences: false).compactMap { $0.isEmpty ? nil : StarPattern(String($0)) }
        guard components.count == text.split(separator: "/", omittingEmptySubsequences: false).count else {
            throw document.fail(
                "\(what): expected a file name, with stars for what names the pair, found \"\(text)\"",
                hint: "for example \"*_real.png\", \"noisy/*.png\" or \"*/NOISY.PNG\"; stars do not touch")
        }
    }

    var starCount: Int { components.reduce(0) { $0 + $1.starCount } }

    func filled(with texts: [String]) -> String {
        var rest = texts[...]
        return components.map { component in
            defer { rest = rest.dropFirst(component.starCount) }
            return component.filled(with: Array(rest.prefix(component.starCount)))
        }.joined(separator: "/")
    }

    /// What the stars stand for in each file below a folder, sorted.
    func matches(below path: String, _ document: Document) throws -> [[String]] {
        var found: [(folder: String, texts: [String])] = [(path, [])]
        for (number, component) in components.enumerated() {
            let isFile = number == components.count - 1
            found = try found.flatMap { folder, texts -> [(folder: String, texts: [String])] in
                if component.starCount == 0, !isFile { return [("\(folder)/\(component.text)", texts)] }
                guard let entries = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
                    // What stands beside the folders that a star means may be a file.
                    guard texts.isEmpty else { return [] }
                    throw document.fail("\(folder): no such folder", hint: "name the folder of the pairs, or set the variable in its path")
                }
                return entries.compactMap { entry in
                    guard let more = component.texts(in: entry), !isFile || isRegularFile("\(folder)/\(entry)") else { return nil }
                    return ("\(folder)/\(entry)", texts + more)
                }
            }
        }
        return found.map(\.texts).sorted { $0.lexicographicallyPrecedes($1) }
    }
}
