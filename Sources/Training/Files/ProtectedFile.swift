import Documents
import Foundation

/// A file whose every byte is under a checksum, replaced as a whole or not at all.
///
/// Layout: the content, then a trailer of 48 bytes: the magic `HALCYON` and 1, the content's length (64 bits, little
/// endian), and the SHA-256 of everything before it. HDF5 and h5py pass over bytes after the end of an HDF5 file, so
/// other programs read it as it is.
package enum ProtectedFile {
    static let magic: [UInt8] = Array("HALCYON".utf8) + [1]
    static let trailerSize = 48

    /// Writes under a temporary name in the same folder, syncs, renames, and syncs the folder.
    /// - Throws: as `replaceFile`.
    package static func write(_ content: [UInt8], to path: String) throws {
        var bytes = content
        bytes += magic
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: content.count >> shift)) }
        bytes += SHA256.digest(of: bytes)
        try replaceFile(path, with: bytes)
    }

    /// The content, after its checksum was found right: nothing is parsed before that.
    /// - Throws: `InputError` that names the file, the expected and the found checksum or size, and what to do.
    package static func read(_ path: String) throws -> ArraySlice<UInt8> {
        try verify(Array(readInputFile(path, "a model or checkpoint that halcyon wrote")), path: path)
    }

    static func verify(_ bytes: [UInt8], path: String) throws -> ArraySlice<UInt8> {
        let again = "the file is damaged or cut short: copy it again from its source, or train again"
        guard !bytes.isEmpty else { throw InputError(file: path, "is empty, expected a model or checkpoint", hint: again) }
        let length = bytes.count - trailerSize
        guard length >= 0, Array(bytes[length..<length + 8]) == magic else {
            throw InputError(
                file: path, "expected a checksum at the end of its \(bytes.count) bytes, found none", hint: again)
        }
        let stated = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[length + 8 + $1]) << UInt64(8 * $1) }
        guard stated == UInt64(length) else {
            throw InputError(file: path, "expected \(stated) bytes of content, found \(length)", hint: again)
        }
        let found = SHA256.hexadecimal(of: bytes[..<(length + 16)])
        let expected = bytes[(length + 16)...].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        guard found == expected else {
            throw InputError(file: path, "expected the checksum \(expected), found \(found)", hint: again)
        }
        return bytes[..<length]
    }
}
