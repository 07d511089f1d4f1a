import Foundation

/// Owned Float32 memory, 64-byte aligned, zero at first.
package final class FloatBuffer {
    package let count: Int
    package let pointer: UnsafeMutablePointer<Float>
    private let memory: UnsafeMutableRawPointer
    private let bytes: Int
    /// Whether it is mapped rather than allocated.
    private var isMapped: Bool { bytes >= Self.hugePage }

    /// The size and alignment of the pages that large buffers ask for.
    private static let hugePage = 2 << 20

    /// Large buffers are mapped: the system hands out pages of zeros when they are first touched, large ones where it can, in which
    /// addresses are found faster.
    package init(count: Int) {
        self.count = count
        let needed = max(64, count * MemoryLayout<Float>.stride)
        let page = Self.hugePage
        bytes = needed < page ? needed : needed + page
        if needed < page {
            memory = .allocate(byteCount: bytes, alignment: 64)
            memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
            pointer = memory.bindMemory(to: Float.self, capacity: max(16, count))
            return
        }
        guard let mapped = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), mapped != MAP_FAILED else {
            fatalError("no memory for \(bytes) bytes")
        }
        memory = mapped
        let start = mapped.alignedUp(toMultipleOf: page)
        // The rest of the last large page stays in small ones: no more memory is used than asked for.
        madvise(start, needed / page * page, Int32(MADV_HUGEPAGE))
        pointer = start.bindMemory(to: Float.self, capacity: count)
    }

    deinit {
        if isMapped { munmap(memory, bytes) } else { memory.deallocate() }
    }

    /// Parts of buffers.
    typealias Parts = [(buffer: FloatBuffer, values: Range<Int>)]

    /// Has the system find the memory of these parts, in their order, on a thread of its own, while the caller goes on. Of small pages a
    /// virtual machine has some at hand, while its host must find large ones first, which takes 1 to 2 ms for each MB. No value changes.
    static func prefault(_ parts: Parts, inSmallPages: Bool = false) {
        // Before Linux 5.14 there is no such advice: the pages are found as they are touched.
        advise(parts, atOnce: inSmallPages ? noHugePage : nil, onThread: [populateWrite])
    }

    /// Has the system put the small pages of these parts together, which are found faster. No value changes.
    static func enlargePages(_ parts: Parts) {
        // Before Linux 6.1 they stay small.
        advise(parts, atOnce: nil, onThread: [Int32(MADV_HUGEPAGE), collapse])
    }

    /// Gives advice about the large pages that the parts lie in, in their order: all of them at once, then each on a thread of its own
    /// until some is refused.
    private static func advise(_ parts: Parts, atOnce: Int32?, onThread: [Int32]) {
        var listed: Set<UnsafeMutableRawPointer> = []
        var pages: [UnsafeMutableRawPointer] = []
        for (buffer, values) in parts where buffer.isMapped {
            let start = UnsafeMutableRawPointer(buffer.pointer), stride = MemoryLayout<Float>.stride
            let end = min(values.upperBound * stride, (buffer.bytes - hugePage) / hugePage * hugePage)
            for offset in Swift.stride(from: values.lowerBound * stride / hugePage * hugePage, to: end, by: hugePage)
            where listed.insert(start + offset).inserted { pages.append(start + offset) }
        }
        guard !pages.isEmpty else { return }
        if let atOnce { for page in pages { madvise(page, hugePage, atOnce) } }
        // The thread keeps the memory until it has ended, and changes no value.
        nonisolated(unsafe) let work = (pages: pages, buffers: parts.map(\.buffer))
        let thread = Thread {
            withExtendedLifetime(work.buffers) {
                for page in work.pages where onThread.contains(where: { madvise(page, hugePage, $0) != 0 }) { return }
            }
        }
        thread.name = "pages"
        thread.start()
    }

    /// MADV_NOHUGEPAGE, MADV_POPULATE_WRITE, MADV_COLLAPSE
    private static let (noHugePage, populateWrite, collapse): (Int32, Int32, Int32) = (15, 23, 25)

    package var values: [Float] { Array(UnsafeBufferPointer(start: pointer, count: count)) }

    package func copy(from other: FloatBuffer) {
        precondition(count == other.count)
        pointer.update(from: other.pointer, count: count)
    }

    /// Takes the first values of a larger buffer.
    package func copy(fromStartOf other: FloatBuffer) {
        precondition(count <= other.count)
        pointer.update(from: other.pointer, count: count)
    }

    /// self += other
    package func add(_ other: FloatBuffer) {
        precondition(count == other.count)
        let (a, b) = (pointer, other.pointer)
        for i in 0..<count { a[i] += b[i] }
    }

    /// self *= factor
    package func scale(by factor: Float) {
        for i in 0..<count { pointer[i] *= factor }
    }

    /// self = part self + (1 - part) other
    package func average(keeping part: Float, with other: FloatBuffer) {
        precondition(count == other.count)
        let (a, b) = (pointer, other.pointer)
        for i in 0..<count { a[i] += (1 - part) * (b[i] - a[i]) }
    }

    /// The Euclidean norm, summed in Double.
    package var norm: Double {
        var sum = 0.0
        for i in 0..<count { sum += Double(pointer[i]) * Double(pointer[i]) }
        return sum.squareRoot()
    }
}
