import Documents

/// How much of a resource (training steps, seconds, the side of the patches, the number of training pictures; of a table or a foreign
/// worker, what it counts in) a trial gets, and at which rungs it is judged.
package struct Fidelity: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Every trial goes to the last rung at once.
        case full
        /// Asynchronous successive halving (Li et al., "A system for massively parallel hyperparameter tuning", 2020).
        case asha
        /// Successive halving from several first rungs at once (Li et al., "Hyperband", 2018; asynchronous as in 2020).
        case hyperband
        /// Stops a trial at a rung where it stands in the worse half (Golovin et al., "Google Vizier", 2017).
        case median
    }

    /// What `resource` may name. `epochs` is for tables and workers in another language.
    package static let resources = ["steps", "epochs", "seconds", "crop", "images"]
    /// What a training has more of from rung to rung while it goes on step by step.
    package static let dataResources = ["crop", "images"]

    package var kind: Kind
    package var resource: String
    /// Ascending totals of the resource; `full` has one.
    package var rungs: [Int]
    /// One of `reduction` trials of a rung goes on to the next.
    package var reduction: Int
    /// `median` stops nobody at a rung before so many results are there.
    package var grace: Int
    /// Of a training by `crop` or `images`, the steps that are done in all at each rung; nil of other resources and without a recipe.
    package var steps: [Int]?

    package init(
        kind: Kind, resource: String = "steps", rungs: [Int], reduction: Int = 4, grace: Int = 4, steps: [Int]? = nil
    ) {
        self.kind = kind
        self.resource = resource
        self.rungs = rungs
        self.reduction = reduction
        self.grace = grace
        self.steps = steps
    }

    /// Reads `{kind: full}`, `{kind: asha, resource: steps, rungs: [125, 500, 2000], reduction: 4}` (`hyperband` likewise) or
    /// `{kind: median, rungs: [125, 500, 2000], grace: 4}`, or `{kind: asha, resource: images, rungs: [50, 200, 400], steps: [200, 600, 2000]}`
    /// (`crop` likewise), where a step is trained with what the rung it leads to has; without `steps` a rung has the part of the recipe's
    /// steps that it is of the last one.
    /// `reduction` is by default the first two rungs' ratio, at least 2.
    /// - Parameter steps: those of the recipe, where the last rung of steps must be; nil without a recipe, when `full` may name its one
    ///   rung itself and has 1 otherwise.
    package init(_ document: Document?, steps: Int?) throws {
        guard let document else {
            self.init(kind: .full, rungs: [steps ?? 1])
            return
        }
        let kind = try document.required("kind").word("kind", as: Kind.self)
        let own = kind == .median ? ["grace"] : kind == .full ? [] : ["reduction"]
        let resource = try document.optional("resource")?.word("resource", of: Self.resources) ?? "steps"
        let isByData = Self.dataResources.contains(resource)
        try document.allowOnly(["kind", "resource", "rungs"] + own + (isByData ? ["steps"] : []))
        let mayLack = kind == .full && (steps == nil || resource == "steps")
        let list = mayLack ? try document.optional("rungs") : try document.required("rungs")
        let rungs = try list?.array("rungs").map { try $0.int("a rung", in: 1...Int.max) } ?? [steps ?? 1]
        func refusal(_ why: String, hint: String? = nil) -> InputError { (list ?? document).fail(why, hint: hint) }
        guard !rungs.isEmpty, zip(rungs, rungs.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw refusal("rungs: expected ascending numbers of \(resource)")
        }
        if let steps, resource == "steps", rungs.last! != steps {
            throw refusal("the last rung is \(rungs.last!) but the recipe trains \(steps) steps", hint: "make them equal")
        }
        let stepList = try document.optional("steps")
        var rungSteps = isByData ? steps.map { all in rungs.map { Int((Double($0) / Double(rungs.last!) * Double(all)).rounded()) } } : nil
        if let stepList { rungSteps = try stepList.array("steps").map { try $0.int("steps", in: 1...Int.max) } }
        if let found = rungSteps {
            guard found.count == rungs.count, found[0] > 0, zip(found, found.dropFirst()).allSatisfy({ $0 < $1 }),
                steps == nil || found.last == steps
            else {
                throw (stepList ?? list ?? document).fail(
                    "steps: expected ascending totals, one for each rung, the last of them the recipe's \(steps.map(String.init) ?? "steps"), found \(found)",
                    hint: "write steps: with \(rungs.count) numbers")
            }
        }
        let ratio = rungs.count > 1 ? max(2, rungs[1] / rungs[0]) : 2
        self.init(
            kind: kind, resource: resource, rungs: kind == .full ? [rungs.last!] : rungs,
            reduction: try document.optional("reduction")?.int("reduction", in: 2...1000) ?? ratio,
            grace: try document.optional("grace")?.int("grace", in: 1...1_000_000) ?? 4,
            steps: kind == .full ? rungSteps.map { [$0.last!] } : rungSteps)
    }
}
