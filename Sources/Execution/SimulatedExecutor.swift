import Documents
import Trials

/// A clock that only a simulation moves.
package final class VirtualClock: Clock {
    private let time: Shared<Double>
    package init(_ start: Double = 0) { time = Shared(start) }
    package var now: Double { time.value }
    func advance(to later: Double) { time.update { $0 = max($0, later) } }
}

/// Runs attempts in virtual time: what an attempt says comes from an evaluator, at once; when it says so comes from `duration`.
///
/// The controller's own work may take virtual time too (`Charge`): while it thinks, workers that are done wait for it.
package final class SimulatedExecutor: Executor {
    /// What the clock is charged for the controller between two events.
    package enum Charge: Sendable, Equatable {
        /// The real time that passes, that of the evaluators left out.
        case real
        /// So many seconds an attempt that is started: the same seed makes the same decisions, whatever the machine.
        case constant(Double)

        /// Reads an experiment's `simulation: {charge: real}` or `{charge: 0.002}`; without, the time is real.
        package init(_ simulation: Document?) throws {
            try simulation?.allowOnly(["charge"])
            self = .real
            guard let charge = try simulation?.optional("charge") else { return }
            if case .string = charge.value {
                _ = try charge.word("charge", of: ["real"])
            } else {
                self = .constant(try charge.double("charge", in: 0...1e6))
            }
        }
    }

    /// A planned death of an attempt, after a part (0 to 1) of its duration.
    package struct Death: Sendable {
        package var part: Double
        package var signal: Int
        package init(part: Double, signal: Int = 9) {
            self.part = part
            self.signal = signal
        }
    }

    private struct Entry {
        var time: Double
        var sequence: Int
        var slot: Int
        var event: ExecutorEvent
    }

    package let slots: Int
    package let clock: VirtualClock
    private let evaluator: any TrialEvaluator
    private let duration: (TrialRequest) -> Double
    private let death: (TrialRequest) -> Death?
    private let charge: Charge
    /// When the controller last got an event, in real seconds.
    private var mark = monotonicSeconds()
    /// Real seconds of the controller from an event to each attempt that it starts: a proposal and all that goes with it.
    package private(set) var thinkingSeconds: [Double] = []
    private var agenda: [Entry] = []
    private var sequence = 0
    private var current: [Int: TrialRequest] = [:]

    package init(
        slots: Int, evaluator: any TrialEvaluator, clock: VirtualClock = VirtualClock(), charge: Charge = .constant(0),
        duration: @escaping (TrialRequest) -> Double, death: @escaping (TrialRequest) -> Death? = { _ in nil }
    ) {
        self.slots = slots
        self.evaluator = evaluator
        self.clock = clock
        self.duration = duration
        self.death = death
        self.charge = charge
        for slot in 0..<slots {
            let hello = WorkerEvent.Hello(pid: slot, environment: ["host": "simulated"])
            schedule(.message(slot: slot, .hello(hello)), slot: slot, at: clock.now)
        }
    }

    /// Nobody waits for virtual time to pass: the controller need not look up in between.
    package var pollSeconds: Double { .infinity }

    package func start(_ request: TrialRequest, slot: Int) {
        thinkingSeconds.append(monotonicSeconds() - mark)
        chargeController()
        if case .constant(let seconds) = charge { clock.advance(to: clock.now + seconds) }
        defer { mark = monotonicSeconds() }
        current[slot] = request
        var events: [WorkerEvent] = []
        // Collecting cannot fail: whatever the evaluator throws becomes a message.
        try? runAttempt(request, with: evaluator, emit: { events.append($0) }, shouldStop: { false })
        let (begin, length) = (clock.now, duration(request))
        let death = death(request)
        for (index, event) in events.enumerated() {
            let part = Double(index + 1) / Double(events.count)
            if let death, part > death.part { break }
            schedule(.message(slot: slot, event), slot: slot, at: begin + length * part)
        }
        if let death {
            let failure = AttemptFailure(reason: "the worker was ended by signal \(death.signal)", signal: death.signal)
            schedule(.ended(slot: slot, failure), slot: slot, at: begin + length * death.part)
        }
    }

    package func stop(slot: Int) {
        guard let request = current[slot] else { return }
        agenda.removeAll { $0.slot == slot }
        schedule(.message(slot: slot, .stopped(trial: request.trial, attempt: request.attempt)), slot: slot, at: clock.now)
    }

    package func kill(slot: Int) {
        agenda.removeAll { $0.slot == slot }
        schedule(.ended(slot: slot, AttemptFailure(reason: "killed on request", signal: 9)), slot: slot, at: clock.now)
    }

    private func chargeController() {
        let now = monotonicSeconds()
        if case .real = charge { clock.advance(to: clock.now + now - mark) }
        mark = now
    }

    package func next(before deadline: Double) -> ExecutorEvent? {
        chargeController()
        defer { mark = monotonicSeconds() }
        let first = agenda.indices.min { (agenda[$0].time, agenda[$0].sequence) < (agenda[$1].time, agenda[$1].sequence) }
        guard let first, agenda[first].time <= max(deadline, clock.now) else {
            precondition(deadline < .infinity, "the controller waits for a worker, and none works")
            clock.advance(to: deadline)
            return nil
        }
        let entry = agenda.remove(at: first)
        clock.advance(to: entry.time)
        if case .message(_, let event) = entry.event, !event.endsAttempt { return entry.event }
        current[entry.slot] = nil
        return entry.event
    }

    package func shutdown() { agenda = [] }

    private func schedule(_ event: ExecutorEvent, slot: Int, at time: Double) {
        agenda.append(Entry(time: time, sequence: sequence, slot: slot, event: event))
        sequence += 1
    }
}
