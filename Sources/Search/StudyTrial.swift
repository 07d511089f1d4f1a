import Trials

/// What a study knows about one trial. Once it is final only its results stay: a study may have a million trials.
package struct StudyTrial: Sendable {
    package let number: Int
    /// The trial that this one repeats with another seed.
    package let repeatOf: Int?
    /// Of how many runs its points are the mean: its own, and those of its repeats.
    package internal(set) var runs = 1
    /// Whether it was given with the experiment and is no point of the space: strategies are told nothing of it.
    package let isOutside: Bool
    package let family: String?
    package internal(set) var state: TrialState = .waiting
    /// The total of the resource that was last decided on.
    package internal(set) var target: Int
    /// The last rung reached, 0 before the first.
    package internal(set) var reached = 0
    package internal(set) var attempts = 0
    package internal(set) var failure: String?
    /// Where its points' times were measured.
    package internal(set) var environment: String?
    private var results = PackedPoints()
    /// One element until the trial is final, then none.
    private var unfinished: [Unfinished]

    /// What matters only while there may be another attempt.
    private struct Unfinished {
        let start: StudyFact.StartedTrial
        var checkpoint: (path: String, resource: Int)?
        var latencyOrigin: (environment: String?, resource: Int)?
        var pendingDecision: Int?
        var failuresWithoutProgress = 0
        var resourceAtAttemptStart = 0
        var latency: [Int: Point] = [:]
        var measured: [MeasurementKey: Double] = [:]
    }

    struct MeasurementKey: Hashable {
        var point: Int
        var metric: String
        var resource: Int
    }

    init(start: StudyFact.StartedTrial) {
        number = start.trial
        repeatOf = start.repeats?.trial
        isOutside = start.genotype.isNull
        family = start.inspection.family
        target = start.resource
        unfinished = [Unfinished(start: start, pendingDecision: start.decision)]
    }

    /// How it was started; not asked of a final trial.
    package var start: StudyFact.StartedTrial { unfinished[0].start }

    package var checkpoint: (path: String, resource: Int)? {
        get { unfinished.first?.checkpoint }
        set { unfinished[0].checkpoint = newValue }
    }

    /// The operating points at the last rung reached.
    package var points: [Point] { results.points }

    /// Where the trial's latency was measured, and at which resource: a static network's once, a dynamic one's again at each
    /// rung, where the newest counts. At one resource the first measurement stands.
    var latencyOrigin: (environment: String?, resource: Int)? {
        get { unfinished.first?.latencyOrigin }
        set { unfinished[0].latencyOrigin = newValue }
    }

    /// The decision whose result is awaited, nil when resting or final.
    var pendingDecision: Int? {
        get { unfinished.first?.pendingDecision }
        set { unfinished[0].pendingDecision = newValue }
    }

    /// Failed attempts in a row, none of which saved a new checkpoint.
    var failuresWithoutProgress: Int {
        get { unfinished.first?.failuresWithoutProgress ?? 0 }
        set { unfinished[0].failuresWithoutProgress = newValue }
    }

    var resourceAtAttemptStart: Int {
        get { unfinished.first?.resourceAtAttemptStart ?? 0 }
        set { unfinished[0].resourceAtAttemptStart = newValue }
    }

    /// Latencies by operating point: the newest that a result brought. A static network is not measured again.
    var latency: [Int: Point] {
        get { unfinished.first?.latency ?? [:] }
        _modify { yield &unfinished[0].latency }
    }

    /// What was measured first stands, also when a second attempt measures again.
    var measured: [MeasurementKey: Double] {
        get { unfinished.first?.measured ?? [:] }
        _modify { yield &unfinished[0].measured }
    }

    /// - Parameter like: another trial's points, with which the names of metrics are shared where they are equal.
    mutating func setPoints(_ points: [Point], like other: StudyTrial?) {
        results = PackedPoints(points, like: other?.results)
    }

    /// Lets go of what a final trial does not need.
    mutating func finish() { unfinished = [] }

    /// The points with what is known without training, also by measurements at resource 0, and with latencies measured at an earlier
    /// rung, where they lack it.
    func completed(_ points: [Point], at resource: Int) -> [Point] {
        points.map { point in
            var point = point
            for metric in point.metrics.keys {
                let key = MeasurementKey(point: point.point, metric: metric, resource: resource)
                if let first = measured[key] { point.metrics[metric] = first }
            }
            point.metrics.merge(start.inspection.metrics) { own, _ in own }
            for (key, value) in measured where key.resource == 0 && key.point == 0 && point.metrics[key.metric] == nil {
                point.metrics[key.metric] = value
            }
            if let known = latency[point.point] { point.metrics.merge(known.metrics) { own, _ in own } }
            return point
        }
    }
}

/// Whether a metric is a measured time, which depends on the machine.
package func isMeasuredTime(_ metric: String) -> Bool { metric.hasPrefix("latency") }
