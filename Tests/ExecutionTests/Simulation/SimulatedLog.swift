import Documents
import RandomStreams
import Trials

/// The controller was killed.
struct SimulatedCrash: Error {}

/// A log in memory whose controller can be killed around any commit, and which can be told to have a bug.
final class SimulatedLog: TrialLog {
    /// Where in a commit the controller dies.
    enum Death: CaseIterable {
        /// Before it: the commit is lost.
        case before
        /// After it, before anything is acted on.
        case after
        /// After the first of the actions.
        case acting
        /// Not dead: the disk refuses, and the controller gives up.
        case refused
    }

    /// Bugs that the laws must find.
    enum Bug: CaseIterable {
        case commitAfterAction, lostEvent, doubleResult, tornCommit
    }

    private(set) var durable: [StudyRecord] = []
    private(set) var front: [FrontEntry] = []
    private(set) var hypervolumes: [HypervolumeEntry] = []
    /// "trial/attempt" of what may be acted on.
    private(set) var attempts: Set<Int> = []
    var crash: (commits: Int, how: Death)?
    /// Whether the controller is dead: it can do so many more actions before it notices.
    private(set) var isDead = false
    private(set) var actionsLeft = 0
    private let bug: Bug?
    private var draw: RandomStream
    private var late: StudyCommit?

    init(bug: Bug? = nil, stream: RandomStream) {
        self.bug = bug
        draw = stream.split("bug")
    }

    static func key(_ trial: Int, _ attempt: Int) -> Int { trial << 20 | attempt }

    func records() throws -> [StudyRecord] { durable }

    func revive() {
        isDead = false
        late = nil
    }

    /// The end of a session that was not killed.
    func close() {
        if let late { store(late) }
        late = nil
    }

    func append(_ commit: StudyCommit) throws {
        if isDead { throw SimulatedCrash() }
        if let plan = crash {
            crash?.commits -= 1
            if plan.commits == 0 {
                crash = nil
                isDead = true
                actionsLeft = 0
                switch plan.how {
                case .before: throw SimulatedCrash()
                case .refused:
                    isDead = false
                    throw InputError("no space left")
                case .after:
                    keep(commit, isLast: true)
                    throw SimulatedCrash()
                case .acting:
                    actionsLeft = 1
                    keep(commit, isLast: false)
                    return
                }
            }
        }
        keep(commit, isLast: false)
    }

    /// One action of a controller that may be dead; whether it is still carried out.
    func act() -> Bool {
        guard isDead else { return true }
        actionsLeft -= 1
        return actionsLeft >= 0
    }

    private func keep(_ commit: StudyCommit, isLast: Bool) {
        var commit = commit
        switch bug {
        case nil: break
        case .commitAfterAction:
            if let late { store(late) }
            late = commit
            return
        case .lostEvent:
            if commit.records.count > 1 || draw.flag(probability: 0.1), draw.flag(probability: 0.1) {
                commit.records.remove(at: draw.index(below: commit.records.count))
            }
        case .doubleResult:
            let isResult = commit.records.contains { if case .reached = $0.fact { true } else { false } }
            if isResult, draw.flag(probability: 0.1) { store(commit) }
        case .tornCommit:
            if isLast { commit = StudyCommit(records: Array(commit.records.prefix(draw.index(below: commit.records.count + 1)))) }
        }
        store(commit)
    }

    private func store(_ commit: StudyCommit) {
        durable += commit.records
        front = commit.front ?? front
        hypervolumes += commit.hypervolumes
        for case .attemptStarted(let trial, let attempt, _, _, _) in commit.records.map(\.fact) {
            attempts.insert(Self.key(trial, attempt))
        }
    }
}
