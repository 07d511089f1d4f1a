import Documents
import Foundation
import Search
import SearchSpaces
import Trials

/// A problem of the literature whose objectives are formulas of numbers: what strategies are judged on beside tables.
///
/// The objectives are minimized: `f1`, `f2`, ...; a constraint's metric (`g1`, ...) is its excess and is to be 0 at most.
package struct AnalyticProblem: Sendable {
    package let name: String
    /// The least and greatest value of each decision.
    let ranges: [(low: Double, high: Double)]
    let reference: [Double]
    let constraintCount: Int
    /// The hypervolume of the whole front.
    package let hypervolume: Double
    let formulas: @Sendable (_ x: [Double]) -> (objectives: [Double], excesses: [Double])

    init(
        _ name: String, ranges: [(low: Double, high: Double)], reference: [Double], constraintCount: Int = 0, hypervolume: Double,
        formulas: @escaping @Sendable (_ x: [Double]) -> (objectives: [Double], excesses: [Double])
    ) {
        self.name = name
        self.ranges = ranges
        self.reference = reference
        self.constraintCount = constraintCount
        self.hypervolume = hypervolume
        self.formulas = formulas
    }

    /// The problem of this name.
    package init?(named name: String) {
        guard let found = problemCatalogue.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// One `float` a decision.
    package var space: SearchSpace {
        get throws {
            let decisions = ranges.map { Document.object([("float", .array([.float($0.low), .float($0.high)]))]) }
            return try SearchSpace(
                .object([("halcyon", 1), ("name", .string(name)), ("template", .object([("x", .array(decisions))]))]))
        }
    }

    /// 200 evaluations, one at a time.
    package var settings: StudySettings {
        get throws {
            let objectives = reference.enumerated().map { index, reference -> Document in
                ["metric": .string("f\(index + 1)"), "direction": "minimize", "reference": .float(reference)]
            }
            let constraints = (0..<constraintCount).map { index -> Document in ["metric": .string("g\(index + 1)"), "at-most": 0] }
            return try StudySettings(
                experiment: [
                    "name": .string(name), "objectives": .array(objectives), "constraints": .array(constraints),
                    "fidelity": ["kind": "full", "rungs": [1]], "budget": ["trials": 200], "workers": 1,
                ])
        }
    }

    func metrics(_ candidate: Document) throws -> [String: Double] {
        let x = try candidate.required("x").array("x").map { try $0.double("x") }
        let (values, excesses) = formulas(x)
        var metrics: [String: Double] = [:]
        for (index, value) in values.enumerated() { metrics["f\(index + 1)"] = value }
        for (index, excess) in excesses.enumerated() { metrics["g\(index + 1)"] = excess }
        return metrics
    }
}

extension AnalyticProblem: TrialEvaluator {
    package func evaluate(_ request: TrialRequest, report: (WorkerEvent) throws -> Void, shouldStop: () -> Bool) throws {
        try report(
            .result(
                trial: request.trial, attempt: request.attempt, resource: request.resource,
                points: [Point(metrics: try metrics(request.candidate))]))
    }
}

extension AnalyticProblem: SearchSubject {
    package var evaluator: any TrialEvaluator { self }
    package var inspector: any CandidateInspector { DocumentInspector() }
    package func duration(_ request: TrialRequest) -> Double { Double(request.resource - request.previousResource) }

    package func truth(_ candidate: Document, _ settings: StudySettings) throws -> [String: Double] { try metrics(candidate) }

    package func hypervolume(_ settings: StudySettings) -> Double { hypervolume }
}
