import Documents
import Engine

/// What follows a convolution: `activation: relu | leaky-relu | none` and, for the leaky one, `slope` (default 0.1).
package struct Activation: Sendable, Hashable {
    package enum Kind: String, Sendable, CaseIterable {
        case none, relu
        case leakyRelu = "leaky-relu"
    }

    static let keys = ["activation", "slope"]

    package var kind: Kind
    /// The factor of negative values of `leaky-relu`; kept, but without effect, for the others.
    package var slope: Double

    /// Reads the two keys from the mapping that holds them.
    init(in document: Document, default kind: Kind = .relu) throws {
        self.kind = try document.optional("activation")?.word("activation", as: Kind.self) ?? kind
        self.slope = try document.optional("slope")?.double("slope", in: 0...1) ?? 0.1
    }

    init(_ kind: Kind) {
        self.kind = kind
        slope = 0.1
    }

    var fields: [(String, Document)] { [("activation", .string(kind.rawValue)), ("slope", .float(slope))] }

    /// The factor of negative values.
    var negativeSlope: Double {
        switch kind {
        case .none: 1
        case .relu: 0
        case .leakyRelu: slope
        }
    }

    /// Keeps the variance through convolution and activation, relative to ReLU (He et al. 2015, eq. 15).
    var gain: Double { (1 / (1 + negativeSlope * negativeSlope)).squareRoot() }
}

/// `normalization: batch | none`.
package enum Normalization: String, Sendable, CaseIterable {
    case batch, none
}
