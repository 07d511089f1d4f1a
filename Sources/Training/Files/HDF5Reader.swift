import CHDF5
import Documents
import Imaging

/// Reads an HDF5 file that lies in memory. Every fault is an `InputError` that names the file.
package final class HDF5Reader {
    private let path: String
    private let file: hid_t

    /// - Parameter path: names the file in errors.
    package init(_ bytes: some Collection<UInt8>, path: String) throws {
        self.path = path
        let contents = Array(bytes)
        file = withHDF5 {
            let access = contents.withUnsafeBytes { halcyon_h5_memory_access($0.baseAddress, $0.count) }
            guard access >= 0 else { return -1 }
            defer { H5Pclose(access) }
            return H5Fopen(nextMemoryFileName(), halcyon_h5_read_only(), access)
        }
        guard file >= 0 else { throw InputError(file: path, "is no HDF5 file", hint: "expected a model or checkpoint that halcyon wrote") }
    }

    deinit {
        let file = file
        if file >= 0 { _ = withHDF5 { H5Fclose(file) } }
    }

    /// An integer attribute of the root.
    func attribute(_ name: String) throws -> Int {
        let value: Int64? = withHDF5 {
            let attribute = H5Aopen(file, name, halcyon_h5_default())
            guard attribute >= 0 else { return nil }
            defer { H5Aclose(attribute) }
            var value: Int64 = 0
            return H5Aread(attribute, halcyon_h5_native_int64(), &value) >= 0 ? value : nil
        }
        guard let value else { throw missing("the integer attribute \"\(name)\"") }
        return Int(value)
    }

    /// A scalar dataset of text.
    func text(_ name: String) throws -> String {
        let bytes: [UInt8]? = withHDF5 {
            let dataset = H5Dopen2(file, name, halcyon_h5_default())
            guard dataset >= 0 else { return nil }
            defer { H5Dclose(dataset) }
            let type = H5Dget_type(dataset)
            guard type >= 0 else { return nil }
            defer { H5Tclose(type) }
            guard H5Tget_class(type) == H5T_STRING, H5Tis_variable_str(type) == 0 else { return nil }
            var bytes = [UInt8](repeating: 0, count: H5Tget_size(type))
            let read = H5Dread(dataset, type, halcyon_h5_all(), halcyon_h5_all(), halcyon_h5_default(), &bytes)
            return read >= 0 ? bytes : nil
        }
        guard let bytes, let text = String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self) else {
            throw missing("the text \"\(name)\"")
        }
        return text
    }

    /// The names inside a group, sorted; empty when there is none.
    func names(in group: String) -> [String] {
        withHDF5 {
            let group = H5Gopen2(file, group, halcyon_h5_default())
            guard group >= 0 else { return [] }
            defer { H5Gclose(group) }
            var information = H5G_info_t()
            guard H5Gget_info(group, &information) >= 0 else { return [] }
            return (0..<information.nlinks).compactMap { index in
                let count = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, index, nil, 0, halcyon_h5_default())
                guard count > 0 else { return nil }
                var name = [CChar](repeating: 0, count: count + 1)
                H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, index, &name, count + 1, halcyon_h5_default())
                return String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
        }
    }

    /// A dataset of numbers as Float32, row-major.
    package func tensor(_ name: String) throws -> (sizes: [Int], values: [Float]) {
        let found: (sizes: [Int], values: [Float])? = withHDF5 {
            let dataset = H5Dopen2(file, name, halcyon_h5_default())
            guard dataset >= 0 else { return nil }
            defer { H5Dclose(dataset) }
            let space = H5Dget_space(dataset)
            guard space >= 0 else { return nil }
            defer { H5Sclose(space) }
            let rank = Int(H5Sget_simple_extent_ndims(space)), count = Int(H5Sget_simple_extent_npoints(space))
            guard rank >= 0, count >= 0, count < 1 << 34 else { return nil }
            var extents = [hsize_t](repeating: 0, count: max(rank, 1))
            H5Sget_simple_extent_dims(space, &extents, nil)
            var values = [Float](repeating: 0, count: count)
            let read = H5Dread(
                dataset, halcyon_h5_native_float(), halcyon_h5_all(), halcyon_h5_all(), halcyon_h5_default(), &values)
            return read >= 0 ? (extents.prefix(rank).map { Int($0) }, values) : nil
        }
        guard let found else { throw missing("the numbers \"\(name)\"") }
        return found
    }

    private func missing(_ what: String) -> InputError {
        InputError(file: path, "\(what) is missing or of another type", hint: "expected a model or checkpoint that halcyon wrote")
    }
}
