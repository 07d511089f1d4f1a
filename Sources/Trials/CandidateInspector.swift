import Documents

/// A candidate's identity and its costs before any training.
package struct CandidateInspection: Sendable, Equatable {
    /// Names network, bit widths and training settings: equal hashes are one candidate.
    package var candidateHash: String
    /// Names the network alone.
    package var architectureHash: String
    /// The skeleton's kind; nil for tables and foreign workers.
    package var family: String?
    /// The architecture in canonical form.
    package var architecture: Document
    /// What can be known without training: `parameters`, `macs`, `peak_bytes`.
    package var metrics: [String: Double]

    package init(
        candidateHash: String, architectureHash: String, family: String?, architecture: Document, metrics: [String: Double]
    ) {
        self.candidateHash = candidateHash
        self.architectureHash = architectureHash
        self.family = family
        self.architecture = architecture
        self.metrics = metrics
    }
}

/// Tells a candidate's identity and cheap costs: a pure function of the candidate.
package protocol CandidateInspector: Sendable {
    /// The metric that the time of a trial goes with; nil where time has nothing to do with what is known before it.
    var costMetric: String? { get }
    /// Throws `InputError` when the candidate cannot be built; the study then rejects it.
    func inspect(_ candidate: Document) throws -> CandidateInspection
    /// `costMetric` alone, sooner than `inspect` tells it; nil where the candidate cannot be built.
    func estimateCost(_ candidate: Document) -> Double?
}

extension CandidateInspector {
    package var costMetric: String? { nil }

    package func estimateCost(_ candidate: Document) -> Double? {
        costMetric.flatMap { metric in try? inspect(candidate).metrics[metric] }
    }
}
