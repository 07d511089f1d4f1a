import Documents

/// The version of the worker protocol: `hello` and `train` carry it, and another one is refused.
package let wireVersion = 1

/// A line longer than this is garbage.
package let wireLineLimit = 1 << 20

/// What goes to a worker, one JSON object a line. `protocol.md` describes every message.
package enum WireCommand: Sendable, Equatable {
    case train(TrialRequest)
    /// Save a checkpoint, stop the running attempt, answer `stopped`.
    case stop

    package var line: String {
        switch self {
        case .stop: "{\"stop\":true}"
        case .train(let request):
            Document.object([
                ("message", "train"), ("version", .int(wireVersion)), ("trial", .int(request.trial)),
                ("attempt", .int(request.attempt)), ("seed", .int(request.seed)), ("resource", .int(request.resource)),
                ("previous_resource", .int(request.previousResource)),
                ("from", request.from.map(Document.string) ?? .null), ("folder", .string(request.folder)),
                ("experiment", .string(request.experiment)), ("latency", .array(request.latency.map(\.document))),
                ("candidate", request.candidate),
            ]).json
        }
    }

    /// Reads a line; errors name what was expected.
    package init(line: String, file: String = "stdin", number: Int = 1) throws {
        let document = try parseWireLine(line, file: file, number: number)
        if let stop = try document.optional("stop") {
            guard try stop.bool("stop") else { throw stop.fail("stop: expected true") }
            self = .stop
            return
        }
        _ = try document.required("message").word("message", of: ["train"])
        try checkWireVersion(document)
        let trial = try natural(document, "trial")
        let resource = try document.required("resource").int("resource", in: 1...Int.max)
        self = .train(
            TrialRequest(
                trial: trial, attempt: try natural(document, "attempt"), seed: try natural(document, "seed"),
                candidate: try document.required("candidate"), from: try document.optional("from")?.string("from"),
                resource: resource, previousResource: try natural(document, "previous_resource"),
                folder: try document.required("folder").string("folder"),
                experiment: try document.required("experiment").string("experiment"),
                latency: try document.optional("latency")?.array("latency").map(Point.init) ?? []))
    }
}

extension WorkerEvent {
    private static let words = ["hello", "started", "heartbeat", "measurement", "checkpoint", "result", "stopped", "failed"]

    /// The message as one line of JSON, without the line end.
    package var line: String {
        func message(_ word: String, _ trial: Int, _ attempt: Int, _ fields: [(String, Document)] = []) -> String {
            Document.object([("message", .string(word)), ("trial", .int(trial)), ("attempt", .int(attempt))] + fields).json
        }
        switch self {
        case .hello(let hello):
            return Document.object([
                ("message", "hello"), ("version", .int(hello.version)), ("pid", .int(hello.pid)),
                ("capabilities", .array(hello.capabilities.map(Document.string))), ("environment", hello.environment),
            ]).json
        case .started(let trial, let attempt): return message("started", trial, attempt)
        case .heartbeat(let trial, let attempt, let step, let totalSteps, let phase):
            return message(
                "heartbeat", trial, attempt,
                [("step", .int(step)), ("total_steps", .int(totalSteps)), ("phase", .string(phase.rawValue))])
        case .measurement(let it):
            return message(
                "measurement", it.trial, it.attempt,
                [
                    ("point", .int(it.point)), ("metric", .string(it.metric)), ("resource", .int(it.resource)),
                    ("value", .float(it.value)), ("unit", .string(it.unit)),
                ])
        case .checkpoint(let trial, let attempt, let resource, let path):
            return message("checkpoint", trial, attempt, [("resource", .int(resource)), ("path", .string(path))])
        case .result(let trial, let attempt, let resource, let points):
            return message(
                "result", trial, attempt, [("resource", .int(resource)), ("points", .array(points.map(\.document)))])
        case .stopped(let trial, let attempt): return message("stopped", trial, attempt)
        case .failed(let trial, let attempt, let reason, let fatal):
            return message("failed", trial, attempt, [("reason", .string(reason)), ("fatal", .bool(fatal))])
        case .storageFailed(let trial, let attempt, let reason):
            return message("failed", trial, attempt, [("reason", .string(reason)), ("storage", .bool(true))])
        }
    }

    /// Reads a line; errors name what was expected. Unknown fields are ignored, so that a newer worker may say more.
    package init(line: String, file: String = "worker", number: Int = 1) throws {
        let document = try parseWireLine(line, file: file, number: number)
        let word = try document.required("message").word("message", of: Self.words)
        if word == "hello" {
            try checkWireVersion(document)
            let environment = try document.required("environment")
            _ = try environment.fields("environment")
            self = .hello(
                Hello(
                    pid: try natural(document, "pid"),
                    capabilities: try document.optional("capabilities")?.array("capabilities").map { try $0.string() } ?? [],
                    environment: environment))
            return
        }
        let trial = try natural(document, "trial")
        let attempt = try natural(document, "attempt")
        switch word {
        case "started": self = .started(trial: trial, attempt: attempt)
        case "heartbeat":
            self = .heartbeat(
                trial: trial, attempt: attempt, step: try natural(document, "step"),
                totalSteps: try natural(document, "total_steps"),
                phase: try document.required("phase").word("phase", as: Phase.self))
        case "measurement":
            self = .measurement(
                Measurement(
                    trial: trial, attempt: attempt, point: try natural(document, "point"),
                    metric: try document.required("metric").string("metric"), resource: try natural(document, "resource"),
                    value: try document.required("value").double("value"),
                    unit: try document.optional("unit")?.string("unit") ?? ""))
        case "checkpoint":
            self = .checkpoint(
                trial: trial, attempt: attempt, resource: try natural(document, "resource"),
                path: try document.required("path").string("path"))
        case "result":
            let list = try document.required("points")
            let points = try list.array("points").map(Point.init)
            guard points.first?.point == 0, Set(points.map(\.point)).count == points.count else {
                throw list.fail("points: expected point 0 first and no point twice")
            }
            self = .result(trial: trial, attempt: attempt, resource: try natural(document, "resource"), points: points)
        case "stopped": self = .stopped(trial: trial, attempt: attempt)
        default:
            let reason = try document.required("reason").string("reason")
            if try document.optional("storage")?.bool("storage") == true {
                self = .storageFailed(trial: trial, attempt: attempt, reason: reason)
                return
            }
            self = .failed(
                trial: trial, attempt: attempt, reason: reason, fatal: try document.optional("fatal")?.bool("fatal") ?? false)
        }
    }
}

private func parseWireLine(_ line: String, file: String, number: Int) throws -> Document {
    func refusal(_ why: String) -> InputError {
        InputError("\(why), found: \(line.prefix(80))", at: SourceLocation(file: file, line: number))
    }
    guard line.utf8.count <= wireLineLimit else { throw refusal("expected at most \(wireLineLimit) bytes on a line") }
    guard line.hasPrefix("{") else { throw refusal("expected a JSON object on one line") }
    do {
        return try Document.parse(json: line, file: file)
    } catch {
        throw refusal("expected a JSON object on one line")
    }
}

private func checkWireVersion(_ document: Document) throws {
    let version = try document.required("version")
    guard try version.int("version") == wireVersion else {
        throw version.fail(
            "version: this program speaks version \(wireVersion), found \(version.kindName)",
            hint: "controller and workers must be of the same release")
    }
}

private func natural(_ document: Document, _ key: String) throws -> Int {
    try document.required(key).int(key, in: 0...Int.max)
}
