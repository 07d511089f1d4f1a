import Documents
import Engine

/// What follows a convolution: `activation: relu | leaky-relu | hard-swish | gelu | none` and, for the leaky one, `slope` (default 0.1).
package struct Activation: Sendable, Hashable {
    package enum Kind: String, Sendable, CaseIterable {
        case none, relu
        case leakyRelu = "leaky-relu"
        case hardSwish = "hard-swish"
        case gelu
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

    /// The operation that applies it; nil for none.
    var operation: (any Operation)? {
        switch kind {
        case .none: nil
        case .relu: RectifiedLinear()
        case .leakyRelu: RectifiedLinear(slope: slope)
        case .hardSwish: SmoothActivation(.hardSwish)
        case .gelu: SmoothActivation(.gelu)
        }
    }

    /// Keeps the variance through convolution and activation, relative to ReLU (He et al. 2015, eq. 15): the root of ReLU's mean
    /// square over that of the activation, 1/2 over E[act(x)²] for a standard normal x.
    var gain: Double {
        switch kind {
        case .none: 0.5.squareRoot()
        case .relu: 1
        case .leakyRelu: (1 / (1 + slope * slope)).squareRoot()
        case .hardSwish: 1.224
        case .gelu: 1.085
        }
    }
}

/// `normalization: batch | none`.
package enum Normalization: String, Sendable, CaseIterable {
    case batch, none
}
