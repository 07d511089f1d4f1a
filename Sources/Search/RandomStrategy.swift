import Documents
import RandomStreams
import SearchSpaces
import Trials

/// Independent samples of the space, from the first to the last: no `InitialDesign`, since a search is measured against
/// plain chance. `{kind: random}`
package struct RandomStrategy: Strategy {
    package static let kind = "random"
    package static let observesGenotypes = false
    private let space: SearchSpace

    package init(settings: Document, space: SearchSpace, objectives: [Objective], constraints: [Constraint]) throws {
        try settings.allowOnly(["kind"])
        self.space = space
    }

    package mutating func observe(_ observation: Observation) {}

    package func propose(redraw: Int, using stream: inout RandomStream) -> Genotype { space.sample(using: &stream) }
}
