import Search
import Trials

/// What a controller goes on from: the log, taken in record by record, so that a study of any length fits in memory.
package struct StudyRestoration: Sendable {
    package private(set) var study: Study
    package private(set) var front: StudyFront
    /// Seconds of controller time so far: of every session, from its first to its last event.
    package private(set) var spentSeconds = 0.0
    /// Trials that the last commit ended or drove off the front: a controller that was killed may not have come to their files.
    private(set) var unswept: Set<Int> = []
    private var sessionStart: Double?
    /// When the newest event was.
    package private(set) var last: Double?

    /// - Parameter study: one before its first event.
    package init(_ study: Study) {
        self.study = study
        front = StudyFront(objectives: study.settings.objectives, constraints: study.settings.constraints)
    }

    package init(_ study: Study, log: any TrialLog) throws {
        self.init(study)
        try log.restore { try add($0) }
    }

    /// Takes results of another study along, where this one has no history yet.
    package mutating func learn(_ results: [TransferredResult]) {
        precondition(last == nil, "the log holds what it began with")
        study.learn(results)
    }

    /// Of a study that has taken its history in already.
    init(_ study: Study, history: [StudyRecord]) {
        self.init(study)
        for record in history { note(record) }
    }

    package mutating func add(_ record: StudyRecord) throws {
        try study.restore(record.fact)
        note(record)
    }

    /// All of `add` but the study itself.
    private mutating func note(_ record: StudyRecord) {
        if case .sessionStarted = record.fact { sessionStart = nil }
        if let begin = sessionStart, let last { spentSeconds += max(0, record.at - begin) - max(0, last - begin) }
        if sessionStart == nil { sessionStart = record.at }
        // One commit has one time.
        if record.at != last { unswept = [] }
        last = record.at
        guard let number = record.fact.endedTrial else { return }
        unswept.insert(number)
        if let left = front.insert(number, of: study) { unswept.formUnion(left) }
    }
}
