/// Owned Float32 memory, 64-byte aligned, zero at first.
package final class FloatBuffer {
    package let count: Int
    package let pointer: UnsafeMutablePointer<Float>

    package init(count: Int) {
        self.count = count
        let bytes = max(64, count * MemoryLayout<Float>.stride)
        pointer = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64).bindMemory(to: Float.self, capacity: max(16, count))
        pointer.initialize(repeating: 0, count: max(16, count))
    }

    deinit { UnsafeMutableRawPointer(pointer).deallocate() }

    package var values: [Float] { Array(UnsafeBufferPointer(start: pointer, count: count)) }

    package func copy(from other: FloatBuffer) {
        precondition(count == other.count)
        pointer.update(from: other.pointer, count: count)
    }
}
