import Documents
import GRDB
import Trials

extension Database {
    /// Executes a statement that is prepared once.
    fileprivate func run(_ sql: String, arguments: StatementArguments = StatementArguments()) throws {
        try cachedStatement(sql: sql).execute(arguments: arguments)
    }
}

/// The tables that readers see, brought up to date fact by fact.
func project(_ record: StudyRecord, into db: Database) throws {
    let at = record.at
    switch record.fact {
    case .started(let start):
        let metrics = start.inspection.metrics
        try db.run(
            """
                INSERT INTO trials (number, state, family, architecture_hash, candidate_hash, genotype, architecture, \
                strategy, seed, created_at, parameters, macs, peak_bytes, candidate) \
                VALUES (?, 'WAITING', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                start.trial, start.inspection.family, start.inspection.architectureHash,
                // A candidate stands once under its own hash; a deliberate repeat tells which run of it it is.
                start.inspection.candidateHash + (start.repeats.map { "#\($0.run)" } ?? ""),
                start.genotype.json, start.inspection.architecture.json, start.strategy, start.seed, at,
                metrics["parameters"], metrics["macs"], metrics["peak_bytes"], start.candidate.json,
            ])
    case .attemptStarted(let trial, let attempt, _, _, _):
        try db.run(
            "UPDATE trials SET state = 'RUNNING', attempts = ?, started_at = coalesce(started_at, ?) WHERE number = ?",
            arguments: [attempt, at, trial])
    case .attemptFailed(let trial, _, _), .attemptInterrupted(let trial, _, _):
        try db.run(
            "UPDATE trials SET state = 'WAITING' WHERE number = ?", arguments: [trial])
    case .reached(let trial, _, let resource, let points, let environment, let complete):
        try reach(trial, resource: resource, points: points, environment: environment, in: db)
        try db.run(
            "UPDATE trials SET state = ?, finished_at = ? WHERE number = ?",
            arguments: [(complete ? TrialState.complete : .waiting).rawValue, complete ? at : nil, trial])
    case .failed(let trial, let reason):
        try db.run(
            "UPDATE trials SET state = 'FAIL', failure = ?, finished_at = ? WHERE number = ?",
            arguments: [reason, at, trial])
    case .stopped(_, let trial), .pruned(let trial):
        try db.run(
            "UPDATE trials SET state = 'PRUNED', finished_at = ? WHERE number = ?", arguments: [at, trial])
    case .measured(let it, let environment):
        try db.run(
            """
                INSERT OR IGNORE INTO measurements \
                (trial_number, attempt, point, metric, resource, value, unit, at, environment) \
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                it.trial, it.attempt, it.point, it.metric, it.resource, it.value, it.unit, at, environment,
            ])
    case .workerStarted(_, let environment):
        try db.run(
            "INSERT OR IGNORE INTO environments (environment, at, description) VALUES (?, ?, ?)",
            arguments: [environment.digest, at, environment.json])
    case .sessionStarted, .transferred, .rejected, .continued, .nothing, .exhausted, .checkpointed, .paused, .ended: break
    }
}

private func reach(_ trial: Int, resource: Int, points: [Point], environment: String?, in db: Database) throws {
    for point in points {
        let metrics = point.metrics
        try db.run(
            """
                INSERT OR REPLACE INTO points (trial_number, point, threshold, psnr_db, ssim, latency_ms, latency_p95_ms, \
                macs, resource, environment, metrics) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                trial, point.point, point.threshold, metrics["psnr_db"], metrics["ssim"], metrics["latency_ms"],
                metrics["latency_p95_ms"], metrics["macs"], resource, environment, json(metrics),
            ])
        guard point.point == 0 else { continue }
        try db.run(
            """
                UPDATE trials SET psnr_db = ?, ssim = ?, latency_ms = ?, latency_mad_ms = ?, \
                parameters = coalesce(?, parameters), macs = coalesce(?, macs), peak_bytes = coalesce(?, peak_bytes), \
                resource = ? WHERE number = ?
                """,
            arguments: [
                metrics["psnr_db"], metrics["ssim"], metrics["latency_ms"], metrics["latency_mad_ms"],
                metrics["parameters"], metrics["macs"], metrics["peak_bytes"], resource, trial,
            ])
    }
}

func replaceFront(_ front: [FrontEntry], in db: Database) throws {
    try db.run("DELETE FROM pareto_front")
    for entry in front {
        let metrics = entry.point.metrics
        try db.run(
            """
                INSERT INTO pareto_front (number, point, family, threshold, psnr_db, ssim, latency_ms, latency_mad_ms, \
                latency_p95_ms, parameters, macs, peak_bytes, environment, metrics) \
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                entry.trial, entry.point.point, entry.family, entry.point.threshold, metrics["psnr_db"], metrics["ssim"],
                metrics["latency_ms"], metrics["latency_mad_ms"], metrics["latency_p95_ms"], metrics["parameters"],
                metrics["macs"], metrics["peak_bytes"], entry.environment, json(metrics),
            ])
    }
}

private func json(_ metrics: [String: Double]) -> String {
    Document.object(metrics.sorted { $0.key < $1.key }.map { ($0.key, .float($0.value)) }).json
}
