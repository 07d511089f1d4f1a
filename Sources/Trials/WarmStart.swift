import Documents

/// What a study begins with: `warm-start:` of an experiment. Its `trials` are what `architectures` and `references` came to.
package struct WarmStart: Sendable, Equatable {
    /// A candidate that becomes a trial before any that the strategy proposes.
    package struct Given: Sendable, Equatable {
        package var name: String
        package var candidate: Document
        /// Its decisions; nil for a candidate that is no point of the space, of which strategies are told nothing.
        package var genotype: Document?

        package init(name: String, candidate: Document, genotype: Document?) {
            self.name = name
            self.candidate = candidate
            self.genotype = genotype
        }

        package init(_ document: Document) throws {
            try document.allowOnly(["name", "candidate", "genotype"])
            name = try document.required("name").string("name")
            candidate = try document.required("candidate")
            genotype = try document.optional("genotype")
        }

        package var document: Document {
            .object([("name", .string(name)), ("candidate", candidate), ("genotype", genotype ?? .null)])
        }
    }

    package var trials: [Given] = []

    package static let keys = ["study", "architectures", "references", "trials"]

    package init() {}

    package init(_ document: Document) throws {
        try document.allowOnly(Self.keys)
        trials = try document.optional("trials")?.array("trials").map(Given.init) ?? []
    }
}

/// What another study measured, as this study's strategy is told of it.
package struct TransferredResult: Sendable, Equatable {
    /// The other study's folder, for reading; it may be gone.
    package var study: String
    /// The trial's number there.
    package var trial: Int
    /// Its decisions in this study's space.
    package var genotype: Document
    package var candidateHash: String
    /// How far it was trained, as a part of that study's last rung.
    package var part: Double
    package var points: [Point]

    package init(study: String, trial: Int, genotype: Document, candidateHash: String, part: Double, points: [Point]) {
        self.study = study
        self.trial = trial
        self.genotype = genotype
        self.candidateHash = candidateHash
        self.part = part
        self.points = points
    }

    init(payload: Document) throws {
        self.init(
            study: try payload.required("study").string("study"), trial: try payload.required("number").int("number"),
            genotype: try payload.required("genotype"), candidateHash: try payload.required("candidate_hash").string("candidate_hash"),
            part: try payload.required("part").double("part", in: 1e-9...1),
            points: try payload.required("points").array("points").map(Point.init))
    }

    var payload: Document {
        .object([
            ("study", .string(study)), ("number", .int(trial)), ("candidate_hash", .string(candidateHash)), ("part", .float(part)),
            ("genotype", genotype), ("points", .array(points.map(\.document))),
        ])
    }
}
