import Documents
import Execution
import Search
import Testing
import Trials

@Suite struct ProblemLaws {
    /// pymoo's values at a point of each problem: decision i at ((7 i + 3) mod 10) / 10 + 0.05 of its range.
    static let values: [(name: String, objectives: [Double], excesses: [Double])] = [
        ("zdt1", [0.35, 4.15324878], []), ("zdt2", [0.35, 5.52446593], []), ("zdt3", [0.35, 4.50324878], []),
        ("dtlz2", [1.55127146, 0.12208771, 0.95355988], []), ("srn", [427, -415], [135 / 225.0, 58 / 10.0]),
        ("osy", [-69.55, 110.6], [-1, -1 / 3.0, -2.5, 0, -0.075, -1.615]),
    ]

    @Test(arguments: values) func formulasAreThoseOfTheLiterature(_ it: (name: String, objectives: [Double], excesses: [Double])) throws {
        let problem = try #require(AnalyticProblem(named: it.name))
        let decisions = try problem.space.decisions
        let x = try decisions.enumerated().map { index, decision -> Document in
            guard case .float = decision.kind else { throw InputError("no number") }
            let ends = try problem.space.document.required("template").required("x").array("x")[index].required("float").array("float")
            let (low, high) = (try ends[0].double(), try ends[1].double())
            return .float(low + (Double((index * 7 + 3) % 10) / 10 + 0.05) * (high - low))
        }
        let metrics = try problem.truth(["x": .array(x)], problem.settings)
        for (index, value) in it.objectives.enumerated() { #expect(abs(metrics["f\(index + 1)"]! - value) < 1e-7) }
        for (index, excess) in it.excesses.enumerated() { #expect(abs(metrics["g\(index + 1)"]! - excess) < 1e-7) }
        #expect(metrics.count == it.objectives.count + it.excesses.count)
    }

    /// A search finds more than chance, never more than there is, and nothing that breaks a constraint counts.
    @Test(arguments: problemCatalogue.map(\.name)) func searchesAreJudgedByTheWholeFront(_ name: String) throws {
        let problem = try #require(AnalyticProblem(named: name))
        func ratio(_ strategy: Document) throws -> Double {
            var settings = try problem.settings
            settings.strategy = strategy
            settings.budget.trials = 600
            let run = try SearchRun(
                settings, space: problem.space, subject: problem, best: problem.hypervolume(settings), charge: .constant(0))
            #expect(run.places.count == 600 && run.repeatedCount == 0)
            return try #require(run.places.last).ratio
        }
        let (chance, evolution) = (try ratio(["kind": "random"]), try ratio(["kind": "nsga2", "population": 40]))
        #expect(evolution > chance && evolution <= 1 + 1e-6, "random \(chance), NSGA-II \(evolution)")
    }
}
