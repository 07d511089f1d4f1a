import Documents

/// What a worker tells the controller.
package enum WorkerEvent: Sendable, Equatable {
    package enum Phase: String, Sendable, CaseIterable {
        case training, validating, measuring
        /// Waiting for a quiet machine: alive, no stall, and not counted in `trial-seconds`.
        case waiting
    }

    /// The first message of a worker's life.
    case hello(Hello)
    case started(trial: Int, attempt: Int)
    /// A sign of life, at least once a second while an attempt runs.
    case heartbeat(trial: Int, attempt: Int, step: Int, totalSteps: Int, phase: Phase)
    case measurement(Measurement)
    /// A checkpoint at `resource` is safely on disk.
    case checkpoint(trial: Int, attempt: Int, resource: Int, path: String)
    /// The attempt reached what was asked.
    case result(trial: Int, attempt: Int, resource: Int, points: [Point])
    /// The attempt was asked to stop and did; its last checkpoint is where it goes on.
    case stopped(trial: Int, attempt: Int)
    /// The attempt failed, the worker lives. A fatal failure (training diverged) would come again: no further attempt.
    case failed(trial: Int, attempt: Int, reason: String, fatal: Bool)
    /// The disk refuses what the attempt must write. The trial is not at fault: the study pauses.
    case storageFailed(trial: Int, attempt: Int, reason: String)

    package struct Hello: Sendable, Equatable {
        package var version: Int
        package var pid: Int
        package var capabilities: [String]
        /// Host, CPU, ISA, threads, device, BLAS core, program version: what a measurement depends on.
        package var environment: Document

        package init(version: Int = wireVersion, pid: Int, capabilities: [String] = [], environment: Document) {
            self.version = version
            self.pid = pid
            self.capabilities = capabilities
            self.environment = environment
        }
    }

    package struct Measurement: Sendable, Equatable {
        package var trial: Int
        package var attempt: Int
        package var point: Int
        package var metric: String
        package var resource: Int
        package var value: Double
        package var unit: String

        package init(
            trial: Int, attempt: Int, point: Int = 0, metric: String, resource: Int, value: Double, unit: String = ""
        ) {
            self.trial = trial
            self.attempt = attempt
            self.point = point
            self.metric = metric
            self.resource = resource
            self.value = value
            self.unit = unit
        }
    }

    /// Trial and attempt that the message is about, nil for `hello`.
    package var attempt: (trial: Int, attempt: Int)? {
        switch self {
        case .hello: nil
        case .measurement(let measurement): (measurement.trial, measurement.attempt)
        case .started(let trial, let attempt), .heartbeat(let trial, let attempt, _, _, _),
            .checkpoint(let trial, let attempt, _, _), .result(let trial, let attempt, _, _),
            .stopped(let trial, let attempt), .failed(let trial, let attempt, _, _), .storageFailed(let trial, let attempt, _):
            (trial, attempt)
        }
    }

    /// Whether the attempt is over with this message.
    package var endsAttempt: Bool {
        switch self {
        case .result, .stopped, .failed, .storageFailed: true
        case .hello, .started, .heartbeat, .measurement, .checkpoint: false
        }
    }
}
