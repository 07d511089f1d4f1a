import Documents

/// Facts as rows of the event log: `kind`, `trial_number` and a JSON `payload`.
extension StudyFact {
    package var kind: String {
        switch self {
        case .sessionStarted: "session_started"
        case .transferred: "transferred"
        case .rejected: "rejected"
        case .started: "started"
        case .continued: "continued"
        case .stopped: "stopped"
        case .nothing: "nothing"
        case .exhausted: "exhausted"
        case .workerStarted: "worker_started"
        case .attemptStarted: "attempt_started"
        case .measured: "measured"
        case .checkpointed: "checkpointed"
        case .reached: "reached"
        case .attemptFailed: "attempt_failed"
        case .attemptInterrupted: "attempt_interrupted"
        case .failed: "failed"
        case .pruned: "pruned"
        case .paused: "paused"
        case .ended: "ended"
        }
    }

    package var payload: Document {
        switch self {
        case .sessionStarted(let trials, let seconds, let workers, let lag, let seed):
            .object([
                ("trials", maybe(trials)), ("seconds", seconds.map(Document.float) ?? .null), ("workers", .int(workers)),
                ("lag", maybe(lag)), ("seed", .int(seed)),
            ])
        case .transferred(let result): result.payload
        case .rejected(let decision, let redraw, let hash, let reason, let genotype):
            .object(
                [
                    ("decision", .int(decision)), ("redraw", .int(redraw)), ("candidate_hash", maybe(hash)),
                    ("reason", .string(reason)),
                ] + (genotype.map { [("genotype", $0)] } ?? []))
        case .started(let start): start.payload
        case .continued(let decision, _, let resource): .object([("decision", .int(decision)), ("resource", .int(resource))])
        case .stopped(let decision, _), .nothing(let decision), .exhausted(let decision):
            .object([("decision", .int(decision))])
        case .workerStarted(let worker, let environment):
            .object([("worker", .int(worker)), ("environment", environment)])
        case .attemptStarted(_, let attempt, let worker, let resource, let from):
            .object([
                ("attempt", .int(attempt)), ("worker", .int(worker)), ("resource", .int(resource)), ("from", maybe(from)),
            ])
        case .measured(let it, let environment):
            .object([
                ("attempt", .int(it.attempt)), ("point", .int(it.point)), ("metric", .string(it.metric)),
                ("resource", .int(it.resource)), ("value", .float(it.value)), ("unit", .string(it.unit)),
                ("environment", maybe(environment)),
            ])
        case .checkpointed(_, let attempt, let resource, let path):
            .object([("attempt", .int(attempt)), ("resource", .int(resource)), ("path", .string(path))])
        case .reached(_, let attempt, let resource, let points, let environment, let complete):
            .object([
                ("attempt", .int(attempt)), ("resource", .int(resource)), ("complete", .bool(complete)),
                ("environment", maybe(environment)), ("points", .array(points.map(\.document))),
            ])
        case .attemptFailed(_, let attempt, let failure):
            .object([
                ("attempt", .int(attempt)), ("reason", .string(failure.reason)), ("signal", maybe(failure.signal)),
                ("exit_code", maybe(failure.exitCode)),
            ])
        case .attemptInterrupted(_, let attempt, let reason):
            .object([("attempt", .int(attempt)), ("reason", .string(reason))])
        case .failed(_, let reason), .paused(let reason), .ended(let reason): .object([("reason", .string(reason))])
        case .pruned: .object([])
        }
    }

    /// Reads a row of the log. Errors say what the payload lacks.
    package init(kind: String, trial: Int?, payload: Document) throws {
        func number(_ key: String) throws -> Int { try payload.required(key).int(key) }
        func text(_ key: String) throws -> String { try payload.required(key).string(key) }
        func optionalNumber(_ key: String) throws -> Int? { try payload.optional(key)?.int(key) }
        func optionalText(_ key: String) throws -> String? { try payload.optional(key)?.string(key) }
        func about() throws -> Int {
            guard let trial else { throw payload.fail("an event \"\(kind)\" must name its trial") }
            return trial
        }
        switch kind {
        case "session_started":
            self = .sessionStarted(
                trials: try optionalNumber("trials"), seconds: try payload.optional("seconds")?.double("seconds"),
                workers: try number("workers"), lag: try optionalNumber("lag"), seed: try number("seed"))
        case "transferred": self = .transferred(try TransferredResult(payload: payload))
        case "rejected":
            self = .rejected(
                decision: try number("decision"), redraw: try number("redraw"),
                candidateHash: try optionalText("candidate_hash"), reason: try text("reason"),
                genotype: try payload.optional("genotype"))
        case "started": self = .started(try StartedTrial(trial: about(), payload: payload))
        case "continued":
            self = .continued(decision: try number("decision"), trial: try about(), resource: try number("resource"))
        case "stopped": self = .stopped(decision: try number("decision"), trial: try about())
        case "nothing": self = .nothing(decision: try number("decision"))
        case "exhausted": self = .exhausted(decision: try number("decision"))
        case "worker_started":
            self = .workerStarted(worker: try number("worker"), environment: try payload.required("environment"))
        case "attempt_started":
            self = .attemptStarted(
                trial: try about(), attempt: try number("attempt"), worker: try number("worker"),
                resource: try number("resource"), from: try optionalText("from"))
        case "measured":
            let measurement = WorkerEvent.Measurement(
                trial: try about(), attempt: try number("attempt"), point: try number("point"),
                metric: try text("metric"), resource: try number("resource"),
                value: try payload.required("value").double("value"), unit: try text("unit"))
            self = .measured(measurement, environment: try optionalText("environment"))
        case "checkpointed":
            self = .checkpointed(
                trial: try about(), attempt: try number("attempt"), resource: try number("resource"), path: try text("path"))
        case "reached":
            self = .reached(
                trial: try about(), attempt: try number("attempt"), resource: try number("resource"),
                points: try payload.required("points").array("points").map(Point.init),
                environment: try optionalText("environment"), complete: try payload.required("complete").bool("complete"))
        case "attempt_failed":
            self = .attemptFailed(
                trial: try about(), attempt: try number("attempt"),
                AttemptFailure(
                    reason: try text("reason"), signal: try optionalNumber("signal"), exitCode: try optionalNumber("exit_code")))
        case "attempt_interrupted":
            self = .attemptInterrupted(trial: try about(), attempt: try number("attempt"), reason: try text("reason"))
        case "failed": self = .failed(trial: try about(), reason: try text("reason"))
        case "pruned": self = .pruned(trial: try about())
        case "paused": self = .paused(reason: try text("reason"))
        case "ended": self = .ended(reason: try text("reason"))
        default: throw payload.fail("unknown kind of event \"\(kind)\"", hint: "was the study written by a newer release?")
        }
    }
}

extension StudyFact.StartedTrial {
    fileprivate var payload: Document {
        let metrics = inspection.metrics.sorted { $0.key < $1.key }.map { ($0.key, Document.float($0.value)) }
        return .object([
            ("decision", .int(decision)), ("resource", .int(resource)), ("seed", .int(seed)),
            ("strategy", .string(strategy)), ("candidate_hash", .string(inspection.candidateHash)),
            ("architecture_hash", .string(inspection.architectureHash)), ("family", maybe(inspection.family)),
            ("metrics", .object(metrics)), ("genotype", genotype), ("candidate", candidate),
            ("architecture", inspection.architecture),
        ] + (repeats.map { [("repeats", .int($0.trial)), ("run", .int($0.run))] } ?? []))
    }

    fileprivate init(trial: Int, payload: Document) throws {
        self.init(
            decision: try payload.required("decision").int("decision"), trial: trial,
            resource: try payload.required("resource").int("resource"), seed: try payload.required("seed").int("seed"),
            strategy: try payload.required("strategy").string("strategy"), genotype: try payload.required("genotype"),
            candidate: try payload.required("candidate"),
            inspection: CandidateInspection(
                candidateHash: try payload.required("candidate_hash").string("candidate_hash"),
                architectureHash: try payload.required("architecture_hash").string("architecture_hash"),
                family: try payload.optional("family")?.string("family"),
                architecture: try payload.required("architecture"),
                metrics: try Point.metrics(payload.required("metrics"))),
            repeats: try payload.optional("repeats").map {
                Repeat(trial: try $0.int("repeats", in: 0...Int.max), run: try payload.required("run").int("run", in: 2...Int.max))
            })
    }
}

private func maybe(_ text: String?) -> Document { text.map(Document.string) ?? .null }
private func maybe(_ number: Int?) -> Document { number.map(Document.int) ?? .null }
