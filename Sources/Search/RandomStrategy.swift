import Documents
import RandomStreams
import SearchSpaces
import Trials

/// Independent samples of the space. `{kind: random}`
package struct RandomStrategy: Strategy {
    package static let kind = "random"
    private let space: SearchSpace

    package init(settings: Document, space: SearchSpace, objectives: [Objective]) throws {
        try settings.allowOnly(["kind"])
        self.space = space
    }

    package mutating func observe(_ observation: Observation) {}

    package func propose(using stream: inout RandomStream) -> Genotype { space.sample(using: &stream) }
}
