import Documents

/// How much of a resource (training steps) a trial gets, and at which rungs it is judged.
package struct Fidelity: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Every trial goes to the last rung at once.
        case full
        /// Asynchronous successive halving (Li et al., "A system for massively parallel hyperparameter tuning", 2020).
        case asha
    }

    package var kind: Kind
    package var resource: String
    /// Ascending totals of the resource; `full` has one.
    package var rungs: [Int]
    /// One of `reduction` trials of a rung goes on to the next.
    package var reduction: Int

    package init(kind: Kind, resource: String = "steps", rungs: [Int], reduction: Int = 4) {
        self.kind = kind
        self.resource = resource
        self.rungs = rungs
        self.reduction = reduction
    }

    /// Reads `{kind: full}` or `{kind: asha, resource: steps, rungs: [125, 500, 2000], reduction: 4}`.
    /// `full` takes `steps` from the recipe; `reduction` is by default the first two rungs' ratio, at least 2.
    package init(_ document: Document?, steps: Int) throws {
        guard let document else {
            self.init(kind: .full, rungs: [steps])
            return
        }
        try document.allowOnly(["kind", "resource", "rungs", "reduction"])
        let kind = try document.required("kind").word("kind", as: Kind.self)
        let resource = try document.optional("resource")?.word("resource", of: ["steps"]) ?? "steps"
        guard kind == .asha else {
            self.init(kind: .full, resource: resource, rungs: [steps])
            return
        }
        let list = try document.required("rungs")
        let rungs = try list.array("rungs").map { try $0.int("a rung", in: 1...Int.max) }
        guard !rungs.isEmpty, zip(rungs, rungs.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw list.fail("rungs: expected ascending numbers of steps")
        }
        guard rungs.last! == steps else {
            throw list.fail("the last rung is \(rungs.last!) but the recipe trains \(steps) steps", hint: "make them equal")
        }
        let ratio = rungs.count > 1 ? max(2, rungs[1] / rungs[0]) : 2
        let reduction = try document.optional("reduction")?.int("reduction", in: 2...1000) ?? ratio
        self.init(kind: .asha, resource: resource, rungs: rungs, reduction: reduction)
    }
}
