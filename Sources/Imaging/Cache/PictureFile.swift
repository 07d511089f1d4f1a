import CHDF5
import Documents
import Foundation

/// A cache's file, from which pictures are read one by one as they are asked for.
final class PictureFile: Sendable {
    private struct Entry {
        var offset: Int
        var height: Int
        var width: Int
        /// Bytes a sample: 1, 2, or 4 for Float32.
        var kind: Int
    }

    private let path: String
    private let descriptor: Int32
    private let entries: [Entry]
    private let channels: Int

    /// - Throws: `InputError` when there is no such file, or it is no whole one.
    init(_ path: String, channels: Int) throws {
        func fault(_ what: String) -> InputError { Self.fault(path, what) }
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw fault("cannot be read") }
        self.channels = channels
        let numbers: [Int64]? = withHDF5 {
            let file = H5Fopen(path, halcyon_h5_read_only(), halcyon_h5_default())
            guard file >= 0 else { return nil }
            defer { H5Fclose(file) }
            let dataset = H5Dopen2(file, "index", halcyon_h5_default())
            guard dataset >= 0 else { return nil }
            defer { H5Dclose(dataset) }
            let space = H5Dget_space(dataset)
            defer { H5Sclose(space) }
            let count = Int(H5Sget_simple_extent_npoints(space))
            guard count > 0, count % 4 == 0, count < 1 << 30 else { return nil }
            var numbers = [Int64](repeating: 0, count: count)
            let all = halcyon_h5_all()
            return H5Dread(dataset, halcyon_h5_native_int64(), all, all, halcyon_h5_default(), &numbers) >= 0 ? numbers : nil
        }
        guard let numbers else {
            close(descriptor)
            throw fault("is no cache of pictures")
        }
        entries = stride(from: 0, to: numbers.count, by: 4).map {
            Entry(offset: Int(numbers[$0]), height: Int(numbers[$0 + 1]), width: Int(numbers[$0 + 2]), kind: Int(numbers[$0 + 3]))
        }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        let isWhole = entries.allSatisfy {
            $0.height > 0 && $0.width > 0 && [1, 2, 4].contains($0.kind) && $0.offset + $0.height * $0.width * channels * $0.kind <= size
        }
        guard isWhole else {
            close(descriptor)
            throw fault("is cut short")
        }
    }

    deinit { close(descriptor) }

    private static func fault(_ path: String, _ what: String) -> InputError { InputError(file: path, what, hint: "delete it: it is made anew") }

    var count: Int { entries.count }

    func size(_ i: Int) -> ImageSize { ImageSize(height: entries[i].height, width: entries[i].width, channels: channels) }

    /// The picture as its file gave it, to the bit.
    /// - Throws: `InputError` when the file was cut short since it was opened, or cannot be read.
    func image(_ i: Int) throws -> Image {
        let entry = entries[i], count = size(i).count
        let bytes = try [UInt8](unsafeUninitializedCapacity: count * entry.kind) { buffer, initialized in
            while initialized < buffer.count {
                let found = pread(descriptor, buffer.baseAddress! + initialized, buffer.count - initialized, off_t(entry.offset + initialized))
                if found < 0, errno == EINTR { continue }
                guard found > 0 else { throw Self.fault(path, found == 0 ? "was cut short while it was used" : "cannot be read: \(String(cString: strerror(errno)))") }
                initialized += found
            }
        }
        let pixels: [Float] = bytes.withUnsafeBytes { raw in
            switch entry.kind {
            case 1: raw.map { Float($0) / 255 }
            case 2: raw.bindMemory(to: UInt16.self).map { Float($0) / 65535 }
            default: Array(raw.bindMemory(to: Float.self))
            }
        }
        return Image(height: entry.height, width: entry.width, channels: channels, pixels: pixels)
    }
}
