import Documents
import Execution
import RandomStreams
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

/// Workers in virtual time that train by a formula and deliver, delay, repeat, die, hang and lie.
final class SimulatedWorkers: Executor {
    private struct Entry {
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

    private struct Attempt {
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
    private let history: SimulatedHistory
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

    /// Everything that the attempt will say and do, unless something happens to it.
    private func plan(_ attempt: Attempt, _ slot: Int, _ own: inout RandomStream) {
        let (request, temper) = (attempt.request, history.temper)
        let (trial, number) = (request.trial, request.attempt)
        func time(_ step: Int) -> Double { attempt.began + Double(step - attempt.from) * attempt.secondsAStep }
        var end = Double.infinity
        if own.flag(probability: temper.deaths) || own.flag(probability: temper.hangs) {
            end = attempt.began + own.uniform() * (time(request.resource) - attempt.began + 0.2)
        }
        let training = SimulatedTraining(history, request)
        let lie = own.flag(probability: temper.lies) ? own.index(below: 4) : -1
        if lie == 0 { end = .infinity }
        func say(_ event: WorkerEvent, at time: Double) {
            guard time < end else { return }
            let arrival = time + own.uniform(0, 0.05)
            deliver(.message(slot: slot, event), slot, at: arrival, sent: time)
            if own.flag(probability: temper.babble) { babble(event, slot, after: arrival, sent: time, &own) }
        }
        say(.started(trial: trial, attempt: number), at: attempt.began)
        if lie == 0 {
            say(.stopped(trial: trial, attempt: number), at: attempt.began + 0.01)
            finish(slot, at: attempt.began + 0.01)
            return
        }
        var step = attempt.from
        while step < request.resource {
            step = min(request.resource, (step / history.interval + 1) * history.interval)
            if let fatal = training.divergence, fatal <= step {
                say(.failed(trial: trial, attempt: number, reason: "diverged", fatal: true), at: time(fatal))
                if time(fatal) < end { return finish(slot, at: time(fatal)) }
                break
            }
            say(.heartbeat(trial: trial, attempt: number, step: step, totalSteps: request.resource, phase: .training), at: time(step))
            say(.measurement(.init(trial: trial, attempt: number, metric: "loss", resource: step, value: 1 / Double(step))), at: time(step))
            guard time(step) < end else { break }
            add(.write(trial: trial, step: step), slot, at: time(step), sent: time(step))
            say(.checkpoint(trial: trial, attempt: number, resource: lie == 1 ? request.resource + 5 : step, path: "/study/trials/\(trial)/checkpoint.h5"), at: time(step) + 0.001)
        }
        let done = time(request.resource) + 0.1
        if end == .infinity || end > done {
            var points = training.points(&own)
            if lie == 2 { points[0].metrics["psnr_db"] = nil }
            for (metric, value) in points[0].metrics.sorted(by: { $0.key < $1.key }) where own.flag() {
                say(.measurement(.init(trial: trial, attempt: number, metric: metric, resource: request.resource, value: value)), at: done - 0.01)
            }
            say(.result(trial: trial, attempt: number, resource: lie == 3 ? request.resource + 1 : request.resource, points: points), at: done)
            finish(slot, at: done)
        } else if own.flag(probability: temper.hangs) {
            die(slot, at: end, told: end + 3)
        } else {
            die(slot, at: end, told: end + own.uniform(0, 0.1))
        }
    }

    private func finish(_ slot: Int, at time: Double) { attempts[slot]?.over = time }

    private func die(_ slot: Int, at time: Double, told: Double) {
        attempts[slot]?.over = time
        // The pipe is read to its end before the end is told.
        let last = agenda.filter { $0.slot == slot }.map(\.time).max() ?? told
        deliver(.ended(slot: slot, AttemptFailure(reason: "the worker died", signal: 9)), slot, at: max(told, last), sent: time)
        hello(slot, at: max(told, last) + 0.01)
    }

    /// The same words again, in this slot or in another one, or words about an attempt that never runs or is over.
    private func babble(_ event: WorkerEvent, _ slot: Int, after time: Double, sent: Double, _ own: inout RandomStream) {
        var event = event
        if own.flag(), case .result(let trial, let attempt, let resource, let points) = event {
            let (otherTrial, otherAttempt) = [(trial + 1000, attempt), (trial, attempt + 1000), (trial, attempt - 1)][own.index(below: 3)]
            event = .result(trial: otherTrial, attempt: otherAttempt, resource: resource, points: points)
        }
        let place = own.flag(probability: 0.7) ? slot : own.index(below: slots)
        deliver(.message(slot: place, event), place, at: time + own.uniform(0, 2), sent: sent)
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

    private func deliver(_ event: ExecutorEvent, _ slot: Int, at time: Double, sent: Double? = nil) {
        add(.deliver(event), slot, at: time, sent: sent ?? clock.now)
    }

    private func add(_ what: Entry.What, _ slot: Int, at time: Double, sent: Double) {
        agenda.append(Entry(time: time, sequence: sequence, slot: slot, sent: sent, what: what))
        sequence += 1
    }
}
