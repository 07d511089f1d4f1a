import Documents
import SearchSpaces
import Trials

/// Every strategy that an experiment can name.
package let strategyCatalogue: [any Strategy.Type] = [
    RandomStrategy.self,
    GridStrategy.self,
    RegularizedEvolutionStrategy.self,
    NSGA2Strategy.self,
    ParetoLocalSearchStrategy.self,
    TreeParzenStrategy.self,
    GaussianProcessStrategy.self,
    SurrogateStrategy.self,
    AutomaticStrategy.self,
]

/// The strategy of an experiment's `strategy: {kind: ..., ...}`. An unknown kind or setting is an `InputError` at its place.
package func makeStrategy(
    _ document: Document, space: SearchSpace, objectives: [Objective], constraints: [Constraint] = []
) throws -> any Strategy {
    let kind = try document.required("kind").word("strategy", of: strategyCatalogue.map { $0.kind })
    guard let type = strategyCatalogue.first(where: { $0.kind == kind }) else { preconditionFailure(kind) }
    return try type.init(settings: document, space: space, objectives: objectives, constraints: constraints)
}
