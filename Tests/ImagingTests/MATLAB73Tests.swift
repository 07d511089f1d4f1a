import CHDF5
import Documents
import Foundation
import Imaging
import Testing

/// MATLAB files of version 7.3, as DND's: HDF5 behind 512 bytes of text, sizes in the other order, classes as attributes; written here
/// through HDF5 as MATLAB does, in chunks that are deflated.
@Suite struct MATLAB73Tests {
    /// - Parameters:
    ///   - sizes: as MATLAB has them: height, width, channels.
    ///   - samples: column by column.
    private static func write<Sample>(_ path: String, _ name: String, _ sizes: [Int], _ samples: [Sample], _ type: hid_t, class word: String) {
        withHDF5 {
            let creation = H5Pcreate(halcyon_h5_file_create())
            H5Pset_userblock(creation, 512)
            let file = H5Fcreate(path, halcyon_h5_truncate(), creation, halcyon_h5_default())
            // The first variable is no picture.
            for (name, sizes, number) in [("notes", [1, 1], 1), (name, Array(sizes.reversed()), samples.count)] {
                let extents = sizes.map { hsize_t($0) }
                let space = H5Screate_simple(Int32(extents.count), extents, nil)
                let list = H5Pcreate(halcyon_h5_dataset_create())
                H5Pset_chunk(list, Int32(extents.count), extents.map { max(1, $0 / 2) })
                H5Pset_deflate(list, 3)
                let dataset = H5Dcreate2(file, name, type, space, halcyon_h5_default(), list, halcyon_h5_default())
                Array(samples.prefix(number)).withUnsafeBytes {
                    _ = H5Dwrite(dataset, type, halcyon_h5_all(), halcyon_h5_all(), halcyon_h5_default(), $0.baseAddress)
                }
                // ASCII; readers ask for no other.
                let text = H5Tcopy(halcyon_h5_c_s1())
                H5Tset_size(text, word.utf8.count)
                let scalar = H5Screate_simple(0, [], nil)
                let attribute = H5Acreate2(dataset, "MATLAB_class", text, scalar, halcyon_h5_default(), halcyon_h5_default())
                H5Awrite(attribute, text, Array(word.utf8))
                H5Aclose(attribute)
                H5Sclose(scalar)
                H5Tclose(text)
                H5Dclose(dataset)
                H5Pclose(list)
                H5Sclose(space)
            }
            H5Fclose(file)
            H5Pclose(creation)
        }
        // Text, no subsystem data, version 2.0, little-endian.
        let head = Array("MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 .".utf8)
        let block = head + [UInt8](repeating: 32, count: 116 - head.count) + [UInt8](repeating: 0, count: 8) + [0, 2] + Array("IM".utf8)
        guard let handle = FileHandle(forWritingAtPath: path) else { preconditionFailure(path) }
        handle.write(Data(block))
        try? handle.close()
    }

    private static func columns<Sample>(_ height: Int, _ width: Int, _ channels: Int, _ sample: (Int, Int, Int) -> Sample) -> [Sample] {
        (0..<channels).flatMap { k in (0..<width).flatMap { x in (0..<height).map { y in sample(y, x, k) } } }
    }

    @Test func rowsColumnsAndColoursAreWhereTheyWere() throws {
        try withTemporaryFolder { folder in
            let (height, width) = (9, 14)
            func level(_ y: Int, _ x: Int, _ k: Int) -> Int { 20 * y + 5 * x + k }
            // DND's noisy pictures are single, 1 being white.
            Self.write(
                folder + "/0001.mat", "InoisySRGB", [height, width, 3], Self.columns(height, width, 3) { Float(level($0, $1, $2)) / 256 },
                halcyon_h5_native_float(), class: "single")
            Self.write(
                folder + "/0002.mat", "Inoisy", [height, width], Self.columns(height, width, 1) { UInt8(level($0, $1, $2)) },
                halcyon_h5_native_uint8(), class: "uint8")
            let set = try DatasetTests.describe("{kind: folder, path: \(folder), sigmas: [0]}", .validation).open(channels: 3, seed: 1)
            #expect(set.count == 2)
            let (colour, gray) = (try set.image(0), try set.image(1))
            for image in [colour, gray] { #expect(image.height == height && image.width == width && image.channels == 3) }
            for y in 0..<height {
                for x in 0..<width {
                    for k in 0..<3 {
                        #expect(colour.pixels[(y * width + x) * 3 + k] == Float(level(y, x, k)) / 256)
                        #expect(gray.bytes[(y * width + x) * 3 + k] == UInt8(level(y, x, 0)))
                    }
                }
            }
        }
    }

    @Test func blocksToo() throws {
        try withTemporaryFolder { folder in
            var samples: [UInt8] = []
            for k in 0..<3 { for x in 0..<5 { for y in 0..<4 { for b in 0..<2 { for a in 0..<3 {
                samples.append(ForeignFileTests.level(a, b, y, x, k, 0))
            } } } } }
            for name in ["a", "b"] {
                Self.write("\(folder)/\(name).mat", "Blocks", [3, 2, 4, 5, 3], samples, halcyon_h5_native_uint8(), class: "uint8")
            }
            let set = try DatasetTests.describe("{kind: blocks, path: \(folder), noisy: a.mat, clean: b.mat}", .validation).open(channels: 3, seed: 1)
            #expect(set.count == 6 && set.name(5) == "3_2")
            let last = try set.image(5)
            for y in 0..<4 { for x in 0..<5 { for k in 0..<3 { #expect(last.bytes[(y * 5 + x) * 3 + k] == ForeignFileTests.level(2, 1, y, x, k, 0)) } } }
        }
    }

    @Test func aTornFileIsALocatedError() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/x.mat"
            Self.write(path, "image", [8, 8], [UInt8](repeating: 3, count: 64), halcyon_h5_native_uint8(), class: "uint8")
            #expect(truncate(path, 900) == 0)
            let error = try #require(throws: InputError.self) { try Image.load(path) }
            #expect(error.description.contains("x.mat: cannot be decoded as MATLAB"), "\(error)")
        }
    }
}
