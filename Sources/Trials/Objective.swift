import Documents

package enum Direction: String, Sendable, CaseIterable {
    case minimize, maximize
}

/// A metric to be made better, with the reference value that bounds the hypervolume on its bad side.
package struct Objective: Sendable, Equatable {
    package var metric: String
    package var direction: Direction
    package var reference: Double

    package init(metric: String, direction: Direction, reference: Double) {
        self.metric = metric
        self.direction = direction
        self.reference = reference
    }

    /// Reads `{metric: psnr_db, direction: maximize, reference: 24}`.
    package init(_ document: Document) throws {
        try document.allowOnly(["metric", "direction", "reference"])
        metric = try document.required("metric").string("metric")
        direction = try document.required("direction").word("direction", as: Direction.self)
        reference = try document.required("reference").double("reference")
    }

    /// The value as a loss: smaller is better in every direction.
    package func loss(_ value: Double) -> Double { direction == .minimize ? value : -value }
}

/// A bound on a metric. A candidate outside the bounds on cheap metrics is infeasible and is never trained.
package struct Constraint: Sendable, Equatable {
    package var metric: String
    package var atMost: Double?
    package var atLeast: Double?

    package init(metric: String, atMost: Double? = nil, atLeast: Double? = nil) {
        self.metric = metric
        self.atMost = atMost
        self.atLeast = atLeast
    }

    /// Reads `{metric: parameters, at-most: 200000}`; `at-least` likewise. `at-most` is no less than 0 and `at-least`.
    package init(_ document: Document) throws {
        try document.allowOnly(["metric", "at-most", "at-least"])
        metric = try document.required("metric").string("metric")
        atMost = try document.optional("at-most")?.double("at-most")
        atLeast = try document.optional("at-least")?.double("at-least")
        if atMost == nil && atLeast == nil { throw document.fail("a constraint needs \"at-most\" or \"at-least\"", hint: "for example at-most: 200000") }
        if let atMost, atMost < 0 || atMost < atLeast ?? -.infinity {
            throw try document.required("at-most").fail(
                "at-most: nothing can meet \(atMost)\(atLeast.map { " with at-least: \($0)" } ?? "")",
                hint: "expected at least \(max(0, atLeast ?? 0))")
        }
    }

    package func allows(_ value: Double) -> Bool {
        value <= atMost ?? .infinity && value >= atLeast ?? -.infinity
    }
}

extension Sequence<Constraint> {
    /// Whether metrics are within all bounds; one that they do not tell is.
    package func allow(_ metrics: [String: Double]) -> Bool { allSatisfy { metrics[$0.metric].map($0.allows) ?? true } }
}
