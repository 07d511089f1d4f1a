import Documents

/// "Train this trial to this resource": what the controller asks of a worker.
package struct TrialRequest: Sendable, Equatable {
    package var trial: Int
    /// Counted from 1 over the trial's whole life.
    package var attempt: Int
    package var seed: Int
    /// The resolved candidate: architecture and training settings, no choices left.
    package var candidate: Document
    /// The checkpoint to start from, nil for none.
    package var from: String?
    /// The total of the resource to reach.
    package var resource: Int
    /// The resource that the checkpoint stands at, 0 without one.
    package var previousResource: Int
    /// The trial's folder, `DIR/trials/NUMBER`.
    package var folder: String
    /// The resolved experiment, `DIR/experiment.yaml`.
    package var experiment: String
    /// The latencies that were already measured, one entry a point; empty asks the worker to measure.
    package var latency: [Point]

    package var measuresLatency: Bool { latency.isEmpty }

    package init(
        trial: Int, attempt: Int = 1, seed: Int, candidate: Document, from: String? = nil, resource: Int,
        previousResource: Int = 0, folder: String = "", experiment: String = "", latency: [Point] = []
    ) {
        self.trial = trial
        self.attempt = attempt
        self.seed = seed
        self.candidate = candidate
        self.from = from
        self.resource = resource
        self.previousResource = previousResource
        self.folder = folder
        self.experiment = experiment
        self.latency = latency
    }
}
