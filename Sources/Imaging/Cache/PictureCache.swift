import CHDF5
import Documents
import Foundation

/// Decoded pictures in one HDF5 file, so that no training decodes them twice and memory holds none of them: each is a dataset
/// `pictures/00000001` `[H, W, C]` as its file's samples (uint8, uint16 or Float32), and `index` tells where each one's bytes lie.
///
/// The file's name is the SHA-256 of the files' names and contents and of what was done to them: an entry is never wrong, only unused.
/// Contents are read again only when a file's size, times or inode are others than before (`KnownName`).
/// It is written once, under a lock that other workers wait for, and renamed into place when it is whole.
struct PictureCache {
    /// Of the format and of what decoding gives.
    private static let version = 1

    let folder: String

    /// Nil where no cache is asked for.
    init?(in place: DatasetPlace) {
        guard let folder = place.environment["HALCYON_CACHE"], !folder.isEmpty else { return nil }
        self.folder = folder
    }

    /// The pictures of files, decoded now unless an earlier opening did.
    /// - Throws: what decoding throws, and `StorageFailure` where the cache cannot be written.
    func pictures(_ files: [String], channels: Int) throws -> PictureFile {
        let path = "\(folder)/\(try name(files, channels)).h5"
        if let known = try? PictureFile(path, channels: channels) { return known }
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw fileFailure(folder, "the cache's folder cannot be made", error)
        }
        return try locked(path + ".lock") {
            // Another worker may have written it meanwhile.
            if let known = try? PictureFile(path, channels: channels) { return known }
            let partial = path + ".partial"
            defer { unlink(partial) }
            try write(files, channels, to: partial)
            guard rename(partial, path) == 0 else { throw fileFailure(path, "cannot be renamed into place", code: errno) }
            return try PictureFile(path, channels: channels)
        }
    }

    /// An entry's name: from the files' contents, or, where none of them was changed since, as it was found the last time.
    private func name(_ files: [String], _ channels: Int) throws -> String {
        let known = FileIdentities(files, for: "pictures \(Self.version), \(channels) channels").map { KnownName($0, in: folder) }
        if let name = known?.name { return name }
        var content = Array("halcyon pictures \(Self.version), \(channels) channels\n".utf8)
        for file in files {
            let name = file.split(separator: "/").last.map(String.init) ?? file
            content += Array("\(SHA256.hexadecimal(of: try readInputFile(file, "a picture"))) \(name)\n".utf8)
        }
        let name = SHA256.hexadecimal(of: content)
        known?.keep(name)
        return name
    }

    /// Runs `body` while no other process holds the lock file.
    private func locked<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw fileFailure(path, "cannot be written", code: errno) }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw fileFailure(path, "cannot be locked", code: errno) }
        }
        return try body()
    }

    /// One picture at a time is in memory.
    private func write(_ files: [String], _ channels: Int, to path: String) throws {
        let file = withHDF5 { H5Fcreate(path, halcyon_h5_truncate(), halcyon_h5_default(), halcyon_h5_default()) }
        guard file >= 0 else { throw fileFailure(path, "cannot be written", code: errno) }
        var isOpen = true
        defer { if isOpen { _ = withHDF5 { H5Fclose(file) } } }
        func check(_ succeeded: Bool) throws { if !succeeded { throw fileFailure(path, "cannot be written", code: errno == 0 ? ENOSPC : errno) } }
        try check(withHDF5 { () -> Bool in
            let group = H5Gcreate2(file, "pictures", halcyon_h5_default(), halcyon_h5_default(), halcyon_h5_default())
            return group >= 0 && H5Gclose(group) >= 0
        })
        var index: [Int64] = []
        for (number, name) in files.enumerated() {
            let picture = try Image.load(name, channels: channels), samples = StoredSamples(picture)
            let digits = String(number + 1)
            let place = "pictures/" + String(repeating: "0", count: 8 - digits.count) + digits
            let sizes = [picture.height, picture.width, picture.channels]
            let offset = withHDF5 { samples.bytes.withUnsafeBytes { Self.dataset(file, place, sizes, samples.type, $0.baseAddress) } }
            try check(offset != nil)
            index += [Int64(offset ?? 0), Int64(picture.height), Int64(picture.width), Int64(samples.kind)]
        }
        try check(withHDF5 { index.withUnsafeBytes { Self.dataset(file, "index", [files.count, 4], halcyon_h5_native_int64(), $0.baseAddress) } } != nil)
        isOpen = false
        try check(withHDF5 { H5Fclose(file) } >= 0)
    }

    /// Writes a contiguous dataset; returns where its bytes lie in the file, nil where HDF5 refuses.
    private static func dataset(_ file: hid_t, _ name: String, _ sizes: [Int], _ type: hid_t, _ bytes: UnsafeRawPointer?) -> UInt64? {
        let extents = sizes.map { hsize_t($0) }
        let space = H5Screate_simple(Int32(extents.count), extents, nil)
        let dataset = H5Dcreate2(file, name, type, space, halcyon_h5_default(), halcyon_h5_default(), halcyon_h5_default())
        defer {
            H5Dclose(dataset)
            H5Sclose(space)
        }
        guard dataset >= 0, H5Dwrite(dataset, type, halcyon_h5_all(), halcyon_h5_all(), halcyon_h5_default(), bytes) >= 0 else { return nil }
        let offset = H5Dget_offset(dataset)
        return offset == haddr_t.max ? nil : UInt64(offset)
    }
}

extension PictureCache? {
    /// The pictures of files: from the cache, or decoded into memory.
    func pictures(_ files: [String], channels: Int) throws -> ImageSet.Pictures {
        guard let self else { return .memory(try files.map { try Image.load($0, channels: channels) }) }
        return .file(try self.pictures(files, channels: channels))
    }
}

/// A picture's samples in the narrowest type that gives them back to the bit.
private struct StoredSamples {
    let bytes: [UInt8]
    /// Bytes a sample.
    let kind: Int

    var type: hid_t {
        switch kind {
        case 1: halcyon_h5_native_uint8()
        case 2: halcyon_h5_native_uint16()
        default: halcyon_h5_native_float()
        }
    }

    init(_ picture: Image) {
        let narrow = picture.bytes
        if zip(narrow, picture.pixels).allSatisfy({ Float($0) / 255 == $1 }) {
            (bytes, kind) = (narrow, 1)
            return
        }
        let wide = picture.quantized(to: UInt16.self)
        if zip(wide, picture.pixels).allSatisfy({ Float($0) / 65535 == $1 }) {
            (bytes, kind) = (wide.withUnsafeBytes { Array($0) }, 2)
        } else {
            (bytes, kind) = (picture.pixels.withUnsafeBytes { Array($0) }, 4)
        }
    }
}
