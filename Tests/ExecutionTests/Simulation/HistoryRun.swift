import Documents
import Execution
import Search
import Trials

/// One history from its first session to the study's end, and every law that it broke.
struct HistoryRun {
    private(set) var faults: [String] = []
    private(set) var sessions = 0
    private(set) var crashes = 0
    private(set) var wasCompared = false
    private(set) var records: [StudyRecord] = []

    /// - Parameter bug: one that the laws are expected to find.
    init(_ history: SimulatedHistory, bug: SimulatedLog.Bug? = nil) {
        let log = SimulatedLog(bug: bug, stream: history.stream)
        do {
            try run(history, log)
        } catch {
            faults.append("\(error)")
        }
        records = log.durable
        guard faults.isEmpty else { return }
        faults += HistoryLaws(history, log).faults
        guard faults.isEmpty else { return }
        do {
            try replay(history)
            try compare(history)
        } catch {
            faults.append("\(error)")
        }
    }

    private mutating func run(_ history: SimulatedHistory, _ log: SimulatedLog) throws {
        let (disk, clock) = (SimulatedDisk(), SimulatedClock())
        while true {
            let session = history.sessions[min(sessions, history.sessions.count - 1)]
            log.revive()
            log.crash = session.crash
            let stopSwitch = StopSwitch()
            let workers = SimulatedWorkers(history, session: sessions, log: log, disk: disk, clock: clock, stopSwitch: stopSwitch)
            sessions += 1
            var study = try history.study(history.settings(of: session))
            for record in log.durable { try study.restore(history.throughJSON ? Self.written(record.fact) : record.fact) }
            let controller = Controller(
                study: study, log: log, executor: workers, clock: clock, history: log.durable, stopSwitch: stopSwitch)
            var isEnded = false
            do {
                isEnded = try !controller.run().paused
                log.close()
                try compareWithLog(controller, history, log)
            } catch is SimulatedCrash {
                crashes += 1
            } catch let error as InputError where error.message == "no space left" {
                crashes += 1
            }
            faults += workers.faults
            clock.advance(to: clock.now + 5)
            if !faults.isEmpty || isEnded && sessions >= history.sessions.count { return }
            if sessions > history.sessions.count + 40 {
                faults.append("the study does not end")
                return
            }
        }
    }

    private static func written(_ fact: StudyFact) throws -> StudyFact {
        try StudyFact(kind: fact.kind, trial: fact.trial, payload: .parse(json: fact.payload.json, file: "log"))
    }

    /// What the controller knows at its end is what the log tells.
    private mutating func compareWithLog(_ controller: Controller, _ history: SimulatedHistory, _ log: SimulatedLog) throws {
        var told = try history.study(controller.study.settings)
        for record in log.durable { try told.restore(record.fact) }
        let known = controller.study
        var same = told.trials.count == known.trials.count && told.decisionCount == known.decisionCount
        for (a, b) in zip(told.trials, known.trials) {
            same = same && a.state == b.state && a.attempts == b.attempts && a.reached == b.reached && a.target == b.target
                && a.points == b.points && a.checkpoint?.resource == b.checkpoint?.resource && a.failure == b.failure
                && a.environment == b.environment
        }
        if !same { faults.append("the log does not tell what the controller knew") }
        if controller.front.entries != log.front { faults.append("the front in the log is not the controller's") }
    }

    private mutating func replay(_ history: SimulatedHistory) throws {
        var replay = StudyReplay(try history.study(history.settings))
        for record in records {
            if let difference = try replay.take(record.fact) { return faults.append("replay differs: \(difference)") }
        }
    }

    /// With a lag and no measured objective: the same decisions and results as with nothing befalling the study.
    private mutating func compare(_ history: SimulatedHistory) throws {
        let facts = records.map(\.fact)
        guard history.isDetermined, Self.unlucky(facts).isEmpty else { return }
        let calm = HistoryRun(undisturbed: history.undisturbed)
        guard Self.unlucky(calm.records.map(\.fact)).isEmpty else { return }
        wasCompared = true
        faults += calm.faults
        let reference = calm.records.map(\.fact)
        if facts.decisions != reference.decisions { faults.append("the decisions are not those of the undisturbed study") }
        if facts.results != reference.results { faults.append("the results are not those of the undisturbed study") }
    }

    private init(undisturbed history: SimulatedHistory) {
        let log = SimulatedLog(stream: history.stream)
        do { try run(history, log) } catch { faults.append("\(error)") }
        records = log.durable
    }

    /// Trials that failed through no fault of their own candidate, and pauses since all failed.
    private static func unlucky(_ facts: [StudyFact]) -> [StudyFact] {
        facts.filter { if case .failed(_, let reason) = $0 { reason != "diverged" } else { false } }
    }
}
