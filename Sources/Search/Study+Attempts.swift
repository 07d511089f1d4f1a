import Documents
import Trials

/// Attempts: starting them, hearing from them, losing them.
extension Study {
    mutating func open(workers: Int, stop: String?) {
        precondition(workers > 0)
        running = Array(repeating: nil, count: workers)
        environments = [:]
        stopReason = stop
        failuresInARow = 0
        isHopeless = false
        isFinished = false
        let transferred = newcomers
        record(
            .sessionStarted(
                trials: settings.budget.trials, seconds: settings.budget.seconds, workers: workers, lag: settings.lag,
                seed: settings.seed))
        for result in transferred { record(.transferred(result), genotype: try? space.genotype(from: result.genotype)) }
        for trial in trials where trial.state == .running {
            record(.attemptInterrupted(trial: trial.number, attempt: trial.attempts, reason: "the controller ended"))
        }
    }

    /// The next attempt of a trial, from the last checkpoint that was committed.
    func nextAttempt(of number: Int, in slot: Int) -> StudyFact {
        let trial = trials[number]
        return .attemptStarted(
            trial: number, attempt: trial.attempts + 1, worker: slot, resource: trial.target, from: trial.checkpoint?.path)
    }

    mutating func startAttempt(of number: Int, in slot: Int) {
        let trial = trials[number]
        record(nextAttempt(of: number, in: slot))
        running[slot] = number
        actions.append(
            .start(
                slot: slot,
                TrialRequest(
                    trial: number, attempt: trial.attempts + 1, seed: trial.start.seed, candidate: trial.start.candidate,
                    from: trial.checkpoint.map { absolute($0.path) }, resource: trial.target,
                    previousResource: trial.checkpoint?.resource ?? 0, folder: absolute("trials/\(number)"),
                    experiment: absolute("experiment.yaml"), latency: trial.latency.values.sorted { $0.point < $1.point })))
    }

    mutating func receive(_ message: WorkerEvent, from slot: Int) {
        if case .hello(let hello) = message {
            environments[slot] = hello.environment.digest
            record(.workerStarted(worker: slot, environment: hello.environment))
            return
        }
        // A late word of an attempt that is over changes nothing.
        guard running.indices.contains(slot), let number = running[slot], let about = message.attempt,
            about == (number, trials[number].attempts)
        else { return }
        let environment = environments[slot]
        switch message {
        case .hello, .started, .heartbeat: break
        case .measurement(let measurement):
            let key = StudyTrial.MeasurementKey(
                point: measurement.point, metric: measurement.metric, resource: measurement.resource)
            guard trials[number].measured[key] == nil else { return }
            record(.measured(measurement, environment: environment))
        case .checkpoint(_, let attempt, let resource, let path):
            // The next attempt could not go on from a checkpoint that stands elsewhere.
            guard (trials[number].resourceAtAttemptStart...trials[number].target).contains(resource) else { return }
            record(.checkpointed(trial: number, attempt: attempt, resource: resource, path: relative(path)))
        case .result(_, let attempt, let resource, let points):
            guard resource == trials[number].target else {
                let reason = "reached resource \(resource) where \(trials[number].target) was asked"
                return fail(number, in: slot, AttemptFailure(reason: reason))
            }
            if let missing = missingObjective(trials[number].completed(points, at: resource)) {
                return fail(number, in: slot, AttemptFailure(reason: missing))
            }
            running[slot] = nil
            recordMeasurements(of: points, trial: number, resource: resource, environment: environment)
            record(
                .reached(
                    trial: number, attempt: attempt, resource: resource, points: trials[number].completed(points, at: resource),
                    environment: trials[number].latencyOrigin?.environment ?? environment,
                    complete: resource >= lastRung))
        case .stopped(_, let attempt):
            guard let stopReason else {
                return fail(number, in: slot, AttemptFailure(reason: "the worker stopped without being asked"))
            }
            running[slot] = nil
            record(.attemptInterrupted(trial: number, attempt: attempt, reason: stopReason))
        case .storageFailed(_, let attempt, let reason):
            running[slot] = nil
            record(.attemptInterrupted(trial: number, attempt: attempt, reason: reason))
            requestStop(reason)
        case .failed(_, _, let reason, let fatal):
            fail(number, in: slot, AttemptFailure(reason: reason), fatal: fatal)
        }
    }

    /// Why the points cannot be judged, nil when they can.
    private func missingObjective(_ points: [Point]) -> String? {
        for point in points {
            for objective in settings.objectives where point.metrics[objective.metric] == nil {
                return "the result lacks the objective \"\(objective.metric)\" (operating point \(point.point))"
            }
        }
        return nil
    }

    /// A result's own metrics are measurements too: neither known before training nor carried along
    /// unchanged from an earlier rung.
    private mutating func recordMeasurements(of points: [Point], trial number: Int, resource: Int, environment: String?) {
        for point in points {
            for (metric, value) in point.metrics.sorted(by: { $0.key < $1.key }) {
                let trial = trials[number]
                let key = StudyTrial.MeasurementKey(point: point.point, metric: metric, resource: resource)
                guard trial.measured[key] == nil, trial.start.inspection.metrics[metric] == nil,
                    trial.latency[point.point]?.metrics[metric] != value
                else { continue }
                record(
                    .measured(
                        .init(
                            trial: number, attempt: trial.attempts, point: point.point, metric: metric, resource: resource,
                            value: value),
                        environment: environment))
            }
        }
    }

    mutating func lose(_ slot: Int, _ failure: AttemptFailure) {
        guard running.indices.contains(slot), let number = running[slot] else { return }
        if stopReason != nil {
            running[slot] = nil
            record(.attemptInterrupted(trial: number, attempt: trials[number].attempts, reason: failure.reason))
        } else {
            fail(number, in: slot, failure)
        }
    }

    private mutating func fail(_ number: Int, in slot: Int, _ failure: AttemptFailure, fatal: Bool = false) {
        running[slot] = nil
        record(.attemptFailed(trial: number, attempt: trials[number].attempts, failure))
        guard fatal || trials[number].failuresWithoutProgress > settings.limits.retries else { return }
        record(.failed(trial: number, reason: failure.reason))
        if fatal { return }
        failuresInARow += 1
        if failuresInARow >= Self.hopelessFailures, stopReason == nil {
            isHopeless = true
            requestStop("\(failuresInARow) trials in a row failed; the last one: \(failure.reason)")
        }
    }

    mutating func requestStop(_ reason: String) {
        guard !isFinished, stopReason == nil else { return }
        stopReason = reason
        for (slot, trial) in running.enumerated() where trial != nil { actions.append(.stop(slot: slot)) }
    }

    private func absolute(_ path: String) -> String { path.hasPrefix("/") || folder.isEmpty ? path : "\(folder)/\(path)" }

    private func relative(_ path: String) -> String {
        path.hasPrefix(folder + "/") ? String(path.dropFirst(folder.count + 1)) : path
    }
}
