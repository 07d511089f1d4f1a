/// A number that an untrained network has and that may foretell how well it will do. Parameters and multiply-accumulates are such
/// numbers too, and for less: a score is worth what it tells beyond them (`ScoreReport`).
///
/// Laws: finite wherever it is told, and the same for the same network, seed and batch. One file and one line in `zeroCostScores` adds one.
package struct ZeroCostScore: Sendable {
    /// The metric's name, as in an experiment's `zero-cost:`.
    package let name: String
    /// What it is, in a reader's words.
    package let summary: String
    /// Nil where the network has nothing that it looks at.
    package let value: @Sendable (UntrainedNetwork) throws -> Double?
}

/// Every score.
package let zeroCostScores: [ZeroCostScore] = [gradientNormScore, synapticFlowScore, activationCodesScore]
