import Foundation

/// The tables of `study.sqlite`, one step for each `PRAGMA user_version`.
enum StudySchema {
    static let version = steps.count

    static let steps = [
        """
        CREATE TABLE events (
            seq INTEGER PRIMARY KEY,
            at REAL NOT NULL,
            kind TEXT NOT NULL,
            trial_number INTEGER,
            payload TEXT NOT NULL
        ) STRICT;
        CREATE INDEX events_by_kind ON events (kind);
        CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
            BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
        CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
            BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;

        CREATE TABLE trials (
            number INTEGER PRIMARY KEY,
            state TEXT NOT NULL CHECK (state IN ('WAITING', 'RUNNING', 'COMPLETE', 'PRUNED', 'FAIL')),
            family TEXT,
            architecture_hash TEXT NOT NULL,
            candidate_hash TEXT NOT NULL UNIQUE,
            genotype TEXT NOT NULL,
            architecture TEXT NOT NULL,
            strategy TEXT NOT NULL,
            seed INTEGER NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            created_at REAL NOT NULL,
            started_at REAL,
            finished_at REAL,
            failure TEXT,
            psnr_db REAL, ssim REAL, latency_ms REAL, latency_mad_ms REAL,
            parameters INTEGER, macs INTEGER, peak_bytes INTEGER,
            resource INTEGER NOT NULL DEFAULT 0,
            candidate TEXT NOT NULL
        );
        CREATE TABLE points (
            trial_number INTEGER NOT NULL REFERENCES trials (number),
            point INTEGER NOT NULL,
            threshold REAL,
            psnr_db REAL, ssim REAL, latency_ms REAL, latency_p95_ms REAL, macs INTEGER,
            resource INTEGER NOT NULL,
            environment TEXT,
            metrics TEXT NOT NULL,
            PRIMARY KEY (trial_number, point)
        );
        CREATE TABLE pareto_front (
            number INTEGER NOT NULL REFERENCES trials (number),
            point INTEGER NOT NULL,
            family TEXT,
            threshold REAL,
            psnr_db REAL, ssim REAL, latency_ms REAL, latency_mad_ms REAL, latency_p95_ms REAL,
            parameters INTEGER, macs INTEGER, peak_bytes INTEGER,
            environment TEXT,
            metrics TEXT NOT NULL,
            PRIMARY KEY (number, point)
        );
        CREATE TABLE hypervolume (
            number INTEGER PRIMARY KEY REFERENCES trials (number),
            at REAL NOT NULL,
            value REAL NOT NULL
        );
        CREATE TABLE environments (
            environment TEXT PRIMARY KEY,
            at REAL NOT NULL,
            description TEXT NOT NULL
        );
        CREATE TABLE measurements (
            trial_number INTEGER NOT NULL REFERENCES trials (number),
            attempt INTEGER NOT NULL,
            point INTEGER NOT NULL,
            metric TEXT NOT NULL,
            resource INTEGER NOT NULL,
            value REAL NOT NULL,
            unit TEXT NOT NULL,
            at REAL NOT NULL,
            environment TEXT,
            UNIQUE (trial_number, point, metric, resource)
        );
        """,
        // A token for each controller's session, and what a look at all trials needs without their documents.
        """
        CREATE TABLE controllers (
            token INTEGER PRIMARY KEY,
            at REAL NOT NULL,
            owner TEXT NOT NULL
        ) STRICT;
        CREATE INDEX trials_at_a_glance ON trials
            (state, family, psnr_db, ssim, latency_ms, latency_mad_ms, parameters, macs, peak_bytes);
        """,
    ]

    /// The tables that follow from the log fact by fact, as temporary ones of a connection: there they hide those of the file.
    static var temporaryProjections: String {
        let wanted = projections.map { "CREATE TABLE \($0) (" }
        return steps.joined(separator: "\n").components(separatedBy: ";").map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
            .filter { statement in wanted.contains { statement.hasPrefix($0) } }
            .map { $0.replacingOccurrences(of: "CREATE TABLE", with: "CREATE TEMP TABLE") + ";" }.joined(separator: "\n")
    }

    static let projections = ["trials", "points", "environments", "measurements"]
}
