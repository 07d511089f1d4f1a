import Engine
import Imaging
import Networks
import Training
import Trials

/// Measures a trained network's operating points: quality on the validation pictures, costs and latency.
struct PointMeasuring {
    /// Crops that a dynamic network's latency is measured on.
    static let latencyPictures = 12

    let architecture: Architecture
    let parameters: ParameterStore
    let experiment: TrainingExperiment
    let validation: ImageSet
    let machine: QuietMachine
    let attempt: AttemptReporter
    let now: () -> Double

    /// Point 0: the network as it is.
    /// - Parameter known: latencies that were already measured.
    func staticPoint(known: [Point]) throws -> Point {
        let denoiser = try Denoiser(architecture, parameters: parameters, precision: experiment.latency.precision)
        let quality = try attempt.timed("validate") {
            try evaluateModel(
                denoiser, images: validation, conditions: experiment.validation.conditions, noise: DenoisingEvaluator.validationNoise,
                metrics: experiment.metrics, around: inShared, progress: told)
        }
        var metrics = try cost().metrics.merging(finite(quality.means)) { own, _ in own }
        if let known = known.first(where: { $0.point == 0 }) {
            metrics.merge(known.metrics) { own, _ in own }
        } else {
            let latency = try attempt.timed("latency") { try measureLatency() }
            metrics["latency_ms"] = latency.median
            metrics["latency_mad_ms"] = latency.medianAbsoluteDeviation
        }
        return Point(metrics: metrics)
    }

    /// Point 0 is full depth; the others spend less and less. Their decisions change with training, so their latency is measured
    /// at every rung.
    func dynamicPoints() throws -> [Point] {
        let quality = try attempt.timed("validate") {
            try evaluateDepths(
                Denoiser(architecture, parameters: parameters, precision: experiment.latency.precision), images: validation, conditions: experiment.validation.conditions,
                noise: DenoisingEvaluator.validationNoise, metrics: experiment.metrics, around: inShared, progress: told)
        }
        let cost = try cost()
        let routerMacs = try architecture.routerGraph().cost(
            inputs: architecture.inputShapes(height: experiment.latency.height, width: experiment.latency.width, batch: 1)
        ).macs
        let latency = try attempt.timed("latency") { try measureDepths() }
        return quality.operatingThresholds.enumerated().map { number, threshold in
            var metrics = cost.metrics.merging(finite(quality.evaluation(threshold: threshold).means)) { own, _ in own }
            let summary = latency.summary(threshold: threshold)
            metrics["latency_ms"] = summary.mean
            metrics["latency_p95_ms"] = summary.percentile95
            metrics["latency_mad_ms"] = summary.medianAbsoluteDeviation
            if number > 0 {
                metrics["macs"] = (quality.meanCost(threshold: threshold) * Double(cost.macs)).rounded() + Double(routerMacs)
                metrics["router_share"] = summary.routerShare
            }
            return Point(point: number, threshold: threshold, metrics: metrics)
        }
    }

    private func cost() throws -> NetworkCost {
        try attempt.shared(machine, .validating) { try NetworkCost(of: architecture, experiment.latency) }
    }

    /// A perfect picture has an infinite PSNR, which is no number for a message or a front.
    private func finite(_ means: [String: Double]) -> [String: Double] { means.mapValues { min($0, 100) } }

    private func inShared(_ work: () throws -> Void) throws { try attempt.shared(machine, .validating, work) }

    private func told(_ done: Int, _ total: Int) throws {
        try attempt.giveUpIfStopped()
        try attempt.heartbeat(.validating)
    }

    /// One picture of the experiment's latency size, alone on the machine.
    private func measureLatency() throws -> LatencyMeasurement {
        let denoiser = try Denoiser(
            architecture, parameters: parameters, threads: experiment.latency.threads, precision: experiment.latency.precision)
        let executable = try attempt.shared(machine, .measuring) {
            try denoiser.executable(.path(exit: architecture.exitCount - 1), height: experiment.latency.height, width: experiment.latency.width)
        }
        return try machine.exclusive(waiting: attempt.wait) {
            try attempt.heartbeat(.measuring)
            return try Evaluation.measureLatency(
                run: { executable.run() }, now: now, progress: { try attempt.heartbeat(.measuring) })
        }
    }

    /// Crops of the latency size from the validation pictures with their noise, smaller pictures continued by mirroring, alone on
    /// the machine.
    private func measureDepths() throws -> DepthLatency {
        let denoiser = try Denoiser(
            architecture, parameters: parameters, threads: experiment.latency.threads, precision: experiment.latency.precision)
        let conditions = experiment.validation.conditions
        let (height, width) = (experiment.latency.height, experiment.latency.width)
        let count = min(Self.latencyPictures, validation.count * conditions.count)
        let pictures = try (0..<count).map { number in
            let (noisy, sigma) = try DenoisingEvaluator.validationNoise.noisy(
                validation, index: (number / conditions.count) % validation.count, conditions[number % conditions.count])
            return (image: noisy.mirroredAndCropped(height: height, width: width), sigma: sigma)
        }
        try attempt.shared(machine, .measuring) {
            for exit in 0..<architecture.exitCount { _ = try denoiser.executable(.path(exit: exit), height: height, width: width) }
            _ = try denoiser.executable(.router, height: height, width: width)
        }
        return try machine.exclusive(waiting: attempt.wait) {
            try attempt.heartbeat(.measuring)
            return try DepthLatency(denoiser, pictures: pictures, now: now, progress: { try attempt.heartbeat(.measuring) })
        }
    }
}
