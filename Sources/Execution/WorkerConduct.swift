import Trials

/// A worker said what it may not say now. It is ended, and its attempt with it.
package struct WorkerMisconduct: Error, CustomStringConvertible {
    package var description: String
    /// Whether it is about an attempt that is over: the worker's next one, of which nothing was heard yet, is not at fault.
    package var concernsThePast = false
}

/// Judges what one worker says, and notes its signs of life and its progress.
///
/// `hello` comes first and once; an attempt begins with `started` (or `failed`) and has one ending; every message is about the
/// attempt that the worker was asked for. Late heartbeats of an attempt that is over are dropped, since a heartbeat is sent
/// from another thread. Progress is a step beyond all earlier ones and within what was asked, a phase that is new at this step, or
/// any message but a heartbeat.
package struct WorkerConduct: Sendable {
    /// Messages of one attempt, heartbeats not counted: more is babble.
    package static let mostMessages = 20_000

    package private(set) var hello: WorkerEvent.Hello?
    package private(set) var phase = WorkerEvent.Phase.training
    /// Whether anything was heard of the request.
    package private(set) var hasAnswered = false
    /// Whether the request's last word was read, though perhaps not handed over yet.
    package private(set) var hasFinished = false
    /// Messages heard.
    package private(set) var signs = 0
    /// Those that showed progress.
    package private(set) var advances = 0
    private var request: TrialRequest?
    private var previous: TrialRequest?
    private var hasStarted = false
    private var step = -1
    private var phases: Set<WorkerEvent.Phase> = []
    private var messages = 0

    package init() {}

    package mutating func asked(_ request: TrialRequest) {
        previous = self.request
        self.request = request
        (phase, phases, step, messages) = (.training, [], -1, 0)
        (hasAnswered, hasStarted, hasFinished) = (false, false, false)
    }

    /// Whether the message is to be passed on. Throws `WorkerMisconduct`.
    package mutating func hear(_ event: WorkerEvent) throws -> Bool {
        signs += 1
        if case .hello(let hello) = event {
            guard self.hello == nil else { throw WorkerMisconduct(description: "the worker said \"hello\" twice") }
            self.hello = hello
            advances += 1
            return true
        }
        guard hello != nil else { throw WorkerMisconduct(description: "expected \"hello\" first, the worker said \"\(event.word)\"") }
        guard let about = event.attempt else { return true }
        func isAbout(_ request: TrialRequest?) -> Bool { request.map { $0.trial == about.trial && $0.attempt == about.attempt } ?? false }
        guard isAbout(request), !hasFinished else {
            let isPast = isAbout(request) || isAbout(previous)
            if isPast, case .heartbeat = event { return false }
            let asked = isPast
                ? "an attempt that was over" : "it was asked for \(request.map { "trial \($0.trial), attempt \($0.attempt)" } ?? "nothing")"
            throw WorkerMisconduct(
                description: "the worker said \"\(event.word)\" of trial \(about.trial), attempt \(about.attempt): \(asked)",
                concernsThePast: isPast)
        }
        hasAnswered = true
        switch event {
        case .heartbeat(_, _, let step, _, let phase):
            note(step, phase)
            return true
        case .started: hasStarted = true
        case .measurement, .checkpoint, .result, .stopped:
            guard hasStarted else {
                throw WorkerMisconduct(description: "the worker said \"\(event.word)\" before \"started\"")
            }
        default: break
        }
        messages += 1
        guard messages <= Self.mostMessages else {
            throw WorkerMisconduct(description: "the worker sent more than \(Self.mostMessages) messages in one attempt")
        }
        advances += 1
        hasFinished = event.endsAttempt
        return true
    }

    private mutating func note(_ step: Int, _ phase: WorkerEvent.Phase) {
        self.phase = phase
        if step > self.step, step <= request?.resource ?? 0 {
            self.step = step
            phases = []
            advances += 1
        }
        if phases.insert(phase).inserted { advances += 1 }
    }
}

extension WorkerEvent {
    /// The message's name on the wire.
    fileprivate var word: String {
        switch self {
        case .hello: "hello"
        case .started: "started"
        case .heartbeat: "heartbeat"
        case .measurement: "measurement"
        case .checkpoint: "checkpoint"
        case .result: "result"
        case .stopped: "stopped"
        default: "failed"
        }
    }
}
