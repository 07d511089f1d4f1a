import CHDF5
import Foundation
import Synchronization

/// HDF5's serial library is one state for the whole process: one thread at a time may be inside.
private let libraryLock = NSLock()

private let namesGiven = Atomic<Int>(0)

/// A name for one more file in memory. HDF5 takes two open files of one name for the same file.
package func nextMemoryFileName() -> String { "memory-\(namesGiven.wrappingAdd(1, ordering: .relaxed).newValue).h5" }

/// Runs `body` alone inside HDF5, with HDF5's own error printing off: our errors are `InputError`s.
package func withHDF5<Result>(_ body: () throws -> Result) rethrows -> Result {
    libraryLock.lock()
    defer { libraryLock.unlock() }
    halcyon_h5_silence()
    return try body()
}
