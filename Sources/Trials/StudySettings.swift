import Documents

/// What an experiment file says about the study itself: objectives, budget, limits and how workers are run.
package struct StudySettings: Sendable, Equatable {
    /// Which trained networks stay on disk.
    package enum Keep: String, Sendable, CaseIterable { case front, all, none }

    package struct Budget: Sendable, Equatable {
        /// Number of trials started, nil without a bound.
        package var trials: Int?
        /// Seconds of controller time, over all runs of the study, nil without a bound.
        package var seconds: Double?

        package static let trialsRange = 1...1_000_000_000
        /// More than thirty years.
        package static let mostSeconds = 1e9

        package init(trials: Int? = nil, seconds: Double? = nil) {
            self.trials = trials
            self.seconds = seconds
        }
    }

    package struct Limits: Sendable, Equatable {
        /// Seconds of one attempt, time spent waiting for a quiet machine not counted.
        package var trialSeconds = 600.0
        /// Seconds without a sign of life.
        package var stallSeconds = 60.0
        /// Seconds of heartbeats without progress, waiting for a quiet machine not counted.
        package var progressSeconds = 300.0
        /// Seconds until a new worker says `hello`; nil means `stallSeconds`. A launcher may queue.
        package var startSeconds: Double?
        /// Bytes of resident memory of one worker.
        package var memory = 4_000_000_000
        /// Attempts after the first that may fail without progress.
        package var retries = 1

        package init() {}
    }

    package var name: String
    package var seed: Int
    /// Runs of one candidate, with seeds of their own, where its results are noisy; 1 repeats nothing.
    package var runsAtMost = 1
    package var objectives: [Objective]
    package var constraints: [Constraint]
    /// The strategy's own settings, `kind` included.
    package var strategy: Document
    package var fidelity: Fidelity
    package var budget: Budget
    package var limits: Limits
    package var keep: Keep
    /// Number of workers; nil means the number of cores.
    package var workers: Int?
    /// Decision k sees the results of decisions up to k - lag; nil means that results are shown as they arrive.
    package var lag: Int?
    /// Words before the worker's own command line, such as `["srun", "-n1"]`.
    package var launcher: [String]
    /// A worker in another language; nil means `halcyon worker`.
    package var command: [String]?
    /// What it begins with.
    package var warmStart = WarmStart()

    /// The keys of an experiment that are read here; `halcyon` and `recipe` are shared with other readers.
    package static let keys = [
        "name", "seed", "objectives", "constraints", "strategy", "fidelity", "budget", "limits", "keep", "workers", "lag",
        "launcher", "command", "repeats", "warm-start",
    ]

    /// Reads the study's keys of an experiment and leaves all others alone. Errors are located.
    package init(experiment: Document) throws {
        name = try experiment.optional("name")?.string("name") ?? "study"
        seed = try experiment.optional("seed")?.int("seed", in: 0...Int.max) ?? 1

        let objectiveList = try experiment.required("objectives")
        objectives = try objectiveList.array("objectives").map(Objective.init)
        if objectives.isEmpty { throw objectiveList.fail("objectives: expected at least one") }
        if Set(objectives.map(\.metric)).count < objectives.count {
            throw objectiveList.fail("objectives: a metric stands twice", hint: "keep one of them")
        }
        constraints = try experiment.optional("constraints")?.array("constraints").map(Constraint.init) ?? []
        strategy = try experiment.optional("strategy") ?? ["kind": "auto"]
        _ = try strategy.required("kind").string("kind")

        let fidelityDocument = try experiment.optional("fidelity")
        let steps = try experiment.optional("recipe")?.optional("steps")?.int("steps", in: 1...Int.max)
        fidelity = try Fidelity(fidelityDocument, steps: steps)

        let budgetDocument = try experiment.required("budget")
        try budgetDocument.allowOnly(["trials", "seconds"])
        budget = Budget(
            trials: try budgetDocument.optional("trials")?.int("trials", in: Budget.trialsRange),
            seconds: try budgetDocument.optional("seconds")?.double("seconds", in: 0...Budget.mostSeconds))
        if budget.trials == nil && budget.seconds == nil {
            throw budgetDocument.fail("a budget needs \"trials\" or \"seconds\"", hint: "for example {trials: 24}")
        }

        limits = Limits()
        if let document = try experiment.optional("limits") {
            try document.allowOnly(["trial-seconds", "stall-seconds", "progress-seconds", "start-seconds", "memory", "retries"])
            let positive = 0.001...Double.infinity
            limits.trialSeconds =
                try document.optional("trial-seconds")?.double("trial-seconds", in: positive) ?? limits.trialSeconds
            limits.stallSeconds =
                try document.optional("stall-seconds")?.double("stall-seconds", in: positive) ?? limits.stallSeconds
            limits.progressSeconds =
                try document.optional("progress-seconds")?.double("progress-seconds", in: positive) ?? limits.progressSeconds
            limits.startSeconds = try document.optional("start-seconds")?.double("start-seconds", in: positive)
            limits.memory = try document.optional("memory").map(Self.bytes) ?? limits.memory
            limits.retries = try document.optional("retries")?.int("retries", in: 0...1000) ?? limits.retries
        }

        if let repeats = try experiment.optional("repeats") {
            try repeats.allowOnly(["at-most"])
            runsAtMost = try repeats.required("at-most").int("at-most", in: 1...1000)
        }
        warmStart = try experiment.optional("warm-start").map(WarmStart.init) ?? WarmStart()
        keep = try experiment.optional("keep")?.word("keep", as: Keep.self) ?? .front
        workers = try experiment.optional("workers")?.int("workers", in: 1...4096)
        lag = try experiment.optional("lag")?.int("lag", in: 1...4096)
        launcher = try experiment.optional("launcher")?.array("launcher").map { try $0.string("launcher") } ?? []
        command = try experiment.optional("command")?.array("command").map { try $0.string("command") }
        if let command, command.isEmpty { throw try experiment.required("command").fail("command: expected words") }
        if let lag, let workers, workers > lag {
            throw try experiment.required("workers").fail(
                "workers: \(workers) workers but lag \(lag)", hint: "a lag keeps at most \(lag) workers busy: raise it")
        }
    }

    /// A number of bytes, or text such as `4GB`, `512MB`, `2GiB`.
    private static func bytes(_ document: Document) throws -> Int {
        guard case .string(let text) = document.value else { return try document.int("memory", in: 1...Int.max) }
        let units: [(String, Double)] = [
            ("KiB", 1024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("B", 1),
        ]
        for (suffix, scale) in units where text.hasSuffix(suffix) {
            let digits = text.dropLast(suffix.count).filter { $0 != " " }
            if let number = Double(digits), number > 0, number * scale < 9e15 { return Int(number * scale) }
        }
        throw document.fail("memory: expected a size such as 4GB or 512MB, found \"\(text)\"")
    }
}
