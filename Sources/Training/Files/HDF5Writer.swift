import CHDF5
import Imaging

/// Builds an HDF5 file in memory. Nothing in it depends on the time or the machine: equal contents are equal bytes.
///
/// Failures of HDF5 itself (no memory) are broken invariants here: nothing of the user's is read.
package struct HDF5Writer {
    private var integers: [(name: String, value: Int)] = []
    private var texts: [(path: String, text: String)] = []
    private var tensors: [(path: String, sizes: [Int], values: [Float])] = []

    package init() {}

    /// An integer attribute of the root.
    mutating func attribute(_ name: String, _ value: Int) { integers.append((name, value)) }

    /// A scalar dataset of UTF-8 text.
    mutating func text(_ path: String, _ text: String) { texts.append((path, text)) }

    /// A Float32 dataset, row-major; `path` may name one group: `parameters/conv0.weight`.
    package mutating func tensor(_ path: String, sizes: [Int], values: [Float]) {
        precondition(sizes.reduce(1, *) == values.count, "\(path): sizes and values")
        tensors.append((path, sizes, values))
    }

    /// The file's bytes.
    package func bytes() -> [UInt8] {
        withHDF5 {
            let access = checked(halcyon_h5_memory_access(nil, 0))
            let file = checked(H5Fcreate(nextMemoryFileName(), halcyon_h5_truncate(), halcyon_h5_default(), access))
            let creation = checked(halcyon_h5_timeless_dataset())
            defer {
                H5Pclose(creation)
                H5Fclose(file)
                H5Pclose(access)
            }
            for (name, value) in integers { write(attribute: name, value, to: file) }
            for (path, text) in texts { write(text: text, at: path, to: file, creation) }
            let groups = Set(tensors.compactMap { entry in
                entry.path.split(separator: "/").count > 1 ? String(entry.path.split(separator: "/")[0]) : nil
            })
            for group in groups.sorted() {
                H5Gclose(checked(H5Gcreate2(file, group, halcyon_h5_default(), halcyon_h5_default(), halcyon_h5_default())))
            }
            for entry in tensors { write(tensor: entry.values, entry.sizes, at: entry.path, to: file, creation) }
            _ = checked(hid_t(H5Fflush(file, H5F_SCOPE_LOCAL)))
            let count = H5Fget_file_image(file, nil, 0)
            precondition(count > 0, "HDF5 gave no file image")
            return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
                initialized = H5Fget_file_image(file, buffer.baseAddress, count)
                precondition(initialized == count, "HDF5 gave no file image")
            }
        }
    }

    private func write(attribute name: String, _ value: Int, to file: hid_t) {
        let space = checked(H5Screate(H5S_SCALAR))
        let attribute = checked(
            H5Acreate2(file, name, halcyon_h5_native_int64(), space, halcyon_h5_default(), halcyon_h5_default()))
        var stored = Int64(value)
        _ = checked(hid_t(H5Awrite(attribute, halcyon_h5_native_int64(), &stored)))
        H5Aclose(attribute)
        H5Sclose(space)
    }

    private func write(text: String, at path: String, to file: hid_t, _ creation: hid_t) {
        let bytes = text.isEmpty ? [0] : Array(text.utf8)
        let type = checked(halcyon_h5_text_type(bytes.count))
        let space = checked(H5Screate(H5S_SCALAR))
        let dataset = checked(H5Dcreate2(file, path, type, space, halcyon_h5_default(), creation, halcyon_h5_default()))
        _ = checked(hid_t(H5Dwrite(dataset, type, halcyon_h5_all(), halcyon_h5_all(), halcyon_h5_default(), bytes)))
        H5Dclose(dataset)
        H5Sclose(space)
        H5Tclose(type)
    }

    private func write(tensor values: [Float], _ sizes: [Int], at path: String, to file: hid_t, _ creation: hid_t) {
        let type = halcyon_h5_native_float()
        let extents = sizes.map { hsize_t($0) }
        let space = checked(sizes.isEmpty ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(sizes.count), extents, nil))
        let dataset = checked(H5Dcreate2(file, path, type, space, halcyon_h5_default(), creation, halcyon_h5_default()))
        if !values.isEmpty {
            _ = checked(hid_t(H5Dwrite(dataset, type, halcyon_h5_all(), halcyon_h5_all(), halcyon_h5_default(), values)))
        }
        H5Dclose(dataset)
        H5Sclose(space)
    }

    private func checked(_ identifier: hid_t) -> hid_t {
        precondition(identifier >= 0, "HDF5 refused an operation in memory")
        return identifier
    }
}
