import Documents
import Trials

/// The study asked to stop.
struct StopRequested: Error {}

/// What an attempt tells while it works: heartbeats with its phase, at most five a second, and where its time went.
final class AttemptReporter {
    private let request: TrialRequest
    private let now: () -> Double
    private let send: (WorkerEvent) throws -> Void
    private let shouldStop: () -> Bool
    private var lastHeartbeat = -Double.infinity
    private var lastPhase: WorkerEvent.Phase?
    private var seconds: [(part: String, seconds: Double)] = []
    private var waitingSeconds = 0.0
    var step: Int
    /// What `step` goes towards.
    var total: Int

    init(
        _ request: TrialRequest, now: @escaping () -> Double, send: @escaping (WorkerEvent) throws -> Void,
        shouldStop: @escaping () -> Bool
    ) {
        self.request = request
        self.now = now
        self.send = send
        self.shouldStop = shouldStop
        step = request.previousResource
        total = request.resource
    }

    func report(_ event: WorkerEvent) throws { try send(event) }

    /// A sign of life; a new phase is told at once.
    func heartbeat(_ phase: WorkerEvent.Phase) throws {
        let time = now()
        guard phase != lastPhase || time - lastHeartbeat >= 0.2 else { return }
        (lastPhase, lastHeartbeat) = (phase, time)
        try send(
            .heartbeat(
                trial: request.trial, attempt: request.attempt, step: step, totalSteps: total, phase: phase))
    }

    func measurement(_ metric: String, _ value: Double, unit: String, at resource: Int, point: Int = 0) throws {
        guard value.isFinite else { return }
        try send(
            .measurement(
                .init(
                    trial: request.trial, attempt: request.attempt, point: point, metric: metric, resource: resource, value: value,
                    unit: unit)))
    }

    func giveUpIfStopped() throws {
        if shouldStop() { throw StopRequested() }
    }

    /// Called while it waits for a quiet machine: says so, and gives up when the study stops.
    func wait() throws {
        try giveUpIfStopped()
        try heartbeat(.waiting)
    }

    /// Runs shared work under the machine's lock; waiting is told and timed.
    func shared<Result>(_ machine: QuietMachine, _ phase: WorkerEvent.Phase, _ work: () throws -> Result) throws -> Result {
        let began = now()
        return try machine.shared(waiting: wait) {
            waitingSeconds += now() - began
            try heartbeat(phase)
            return try work()
        }
    }

    /// Adds the time that `work` takes to a part of the profile.
    func timed<Result>(_ part: String, _ work: () throws -> Result) rethrows -> Result {
        let began = now()
        defer {
            let elapsed = now() - began
            if let index = seconds.firstIndex(where: { $0.part == part }) {
                seconds[index].seconds += elapsed
            } else {
                seconds.append((part, elapsed))
            }
        }
        return try work()
    }

    /// Seconds by part; `waiting` is contained in the others.
    var profile: Document {
        .object([
            ("attempt", .int(request.attempt)), ("from", .int(request.previousResource)), ("to", .int(step)),
            ("seconds", .object(seconds.map { ($0.part, .float($0.seconds)) } + [("waiting", .float(waitingSeconds))])),
        ])
    }
}
