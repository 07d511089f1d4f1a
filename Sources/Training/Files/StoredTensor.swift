/// A number that a safetensors file can be written in.
package protocol StoredScalar: BitwiseCopyable, Sendable {
    /// The format's name of the type.
    static var storedType: String { get }
}

extension Float: StoredScalar {
    package static var storedType: String { "F32" }
}

extension Double: StoredScalar {
    package static var storedType: String { "F64" }
}

/// A named tensor as it goes into a safetensors file: row-major, little-endian, Float32 or Float64.
package struct StoredTensor: Sendable, Equatable {
    package let name: String
    package let sizes: [Int]
    /// `F32` or `F64`.
    package let elementType: String
    let elementSize: Int
    let bytes: [UInt8]

    package init<Scalar: StoredScalar>(name: String, sizes: [Int], values: [Scalar]) {
        precondition(sizes.reduce(1, *) == values.count, "\(name): sizes and values")
        self.name = name
        self.sizes = sizes
        elementType = Scalar.storedType
        elementSize = MemoryLayout<Scalar>.size
        bytes = values.withUnsafeBytes { Array($0) }
    }

    package init(_ tensor: NamedTensor) { self.init(name: tensor.name, sizes: tensor.sizes, values: tensor.values) }
}
