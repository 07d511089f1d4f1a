import Documents
import RandomStreams
import Search
import SearchSpaces
import Trials

/// What a simulated study is like and what befalls it: a function of the seed and the history's number.
struct SimulatedHistory {
    /// One run of a controller.
    struct Session {
        var workers: Int
        var trials: Int
        var seconds: Double?
        /// After so many commits the controller dies.
        var crash: (commits: Int, how: SimulatedLog.Death)?
        /// When the user asks to stop, in seconds from its begin, and whether at once.
        var stop: (after: Double, twice: Bool)?
    }

    /// How workers behave.
    struct Temper {
        var deaths = 0.0
        var hangs = 0.0
        var lies = 0.0
        var babble = 0.0
        var slowest = 0.05
        static let calm = Temper()
    }

    let number: Int
    let stream: RandomStream
    var settings: StudySettings
    var sessions: [Session]
    var temper: Temper
    /// Steps between two checkpoints.
    var interval: Int
    var hosts = 1
    /// Qualities that are often equal.
    var coarse = false
    /// Candidates whose training diverges: one in so many.
    var divergence: Int?
    /// The log goes through its JSON form at each restart.
    var throughJSON = false

    var measuresObjective: Bool { settings.objectives.contains { isMeasuredTime($0.metric) } }
    /// With a lag and no measured objective the same decisions as in an uninterrupted run are promised.
    var isDetermined: Bool {
        settings.lag != nil && !measuresObjective && sessions.allSatisfy { $0.trials == settings.budget.trials }
    }

    private static let large = try! space("{kind: chain, width: {int: [1, 64]}, gain: {float: [0.0, 1.0]}, block: {choice: [plain, dense, residual]}}")
    private static let small = try! space("{kind: chain, width: {int: [1, 5]}, gain: 0.5, block: {choice: [plain, dense]}}")
    private static let base = try! StudySettings(
        experiment: .parse(
            """
            objectives: [{metric: psnr_db, direction: maximize, reference: 20}]
            constraints: [{metric: macs, at-most: 60000}]
            budget: {trials: 10}
            """, file: "experiment.yaml"))

    private static func space(_ template: String) throws -> SearchSpace {
        try SearchSpace(.parse("halcyon: 1\ntemplate: \(template)", file: "space.yaml"))
    }

    var space: SearchSpace

    init(seed: Int, number: Int) {
        self.number = number
        stream = RandomStream(seed: UInt64(seed)).split("history").split(number)
        var draw = stream.split("settings")
        settings = Self.base
        settings.seed = draw.index(below: 1 << 20)
        let other = draw.flag(probability: 0.3) ? "latency_ms" : "macs"
        settings.objectives.append(Objective(metric: other, direction: .minimize, reference: other == "macs" ? 1e5 : 100))
        settings.strategy =
            draw.flag() ? ["kind": "random"] : ["kind": "nsga2", "population": .int(2 + draw.index(below: 6))]
        if draw.flag() {
            let rungs = draw.flag() ? [6, 18, 54] : [10, 40]
            settings.fidelity = Fidelity(kind: .asha, rungs: rungs, reduction: 2 + draw.index(below: 2))
        } else {
            settings.fidelity = Fidelity(kind: .full, rungs: [12 + draw.index(below: 30)])
        }
        settings.lag = draw.flag(probability: 0.6) ? 1 + draw.index(below: 6) : nil
        settings.limits.retries = draw.flag(probability: 0.6) ? 1 : draw.index(below: 3)
        let trials = 2 + draw.index(below: 12)
        settings.budget.trials = trials
        space = draw.flag(probability: 0.1) ? Self.small : Self.large
        interval = 3 + draw.index(below: 12)
        hosts = draw.flag(probability: 0.2) ? 2 : 1
        coarse = draw.flag(probability: 0.2)
        divergence = draw.flag(probability: 0.3) ? 3 + draw.index(below: 8) : nil
        throughJSON = draw.flag(probability: 0.1)

        temper = Temper()
        temper.slowest = draw.uniform(0.01, 0.12)
        switch draw.index(below: 4) {
        case 0: break
        case 1: temper.deaths = draw.uniform(0.05, 0.6)
        case 2: temper.babble = draw.uniform(0.05, 0.4)
        default:
            temper.deaths = draw.uniform(0, 0.3)
            temper.hangs = draw.uniform(0, 0.1)
            temper.lies = draw.uniform(0, 0.2)
            temper.babble = draw.uniform(0, 0.3)
        }

        var plan = stream.split("sessions")
        let grows = plan.flag(probability: 0.25)
        var budget = grows ? 1 + plan.index(below: trials) : trials
        sessions = []
        for _ in 0..<plan.index(below: 6) {
            var session = Session(workers: 1 + plan.index(below: 5), trials: budget)
            if plan.flag(probability: 0.75) {
                session.crash = (plan.index(below: plan.flag() ? 8 : 60), SimulatedLog.Death.allCases[plan.index(below: SimulatedLog.Death.allCases.count)])
            } else if plan.flag() {
                session.stop = (plan.uniform(0, 4), plan.flag(probability: 0.3))
            } else {
                session.seconds = plan.uniform(0, 12)
            }
            sessions.append(session)
            if grows { budget = min(trials, budget + plan.index(below: 4)) }
        }
        sessions.append(Session(workers: 1 + plan.index(below: 5), trials: trials))
    }

    /// The same study with nothing befalling it.
    var undisturbed: SimulatedHistory {
        var calm = self
        calm.temper = .calm
        calm.sessions = [Session(workers: 2, trials: sessions[sessions.count - 1].trials)]
        return calm
    }

    func settings(of session: Session) -> StudySettings {
        var settings = settings
        settings.budget = .init(trials: session.trials, seconds: session.seconds)
        return settings
    }

    func study(_ settings: StudySettings) throws -> Study {
        Study(
            settings: settings, space: space,
            strategy: try makeStrategy(settings.strategy, space: space, objectives: settings.objectives),
            scheduler: makeScheduler(settings.fidelity, objectives: settings.objectives), inspector: Inspector(), folder: "/study")
    }

    struct Inspector: CandidateInspector {
        func inspect(_ candidate: Document) throws -> CandidateInspection {
            let width = Double(try candidate.required("width").int())
            let hash = candidate.json
            return CandidateInspection(
                candidateHash: hash, architectureHash: hash, family: "chain", architecture: candidate,
                metrics: ["parameters": 10 * width, "macs": 1000 * width])
        }
    }
}
