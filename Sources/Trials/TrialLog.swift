import Documents

/// One entry of the event log.
package struct StudyRecord: Sendable, Equatable {
    /// Seconds since 1970.
    package var at: Double
    package var fact: StudyFact

    package init(at: Double, fact: StudyFact) {
        self.at = at
        self.fact = fact
    }
}

/// One non-dominated operating point.
package struct FrontEntry: Sendable, Equatable {
    package var trial: Int
    package var family: String?
    package var point: Point
    /// The digest of the environment that its times were measured in.
    package var environment: String?

    package init(trial: Int, family: String?, point: Point, environment: String? = nil) {
        self.trial = trial
        self.family = family
        self.point = point
        self.environment = environment
    }
}

/// What becomes durable together: facts, and what follows from them.
package struct StudyCommit: Sendable, Equatable {
    package var records: [StudyRecord]
    /// The whole front, when it changed.
    package var front: [FrontEntry]?
    /// The front's hypervolume after a trial reached a final state.
    package var hypervolumes: [HypervolumeEntry]

    package init(records: [StudyRecord], front: [FrontEntry]? = nil, hypervolumes: [HypervolumeEntry] = []) {
        self.records = records
        self.front = front
        self.hypervolumes = hypervolumes
    }

    /// One commit of both: the later front is the one that stands.
    package mutating func add(_ later: StudyCommit) {
        records += later.records
        front = later.front ?? front
        hypervolumes += later.hypervolumes
    }
}

package struct HypervolumeEntry: Sendable, Equatable {
    package var trial: Int
    package var at: Double
    package var value: Double

    package init(trial: Int, at: Double, value: Double) {
        self.trial = trial
        self.at = at
        self.value = value
    }
}

/// The append-only log that a study is resumed from.
package protocol TrialLog: AnyObject {
    /// Makes the commit durable as a whole or not at all.
    /// - Throws: `StorageFailure` when the disk refuses; then nothing of the commit is in the log.
    func append(_ commit: StudyCommit) throws
    func records() throws -> [StudyRecord]
    /// Hands over, in order, what a study is restored from. What is of no consequence any more may be left out: the
    /// measurements and the documents of trials that are final.
    func restore(_ body: (StudyRecord) throws -> Void) throws
}

extension TrialLog {
    package func restore(_ body: (StudyRecord) throws -> Void) throws { for record in try records() { try body(record) } }
}

/// A log in memory, for tests and simulations.
package final class MemoryLog: TrialLog {
    package private(set) var commits: [StudyCommit] = []

    package init(_ commits: [StudyCommit] = []) { self.commits = commits }
    package func append(_ commit: StudyCommit) { commits.append(commit) }
    package func records() -> [StudyRecord] { commits.flatMap(\.records) }
}
