import Foundation
import Imaging

/// Makes the next batch on a thread of its own while a step runs. A batch is a function of its step alone, so one made ahead has
/// the bits of one made when it is needed, and there is nothing to save or to put back.
///
/// `@unchecked Sendable`: `wanted`, `isReady`, `isOver` and `hasFailed` are read and written under the condition's lock; the buffers belong to
/// the thread from `prefetch` until `isReady`, and to the caller otherwise.
package final class BatchPrefetcher: @unchecked Sendable {
    private let first: BatchSource
    /// From the step after `from` on.
    private let second: (from: Int, source: BatchSource)?
    private let condition = NSCondition()
    /// The step whose batch the buffers hold or will hold.
    private var wanted: Int?
    private var isReady = true
    private var isOver = false
    private var isStarted = false
    /// Whether the batch of `wanted` could not be made.
    private var hasFailed = false
    private let buffers: BatchSource.Buffers

    /// - Parameter second: batches of the same size for the steps after `from`.
    package init(_ source: BatchSource, then second: (from: Int, source: BatchSource)? = nil) {
        precondition(second.map { $0.source.sampleCount == source.sampleCount && $0.source.batchSize == source.batchSize } ?? true)
        first = source
        self.second = second
        buffers = BatchSource.Buffers(for: source)
    }

    private func source(of step: Int) -> BatchSource {
        if let second, step > second.from { return second.source }
        return first
    }

    deinit { buffers.deallocate() }

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
        try source(of: step).batch(step: step, into: buffers)
        (wanted, hasFailed) = (step, false)
    }

    /// The batch that was taken; valid until the next is made.
    package var taken: BatchSource.Buffers { buffers }

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
            let isMade = (try? source(of: step).batch(step: step, into: buffers)) != nil
            condition.lock()
            hasFailed = !isMade
            isReady = true
            condition.broadcast()
        }
    }
}
