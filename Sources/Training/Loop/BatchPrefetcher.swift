import Foundation
import Imaging

/// Makes the next batch on a thread of its own while a step runs. A batch is a function of its step alone, so one made ahead has
/// the bits of one made when it is needed, and there is nothing to save or to put back.
///
/// `@unchecked Sendable`: `wanted`, `isReady` and `isOver` are read and written under the condition's lock; the buffers belong to
/// the thread from `prefetch` until `isReady`, and to the caller otherwise.
package final class BatchPrefetcher: @unchecked Sendable {
    private let source: BatchSource
    private let condition = NSCondition()
    /// The step whose batch the buffers hold or will hold.
    private var wanted: Int?
    private var isReady = true
    private var isOver = false
    private var isStarted = false
    private let clean: UnsafeMutableBufferPointer<Float>
    private let noisy: UnsafeMutableBufferPointer<Float>
    private let sigmas: UnsafeMutableBufferPointer<Float>

    package init(_ source: BatchSource) {
        self.source = source
        clean = .allocate(capacity: source.sampleCount)
        noisy = .allocate(capacity: source.sampleCount)
        sigmas = .allocate(capacity: source.batchSize)
        for buffer in [clean, noisy, sigmas] { buffer.initialize(repeating: 0) }
    }

    deinit { for buffer in [clean, noisy, sigmas] { buffer.deallocate() } }

    /// Begins with the batch of a step; the one made before is dropped.
    package func prefetch(step: Int) {
        condition.lock()
        while !isReady { condition.wait() }
        wanted = step
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

    /// Writes the batch of a step, as `BatchSource.batch` does: the prefetched one, or else one made here and now.
    package func batch(
        step: Int, clean: UnsafeMutableBufferPointer<Float>, noisy: UnsafeMutableBufferPointer<Float>,
        sigmas: UnsafeMutableBufferPointer<Float>
    ) {
        finish()
        guard wanted == step else { return source.batch(step: step, clean: clean, noisy: noisy, sigmas: sigmas) }
        _ = clean.update(fromContentsOf: self.clean)
        _ = noisy.update(fromContentsOf: self.noisy)
        _ = sigmas.update(fromContentsOf: self.sigmas)
    }

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
            source.batch(step: step, clean: clean, noisy: noisy, sigmas: sigmas)
            condition.lock()
            isReady = true
            condition.broadcast()
        }
    }
}
