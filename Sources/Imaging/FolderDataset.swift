import Documents
import Foundation

/// The pictures of a folder (not of its subfolders), sorted by file name, all decoded when the set is opened, into memory or, where
/// `HALCYON_CACHE` names a folder, once for all into a file there (`PictureCache`).
///
/// `{kind: folder, path: "${HALCYON_DATA}/Train400", images: 100}`; `images` limits how many are taken, from the first.
/// A file is a picture when its ending or its first bytes say so (`ImageFileFormat`); others (a licence, notes) are passed over.
package struct FolderDataset: DatasetKind {
    package static let word = "folder"
    package static let keys = ["path", "images"]

    /// Absolute, or relative to the working folder when the base folder is.
    package let path: String
    package let limit: Int?
    private let pathDocument: Document?
    private let cache: PictureCache?

    package var knownSide: Int? { nil }

    /// A folder named outside a document, for instance on the command line.
    package init(path: String, limit: Int? = nil) {
        self.path = path
        self.limit = limit
        pathDocument = nil
        cache = nil
    }

    package init(parsing document: Document, in place: DatasetPlace) throws {
        let pathDocument = try document.required("path")
        path = try place.path(pathDocument)
        limit = try document.optional("images")?.int("images", in: 1...Int.max)
        self.pathDocument = pathDocument
        cache = PictureCache(in: place)
    }

    package func open(channels: Int, seed: UInt64 = 0, role: DatasetDescription.Role = .validation) throws -> ImageSet {
        let names = try fileNames()
        do {
            let pictures = try cache.pictures(names.map { path + "/" + $0 }, channels: channels)
            return ImageSet(names: names, pictures, partners: nil)
        } catch var error as InputError {
            error.location = pathDocument?.location
            throw error
        }
    }

    /// The names of the folder's pictures in order; throws when there is no folder or no picture, without decoding any.
    package func fileNames() throws -> [String] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw fault(
                "\(path): no such folder",
                hint: "name a folder of \(ImageFileFormat.words) files, or set the variable in its path (HALCYON_DATA) to where your data is")
        }
        guard isFolder.boolValue else {
            throw fault("\(path): is a file, not a folder", hint: "name the folder that holds the pictures")
        }
        guard let entries = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            throw fault("\(path): cannot be read", hint: "check its permissions")
        }
        let names = entries.sorted().filter { !$0.hasPrefix(".") && isPicture($0) }
        guard !names.isEmpty else {
            throw fault("\(path): has no \(ImageFileFormat.words) file", hint: "name the folder that holds the pictures themselves")
        }
        return limit.map { Array(names.prefix($0)) } ?? names
    }

    private func isPicture(_ name: String) -> Bool {
        let file = path + "/" + name
        // A pipe would wait for a writer.
        guard isRegularFile(file) else { return false }
        let ending = name.split(separator: ".").last.map { $0.lowercased() } ?? ""
        if ImageFileFormat.allCases.contains(where: { $0.endings.contains(ending) }) { return true }
        guard let handle = FileHandle(forReadingAtPath: file) else { return false }
        defer { try? handle.close() }
        return ((try? handle.read(upToCount: 20)) ?? nil).flatMap { ImageFileFormat(opening: $0) } != nil
    }

    private func fault(_ message: String, hint: String) -> InputError {
        InputError(message, at: pathDocument?.location, hint: hint)
    }
}
