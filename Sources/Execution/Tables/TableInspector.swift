import Documents
import Trials

/// Identity of a table's candidates: the digest of the row's own decisions, so that encodings of one architecture are one candidate.
package struct TableInspector: CandidateInspector {
    private let table: Table

    package init(_ table: Table) { self.table = table }

    package func inspect(_ candidate: Document) throws -> CandidateInspection {
        guard let row = try table.row(of: candidate) else {
            throw InputError("infeasible: \(table.description.path) has no row for \(candidate.json)")
        }
        let architecture = table.architecture(row)
        let digest = architecture.digest
        return CandidateInspection(
            candidateHash: digest, architectureHash: digest, family: nil, architecture: architecture, metrics: table.costs(row))
    }
}
