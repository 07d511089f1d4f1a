import Documents
import Search
import Trials

extension Table: SearchSubject {
    package var evaluator: any TrialEvaluator { TableEvaluator(self) }
    package var inspector: any CandidateInspector { TableInspector(self) }
    package func duration(_ request: TrialRequest) -> Double { TableEvaluator(self).duration(of: request) }

    /// The row's means at the last rung.
    package func truth(_ candidate: Document, _ settings: StudySettings) throws -> [String: Double] {
        try row(of: candidate).map { means($0, settings) } ?? [:]
    }

    private func means(_ row: Int, _ settings: StudySettings) -> [String: Double] {
        means(row, resource: settings.fidelity.rungs[settings.fidelity.rungs.count - 1])
    }

    /// The hypervolume of all rows, by their means.
    package func hypervolume(_ settings: StudySettings) -> Double {
        let points = (0..<count).compactMap { row -> [Double]? in
            let metrics = means(row, settings)
            guard settings.constraints.allow(metrics) else { return nil }
            return losses(of: Point(metrics: metrics), objectives: settings.objectives)
        }
        return Search.hypervolume(points: points, reference: settings.objectives.map { $0.loss($0.reference) })
    }
}
