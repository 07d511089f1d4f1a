import Trials

final class SimulatedClock: Clock, @unchecked Sendable {
    // One thread runs a history.
    var now = 1_000.0
    func advance(to later: Double) { now = max(now, later) }
}

/// What outlives controllers and workers: checkpoint files, and how far each training ever came.
final class SimulatedDisk {
    var checkpoints: [Int: Int] = [:]
    var furthest: [Int: Int] = [:]
}
