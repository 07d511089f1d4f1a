import Foundation
import Imaging

/// Makes the next batch on a thread of its own while a step runs. A batch is a function of its step alone, so one made ahead has
/// the bits of one made when it is needed, and there is nothing to save or to put back.
///
/// `@unchecked Sendable`: `wanted`, `isReady`, `isOver` and `hasFailed` are read and written under the condition's lock; the buffers belong to
/// the thread from `prefetch` until `isReady`, and to the caller otherwise.
package final class BatchPrefetcher: @unchecked Sendable {
    /// Up to which step each source makes the batches.
    private let parts: [(through: Int, source: BatchSource)]
    private let condition = NSCondition()
    /// The step whose batch the buffers hold or will hold.
    private var wanted: Int?
    private var isReady = true
    private var isOver = false
    private var isStarted = false
    /// Whether the batch of `wanted` could not be made.
    private var hasFailed = false
    /// Of each part.
    private let buffers: [BatchSource.Buffers]

    package convenience init(_ source: BatchSource) { self.init(parts: [(.max, source)]) }

    /// - Parameter parts: sources of the same number of patches, with the last step of each, ascending.
    package init(parts: [(through: Int, source: BatchSource)]) {
        precondition(parts.allSatisfy { $0.source.batchSize == parts[0].source.batchSize } && parts.last?.through == .max)
        self.parts = parts
        buffers = parts.map { BatchSource.Buffers(for: $0.source) }
    }

    private func part(of step: Int) -> Int { parts.firstIndex { step <= $0.through } ?? parts.count - 1 }

    /// The side of the patches of a step's batch.
    package func crop(of step: Int) -> Int { parts[part(of: step)].source.crop }

    private func make(step: Int) throws {
        let part = part(of: step)
        try parts[part].source.batch(step: step, into: buffers[part])
    }

    deinit { for buffers in buffers { buffers.deallocate() } }

    /// Begins with the batch of a step; the one made before is dropped.
    package func prefetch(step: Int) {
        condition.lock()
        while !isReady { condition.wait() }
        wanted = step
        hasFailed = false
        isReady = false
        condition.broadcast()
        condition.unlock()
        if !isStarted {
            isStarted = true
            let thread = Thread { [self] in work() }
            thread.name = "batches"
            thread.start()
        }
    }

    /// Waits until the thread is idle.
    package func finish() {
        condition.lock()
        while !isReady { condition.wait() }
        condition.unlock()
    }

    /// Waits for the batch of a step: the prefetched one, or else one made here and now.
    /// - Throws: `InputError` where a picture of it cannot be read.
    package func take(step: Int) throws {
        finish()
        if wanted == step, !hasFailed { return }
        wanted = nil
        try make(step: step)
        (wanted, hasFailed) = (step, false)
    }

    /// The batch that was taken; valid until the next is made.
    package var taken: BatchSource.Buffers { buffers[part(of: wanted ?? 1)] }

    /// Ends the thread. To be called once, by the owner.
    package func end() {
        condition.lock()
        isOver = true
        condition.broadcast()
        condition.unlock()
    }

    private func work() {
        condition.lock()
        defer { condition.unlock() }
        while true {
            while isReady && !isOver { condition.wait() }
            guard !isOver, let step = wanted else { return }
            condition.unlock()
            // Who takes it makes it again, and meets the error.
            let isMade = (try? make(step: step)) != nil
            condition.lock()
            hasFailed = !isMade
            isReady = true
            condition.broadcast()
        }
    }
}
