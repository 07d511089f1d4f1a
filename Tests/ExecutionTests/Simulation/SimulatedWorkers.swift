import Documents
import Execution
import RandomStreams
import Trials

/// Workers in virtual time that train by a formula and deliver, delay, repeat, die, hang and lie.
final class SimulatedWorkers: Executor {
    struct Entry {
        var time: Double
        var sequence: Int
        var slot: Int
        /// When it left the worker: what a death or a stop does not undo.
        var sent: Double
        var what: What
        enum What {
            case write(trial: Int, step: Int)
            case deliver(ExecutorEvent)
        }
    }

    struct Attempt {
        var request: TrialRequest
        var from: Int
        var began: Double
        var secondsAStep: Double
        /// When its last word left.
        var over = Double.infinity

        func step(at time: Double) -> Int {
            min(request.resource, from + max(0, Int((min(time, over) - began) / secondsAStep)))
        }
    }

    let slots: Int
    let history: SimulatedHistory
    private let log: SimulatedLog
    private let disk: SimulatedDisk
    private let clock: SimulatedClock
    private let stopSwitch: StopSwitch
    private let session: SimulatedHistory.Session
    private let stream: RandomStream
    private let sessionStart: Double
    private var draw: RandomStream
    private var agenda: [Entry] = []
    private var sequence = 0
    private var attempts: [Int: Attempt] = [:]
    private var idlePolls = 0
    private static let patience = 2_000
    /// What must never happen and did.
    private(set) var faults: [String] = []

    init(
        _ history: SimulatedHistory, session number: Int, log: SimulatedLog, disk: SimulatedDisk, clock: SimulatedClock,
        stopSwitch: StopSwitch
    ) {
        self.history = history
        session = history.sessions[min(number, history.sessions.count - 1)]
        slots = session.workers
        (self.log, self.disk, self.clock, self.stopSwitch) = (log, disk, clock, stopSwitch)
        stream = history.stream.split("session").split(number)
        draw = stream.split("workers")
        sessionStart = clock.now
        for slot in 0..<slots { hello(slot, at: clock.now) }
    }

    private func hello(_ slot: Int, at time: Double) {
        let host: Document = ["host": .int(draw.index(below: history.hosts))]
        deliver(.message(slot: slot, .hello(.init(pid: slot, environment: host))), slot, at: time)
    }

    func start(_ request: TrialRequest, slot: Int) {
        guard log.act() else { return }
        if !log.attempts.contains(SimulatedLog.key(request.trial, request.attempt)) {
            faults.append("attempt \(request.attempt) of trial \(request.trial) was acted on before it was committed")
        }
        if attempts[slot] != nil { faults.append("slot \(slot) was given a second attempt") }
        if attempts.values.contains(where: { $0.request.trial == request.trial }) {
            faults.append("trial \(request.trial) runs twice")
        }
        // As our own worker does: from the file that stands there, told or not.
        let begin = disk.checkpoints[request.trial] ?? 0
        if begin < request.previousResource {
            faults.append("trial \(request.trial): a checkpoint of \(request.previousResource) was told, \(begin) is there")
        }
        let lost = (disk.furthest[request.trial] ?? 0) - begin
        if lost > history.interval { faults.append("trial \(request.trial): \(lost) steps were repeated") }
        var own = stream.split("attempt").split(request.trial).split(request.attempt)
        let attempt = Attempt(
            request: request, from: begin, began: clock.now, secondsAStep: own.uniform(0.005, 0.005 + history.temper.slowest))
        attempts[slot] = attempt
        plan(attempt, slot, &own)
    }

    func finish(_ slot: Int, at time: Double) { attempts[slot]?.over = time }

    func die(_ slot: Int, at time: Double, told: Double) {
        attempts[slot]?.over = time
        // The pipe is read to its end before the end is told.
        let last = agenda.filter { $0.slot == slot }.map(\.time).max() ?? told
        deliver(.ended(slot: slot, AttemptFailure(reason: "the worker died", signal: 9)), slot, at: max(told, last), sent: time)
        hello(slot, at: max(told, last) + 0.01)
    }

    func stop(slot: Int) {
        guard log.act(), let attempt = attempts[slot], attempt.over > clock.now else { return }
        if draw.flag(probability: history.temper.hangs) { return }
        cancel(slot)
        let (trial, number, step) = (attempt.request.trial, attempt.request.attempt, attempt.step(at: clock.now))
        finish(slot, at: clock.now)
        add(.write(trial: trial, step: step), slot, at: clock.now, sent: clock.now)
        if draw.flag(probability: history.temper.deaths) { return die(slot, at: clock.now, told: clock.now + 0.05) }
        deliver(
            .message(slot: slot, .checkpoint(trial: trial, attempt: number, resource: step, path: "/study/trials/\(trial)/checkpoint.h5")),
            slot, at: clock.now + 0.02)
        deliver(.message(slot: slot, .stopped(trial: trial, attempt: number)), slot, at: clock.now + 0.04)
    }

    func kill(slot: Int) {
        guard log.act(), let attempt = attempts[slot] else { return }
        guard attempt.over > clock.now else { return }
        cancel(slot)
        die(slot, at: clock.now, told: clock.now + 0.01)
    }

    /// Nothing of the slot that has not left the worker yet will happen.
    private func cancel(_ slot: Int) { agenda.removeAll { $0.slot == slot && $0.sent > clock.now } }

    func next(before deadline: Double) -> ExecutorEvent? {
        if log.isDead { return .message(slot: 0, .hello(.init(pid: 0, environment: ["host": "afterlife"]))) }
        if let stop = session.stop, clock.now - sessionStart >= stop.after {
            while stopSwitch.count < (stop.twice ? 2 : 1) { stopSwitch.press() }
        }
        while let place = agenda.indices.min(by: { (agenda[$0].time, agenda[$0].sequence) < (agenda[$1].time, agenda[$1].sequence) }),
            agenda[place].time <= deadline
        {
            idlePolls = 0
            let entry = agenda.remove(at: place)
            clock.advance(to: entry.time)
            switch entry.what {
            case .write(let trial, let step): write(trial, step)
            case .deliver(let event):
                if case .message(let slot, let message) = event {
                    if message.endsAttempt, let attempt = attempts[slot], message.attempt.map({ $0 == (attempt.request.trial, attempt.request.attempt) }) == true {
                        settle(slot)
                    }
                } else {
                    settle(entry.slot)
                }
                return event
            }
        }
        idlePolls += 1
        if idlePolls > Self.patience {
            faults.append("the study waits for ever")
            log.crash = (0, .before)
            return .message(slot: 0, .hello(.init(pid: 0, environment: ["host": "afterlife"])))
        }
        clock.advance(to: deadline)
        return nil
    }

    private func write(_ trial: Int, _ step: Int) {
        disk.checkpoints[trial] = step
        disk.furthest[trial] = max(disk.furthest[trial] ?? 0, step)
    }

    private func settle(_ slot: Int) {
        guard let attempt = attempts.removeValue(forKey: slot) else { return }
        let trial = attempt.request.trial
        disk.furthest[trial] = max(disk.furthest[trial] ?? 0, attempt.step(at: clock.now))
    }

    func shutdown() {
        // Writes that left a worker are on the disk; the workers of a dead controller end at once.
        for entry in agenda where entry.sent <= clock.now {
            if case .write(let trial, let step) = entry.what { write(trial, step) }
        }
        for slot in attempts.keys { settle(slot) }
        agenda = []
    }

    func deliver(_ event: ExecutorEvent, _ slot: Int, at time: Double, sent: Double? = nil) {
        add(.deliver(event), slot, at: time, sent: sent ?? clock.now)
    }

    func add(_ what: Entry.What, _ slot: Int, at time: Double, sent: Double) {
        agenda.append(Entry(time: time, sequence: sequence, slot: slot, sent: sent, what: what))
        sequence += 1
    }
}
