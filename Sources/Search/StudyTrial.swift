import Trials

/// What a study knows about one trial.
package struct StudyTrial: Sendable {
    package let start: StudyFact.StartedTrial
    package internal(set) var state: TrialState = .waiting
    /// The total of the resource that was last decided on.
    package internal(set) var target: Int
    /// The last rung reached, 0 before the first.
    package internal(set) var reached = 0
    /// The operating points at that rung.
    package internal(set) var points: [Point] = []
    package internal(set) var attempts = 0
    package internal(set) var checkpoint: (path: String, resource: Int)?
    package internal(set) var failure: String?
    /// Where those points' times were measured.
    package internal(set) var environment: String?
    /// Where the trial's latency was measured, and at which resource: a static network's once, a dynamic one's again at each
    /// rung, where the newest counts. At one resource the first measurement stands.
    var latencyOrigin: (environment: String?, resource: Int)?

    /// The decision whose result is awaited, nil when resting or final.
    var pendingDecision: Int?
    /// Failed attempts in a row, none of which saved a new checkpoint.
    var failuresWithoutProgress = 0
    var resourceAtAttemptStart = 0
    /// Latencies by operating point: the newest that a result brought. A static network is not measured again.
    var latency: [Int: Point] = [:]
    /// What was measured first stands, also when a second attempt measures again.
    var measured: [MeasurementKey: Double] = [:]

    struct MeasurementKey: Hashable {
        var point: Int
        var metric: String
        var resource: Int
    }

    package var number: Int { start.trial }
    package var family: String? { start.inspection.family }

    init(start: StudyFact.StartedTrial) {
        self.start = start
        self.target = start.resource
        self.pendingDecision = start.decision
    }

    /// The points with what is known without training, and with latencies measured at an earlier rung, where they lack it.
    func completed(_ points: [Point], at resource: Int) -> [Point] {
        points.map { point in
            var point = point
            for metric in point.metrics.keys {
                let key = MeasurementKey(point: point.point, metric: metric, resource: resource)
                if let first = measured[key] { point.metrics[metric] = first }
            }
            point.metrics.merge(start.inspection.metrics) { own, _ in own }
            if let known = latency[point.point] { point.metrics.merge(known.metrics) { own, _ in own } }
            return point
        }
    }
}

/// Whether a metric is a measured time, which depends on the machine.
package func isMeasuredTime(_ metric: String) -> Bool { metric.hasPrefix("latency") }
