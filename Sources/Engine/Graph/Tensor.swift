import Foundation

/// The numbers the reference twins compute in: Float and Double.
package protocol ReferenceScalar: BinaryFloatingPoint, Sendable {
    static func exponential(_ x: Self) -> Self
    /// The Gauss error function.
    static func errorFunction(_ x: Self) -> Self
    static func naturalLogarithm(_ x: Self) -> Self
}

extension Float: ReferenceScalar {
    package static func exponential(_ x: Float) -> Float { exp(x) }
    package static func errorFunction(_ x: Float) -> Float { erf(x) }
    package static func naturalLogarithm(_ x: Float) -> Float { log(x) }
}

extension Double: ReferenceScalar {
    package static func exponential(_ x: Double) -> Double { exp(x) }
    package static func errorFunction(_ x: Double) -> Double { erf(x) }
    package static func naturalLogarithm(_ x: Double) -> Double { log(x) }
}

/// A dense array for the reference interpreter, last axis fastest.
package struct Tensor<Scalar: ReferenceScalar>: Sendable, Equatable {
    package var shape: Shape
    package var elements: [Scalar]

    package init(_ shape: Shape, _ elements: [Scalar]) {
        precondition(shape.count == elements.count)
        self.shape = shape
        self.elements = elements
    }

    package init(_ shape: Shape, repeating value: Scalar = 0) {
        self.init(shape, [Scalar](repeating: value, count: shape.count))
    }

    package init(scalar: Scalar) { self.init([], [scalar]) }

    /// The offset of pixel (n, h, w) of a feature map.
    func pixel(_ n: Int, _ h: Int, _ w: Int) -> Int { ((n * shape[1] + h) * shape[2] + w) * shape[3] }

    package func map(_ transform: (Scalar) -> Scalar) -> Tensor { Tensor(shape, elements.map(transform)) }

    package static func zip(_ a: Tensor, _ b: Tensor, _ combine: (Scalar, Scalar) -> Scalar) -> Tensor {
        precondition(a.shape == b.shape)
        return Tensor(a.shape, Swift.zip(a.elements, b.elements).map(combine))
    }
}
