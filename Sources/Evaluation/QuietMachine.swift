import Documents
import Foundation

/// A quiet machine for measurements: a readers-writer lock that all halcyon processes of one user share on one host.
///
/// Work (a training step, a validation picture, a compilation) is shared, a latency measurement is exclusive. A waiting
/// measurement holds the intent lock, which new work must pass, so it goes next; plain `flock` would starve it. The
/// system drops a dead process's locks. Each value is used by one thread.
package final class QuietMachine {
    private let intent: Int32
    private let main: Int32
    private let base: String
    private let patience: Double

    /// Opens (and creates) the two lock files in the system's temporary folder, or in `folder`. Where that is impossible,
    /// for instance on a read-only system, nothing is ever waited for.
    /// - Parameter patience: seconds of one wait, after which it is an error: a measurement takes a few seconds.
    package init(folder: String = NSTemporaryDirectory(), patience: Double = 300) {
        self.patience = patience
        let base = (folder.hasSuffix("/") ? folder : folder + "/") + "halcyon-\(getuid())"
        func lockFile(_ name: String) -> Int32 { open("\(base)-\(name).lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600) }
        self.base = base
        intent = lockFile("intent")
        main = lockFile("quiet")
    }

    deinit {
        if intent >= 0 { close(intent) }
        if main >= 0 { close(main) }
    }

    /// Runs work beside other work, never beside a measurement.
    /// - Parameter waiting: called about every 10 ms while it has to wait; an error gives up.
    package func shared<Result>(waiting: () throws -> Void, _ work: () throws -> Result) throws -> Result {
        try acquire(intent, LOCK_SH, waiting)
        do {
            try acquire(main, LOCK_SH, waiting)
        } catch {
            flock(intent, LOCK_UN)
            throw error
        }
        flock(intent, LOCK_UN)
        defer { flock(main, LOCK_UN) }
        return try work()
    }

    /// Runs a measurement alone on this host.
    package func exclusive<Result>(waiting: () throws -> Void, _ work: () throws -> Result) throws -> Result {
        try acquire(intent, LOCK_EX, waiting)
        defer { flock(intent, LOCK_UN) }
        try acquire(main, LOCK_EX, waiting)
        defer { flock(main, LOCK_UN) }
        return try work()
    }

    /// Polls, so that heartbeats go on while it waits. A lock file that could not be opened, or a file system without
    /// locks, is passed at once.
    private func acquire(_ descriptor: Int32, _ mode: Int32, _ waiting: () throws -> Void) throws {
        guard descriptor >= 0 else { return }
        var pause: UInt32 = 200
        var waited = 0.0
        while flock(descriptor, mode | LOCK_NB) != 0, errno == EWOULDBLOCK || errno == EINTR {
            guard waited < patience else {
                throw InputError(
                    "waited \(patience) s for a quiet machine",
                    hint: "some process holds \(base)-intent.lock or \(base)-quiet.lock; `fuser` tells which")
            }
            usleep(pause)
            waited += Double(pause) * 1e-6
            if pause < 10_000 { pause *= 2 } else { try waiting() }
        }
    }
}
