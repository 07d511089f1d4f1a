import CHDF5
import Foundation

/// HDF5's serial library is one state for the whole process: one thread at a time may be inside.
private let libraryLock = NSLock()

/// Runs `body` alone inside HDF5, with HDF5's own error printing off: our errors are `InputError`s.
func withHDF5<Result>(_ body: () throws -> Result) rethrows -> Result {
    libraryLock.lock()
    defer { libraryLock.unlock() }
    halcyon_h5_silence()
    return try body()
}
