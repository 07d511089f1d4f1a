import Documents

/// Identity of candidates that only a worker in another language understands: the document itself. No family, no costs; those
/// come with the result.
package struct DocumentInspector: CandidateInspector {
    package init() {}

    package func inspect(_ candidate: Document) throws -> CandidateInspection {
        CandidateInspection(
            candidateHash: candidate.digest, architectureHash: candidate.digest, family: nil, architecture: candidate, metrics: [:])
    }
}
