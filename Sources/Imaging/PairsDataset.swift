import Documents
import Foundation

/// Photographs with their noisy partners: `{kind: pairs, path: "${HALCYON_DATA}/PolyU", noisy: "*_real.JPG", clean: "*_mean.JPG"}`.
///
/// The rule of pairing: `noisy` and `clean` are file names, below `path`, with one star each; files pair where the stars stand for the
/// same text, which names the pair: `noisy/*.png` and `clean/*.png` are two folders. `only` and `except` list such names, with any
/// number of stars, to split a set by what its names tell (camera, scene). Every file of any readable format.
package struct PairsDataset: DatasetKind {
    package static let word = "pairs"
    package static let keys = ["path", "noisy", "clean", "only", "except"]

    let path: String
    let noisy: StarredName
    let clean: StarredName
    let only: [String]?
    let except: [String]
    private let document: Document
    private let cache: PictureCache?

    package var knownSide: Int? { nil }
    package var isPaired: Bool { true }

    package init(parsing document: Document, in place: DatasetPlace) throws {
        self.document = document
        cache = PictureCache(in: place)
        path = try place.path(document.required("path"))
        noisy = try StarredName(document.required("noisy"), "noisy")
        clean = try StarredName(document.required("clean"), "clean")
        guard noisy != clean else {
            throw try document.required("clean").fail("clean: is the same as noisy", hint: "for example \"*_real.png\" and \"*_mean.png\"")
        }
        only = try document.optional("only")?.array("only").map { try $0.string("only") }
        except = try document.optional("except")?.array("except").map { try $0.string("except") } ?? []
    }

    package func open(channels: Int, seed: UInt64, role: DatasetDescription.Role) throws -> ImageSet {
        let names = try names()
        func files(_ pattern: StarredName) -> [String] { names.map { "\(path)/\(pattern.filled(with: $0))" } }
        do {
            let images = try cache.pictures(files(clean), channels: channels), partners = try cache.pictures(files(noisy), channels: channels)
            for i in names.indices where images.size(i) != partners.size(i) {
                let (own, other) = (images.size(i), partners.size(i))
                throw InputError(
                    file: files(noisy)[i], "has \(other.height)x\(other.width) pixels, its clean partner \(own.height)x\(own.width)",
                    hint: "the files of a pair must have one size")
            }
            return ImageSet(names: names, images, partners: partners)
        } catch var error as InputError {
            error.location = document.location
            throw error
        }
    }

    /// The pairs' names in order.
    func names() throws -> [String] {
        let found = try noisy.names(below: path, document), partners = Set(try clean.names(below: path, document))
        if let alone = found.first(where: { !partners.contains($0) }) {
            throw document.fail(
                "\(path)/\(noisy.filled(with: alone)) has no partner \(clean.filled(with: alone))", hint: "check the patterns `noisy` and `clean`")
        }
        let kept = found.filter { name in
            (only.map { $0.contains { name.matches(stars: $0) } } ?? true) && !except.contains { name.matches(stars: $0) }
        }
        guard !kept.isEmpty else {
            throw document.fail(
                found.isEmpty ? "\(path): no file is named as \(noisy.text)" : "of \(found.count) pairs, none is left by `only` and `except`",
                hint: "check the path and the patterns")
        }
        return kept
    }
}

/// A file name, perhaps in a folder, with one star.
struct StarredName: Equatable {
    let text: String
    private let before: String
    private let after: String

    init(_ document: Document, _ what: String) throws {
        text = try document.string(what)
        let parts = text.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].contains("/") else {
            throw document.fail("\(what): expected a file name with one star, found \"\(text)\"", hint: "for example \"*_real.png\" or \"noisy/*.png\"")
        }
        (before, after) = (String(parts[0]), String(parts[1]))
    }

    func filled(with name: String) -> String { before + name + after }

    /// What the star stands for in each file below a folder, sorted.
    func names(below path: String, _ document: Document) throws -> [String] {
        let cut = before.lastIndex(of: "/").map { before.index(after: $0) } ?? before.startIndex
        let folder = path + "/" + before[..<cut], start = String(before[cut...])
        guard let entries = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            throw document.fail("\(folder): no such folder", hint: "name the folder of the pairs, or set the variable in its path")
        }
        return entries.filter { entry in
            entry.count > start.count + after.count && entry.hasPrefix(start) && entry.hasSuffix(after) && isRegularFile(folder + "/" + entry)
        }.map { String($0.dropFirst(start.count).dropLast(after.count)) }.sorted()
    }
}

extension String {
    /// Whether it is the pattern with its stars standing for any texts.
    package func matches(stars pattern: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
        guard let first = parts.first, let last = parts.last, parts.count > 1 else { return self == pattern }
        guard hasPrefix(first), hasSuffix(last), count >= first.count + last.count else { return false }
        var rest = dropFirst(first.count).dropLast(last.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let place = rest.range(of: part) else { return false }
            rest = rest[place.upperBound...]
        }
        return true
    }
}
