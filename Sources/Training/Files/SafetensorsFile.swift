import Documents
import Foundation

/// A named tensor of numbers, row-major.
package struct NamedTensor: Sendable, Equatable {
    package var name: String
    package var sizes: [Int]
    package var values: [Float]

    package init(name: String, sizes: [Int], values: [Float]) {
        precondition(sizes.reduce(1, *) == values.count, "\(name): sizes and values")
        self.name = name
        self.sizes = sizes
        self.values = values
    }
}

/// The safetensors format: 8 bytes of little-endian header length, a JSON header, raw little-endian data.
/// Source: huggingface.co/docs/safetensors. F64 (rounded), F32, F16 and BF16 are read; F32 and F64 are written.
package enum SafetensorsFile {
    /// - Throws: `InputError` that names the file and the tensor at fault.
    package static func read(_ path: String) throws -> [NamedTensor] {
        try decode([UInt8](readInputFile(path, "a .safetensors file")), path: path)
    }

    static func decode(_ bytes: [UInt8], path: String) throws -> [NamedTensor] {
        func fault(_ message: String) -> InputError {
            InputError(file: path, message, hint: "expected a whole .safetensors file")
        }
        guard bytes.count >= 8 else { throw fault("has \(bytes.count) bytes, too few for a header") }
        let length = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << UInt64(8 * $1) }
        guard length <= UInt64(bytes.count - 8) else {
            throw fault("its header should have \(length) bytes, but only \(bytes.count - 8) follow")
        }
        let start = 8 + Int(length)
        guard let text = String(validating: bytes[8..<start], as: UTF8.self), text.hasPrefix("{") else {
            throw fault("its header is not JSON")
        }
        return try Document.parse(text, file: path).fields("the header").filter { $0.key != "__metadata__" }.map { field in
            let what = "the tensor \"\(field.key)\""
            let type = try field.value.required("dtype").string("\(what): dtype")
            guard let elementType = elementTypes.first(where: { $0.name == type }) else {
                throw field.value.fail(
                    "\(what) has the type \(type)", hint: "\(elementTypes.map(\.name).joined(separator: ", ")) can be read")
            }
            let sizes = try field.value.required("shape").array("\(what): shape").map { try $0.int(what, in: 0...Int.max) }
            let range = try field.value.required("data_offsets").array("\(what): data_offsets").map { try $0.int(what, in: 0...Int.max) }
            guard range.count == 2, range[0] <= range[1], range[1] <= bytes.count - start else {
                throw fault("\(what) lies at \(range), outside the \(bytes.count - start) bytes of data")
            }
            var wanted = elementType.size
            for size in sizes {
                let (product, overflow) = wanted.multipliedReportingOverflow(by: size)
                guard !overflow else { throw fault("\(what) has the impossible shape \(sizes)") }
                wanted = product
            }
            guard range[1] - range[0] == wanted else {
                throw fault("\(what) of shape \(sizes) needs \(wanted) bytes, found \(range[1] - range[0])")
            }
            let raw = bytes[(start + range[0])..<(start + range[1])]
            return NamedTensor(name: field.key, sizes: sizes, values: elementType.decode(raw))
        }
    }

    /// Writes Float32 tensors, synced and renamed into place.
    package static func write(_ tensors: [NamedTensor], metadata: [(key: String, value: String)] = [], to path: String) throws {
        try write(tensors.map { StoredTensor($0) }, metadata: metadata, to: path)
    }

    /// Writes tensors of any written type, synced and renamed into place.
    /// - Parameter metadata: texts for `__metadata__`, for people and programs; keys differ from each other.
    package static func write(_ tensors: [StoredTensor], metadata: [(key: String, value: String)] = [], to path: String) throws {
        try replaceFile(path, with: encode(tensors, metadata: metadata))
    }

    /// Wide elements come first, so that every tensor is aligned.
    static func encode(_ tensors: [StoredTensor], metadata: [(key: String, value: String)]) -> [UInt8] {
        let sizes = Set(tensors.map(\.elementSize)).sorted(by: >)
        let ordered = sizes.flatMap { size in tensors.filter { $0.elementSize == size } }
        var fields: [(String, Document)] = []
        if !metadata.isEmpty { fields.append(("__metadata__", .object(metadata.map { ($0.key, .string($0.value)) }))) }
        var offset = 0
        for tensor in ordered {
            let end = offset + tensor.bytes.count
            fields.append((
                tensor.name,
                .object([
                    ("dtype", .string(tensor.elementType)), ("shape", .array(tensor.sizes.map(Document.int))),
                    ("data_offsets", [.int(offset), .int(end)]),
                ])
            ))
            offset = end
        }
        precondition(Set(fields.map(\.0)).count == fields.count, "tensors of one name")
        var text = Array(Document.object(fields).json.utf8)
        while text.count % 8 != 0 { text.append(0x20) }
        var bytes: [UInt8] = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
        bytes += text
        bytes.reserveCapacity(bytes.count + offset)
        for tensor in ordered { bytes += tensor.bytes }
        return bytes
    }

    private struct ElementType: Sendable {
        var name: String
        var size: Int
        var decode: @Sendable (ArraySlice<UInt8>) -> [Float]
    }

    private static let elementTypes = [
        ElementType(name: "F64", size: 8) { words($0, UInt64.self).map { Float(Double(bitPattern: $0)) } },
        ElementType(name: "F32", size: 4) { words($0, UInt32.self).map { Float(bitPattern: $0) } },
        ElementType(name: "F16", size: 2) { words($0, UInt16.self).map { Float(Float16(bitPattern: $0)) } },
        ElementType(name: "BF16", size: 2) { words($0, UInt16.self).map { Float(bitPattern: UInt32($0) << 16) } },
    ]

    private static func words<Word: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>, _ type: Word.Type) -> [Word] {
        bytes.withUnsafeBytes { raw in
            (0..<raw.count / MemoryLayout<Word>.size).map {
                Word(littleEndian: raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Word>.size, as: Word.self))
            }
        }
    }
}
