import Documents
import Foundation

/// 1 - SSIM, the mean over images, channels and places of the window, times `weight`. Inputs: x, target `[N, H, W, C]`, at least 11x11,
/// samples in 0...1. Output: a scalar `[]`.
///
/// Source: Wang, Bovik, Sheikh, Simoncelli 2004, with the constants of the metric (`structuralSimilarity`): Gaussian window of 11x11 with
/// sigma 1.5, only where it lies inside, K = (0.01, 0.03); here of Float samples with L = 1 instead of rounded bytes.
package struct SimilarityLoss: Operation {
    package static let name = "similarity-loss"
    package static let windowSide = 11
    package var takesSlices: Bool { false }
    /// In a sum of losses.
    package var weight: Double

    package init(weight: Double = 1) { self.weight = weight }

    package var attributes: Document { ["weight": .float(weight)] }
    package static var samples: [OperationSample] {
        [[2, 12, 14, 1], [1, 13, 11, 3]].map { OperationSample(SimilarityLoss(weight: 0.7), [$0, $0]) }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard inputs[0] == inputs[1], inputs[0].rank == 4 else { throw ShapeError("loss between \(inputs[0]) and \(inputs[1])") }
        guard inputs[0].height >= Self.windowSide, inputs[0].width >= Self.windowSide else {
            throw ShapeError("SSIM needs images of at least \(Self.windowSide)x\(Self.windowSide), found \(inputs[0])")
        }
        return [[]]
    }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        let inputs = builder.inputs + (builder.outputGradients[0].map { [$0] } ?? [])
        let x = builder.graph.apply(SimilarityLossGradient(weight: weight), inputs, path: "\(builder.node.path).gradient")[0]
        return [x, nil]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let places = similarityPlaces(inputs[0].shape)
        var sum: Scalar = 0
        for place in places { sum += WindowMoments(inputs[0], inputs[1], place).similarity.value }
        return [Tensor(scalar: Scalar(weight) * (1 - sum / Scalar(places.count)))]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let filter = SimilarityFilter(context.inputs[0].shape)
        let weight = self.weight
        return FunctionKernel { o in o.outputs[0][0] = Float(weight * (1 - filter.mean(o.inputs[0], o.inputs[1]))) }
    }
}

/// The gradient of `SimilarityLoss` with respect to x. Inputs: x, target and, unless the loss is a root, the scalar upstream gradient.
package struct SimilarityLossGradient: Operation {
    package static let name = "similarity-loss-gradient"
    package var takesSlices: Bool { false }
    package static let isDifferentiable = false
    package var weight: Double

    init(weight: Double) { self.weight = weight }

    package var attributes: Document { ["weight": .float(weight)] }
    package static var samples: [OperationSample] {
        [[2, 12, 14, 1], [1, 13, 11, 3]].flatMap { shape in
            [[shape, shape], [shape, shape, []]].map { OperationSample(SimilarityLossGradient(weight: 0.7), $0) }
        }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let places = similarityPlaces(inputs[0].shape)
        let scale = -Scalar(weight) * (inputs.count > 2 ? inputs[2].elements[0] : 1) / Scalar(places.count)
        var dx = Tensor<Scalar>(inputs[0].shape)
        for place in places {
            let moments = WindowMoments(inputs[0], inputs[1], place), slopes = moments.similarity
            for tap in place.taps(inputs[0].shape) {
                let (x, y) = (inputs[0].elements[tap.index], inputs[1].elements[tap.index])
                let slope = slopes.mean + 2 * x * slopes.square + y * slopes.product
                dx.elements[tap.index] += scale * Scalar(tap.weight) * slope
            }
        }
        return [dx]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let filter = SimilarityFilter(context.inputs[0].shape)
        let (weight, hasUpstream) = (self.weight, context.inputs.count > 2)
        return FunctionKernel { o in
            let upstream = hasUpstream ? Double(o.inputs[2][0]) : 1
            filter.writeGradient(o.inputs[0], o.inputs[1], scale: -weight * upstream, to: o.outputs[0])
        }
    }
}

/// A place of the window.
private struct WindowPlace {
    var image: Int
    var row: Int
    var column: Int
    var channel: Int

    func taps(_ shape: Shape) -> [(index: Int, weight: Double)] {
        let window = similarityWindow, side = window.count
        return (0..<side * side).map { tap in
            let (r, c) = (row + tap / side, column + tap % side)
            let index = ((image * shape.height + r) * shape.width + c) * shape.channels + channel
            return (index, window[tap / side] * window[tap % side])
        }
    }
}

private func similarityPlaces(_ shape: Shape) -> [WindowPlace] {
    let side = SimilarityLoss.windowSide
    return (0..<shape.batch).flatMap { image in
        (0...shape.height - side).flatMap { row in
            (0...shape.width - side).flatMap { column in
                (0..<shape.channels).map { WindowPlace(image: image, row: row, column: column, channel: $0) }
            }
        }
    }
}

/// The normalised one-dimensional Gaussian of the window.
let similarityWindow: [Double] = {
    let half = SimilarityLoss.windowSide / 2
    let weights = (-half...half).map { exp(-Double($0 * $0) / (2 * 1.5 * 1.5)) }
    return weights.map { $0 / weights.reduce(0, +) }
}()

/// The weighted means of x, y, x² + y² and xy under a window, by definition.
private struct WindowMoments<Scalar: ReferenceScalar> {
    var x: Scalar = 0
    var y: Scalar = 0
    var squares: Scalar = 0
    var product: Scalar = 0

    init(_ a: Tensor<Scalar>, _ b: Tensor<Scalar>, _ place: WindowPlace) {
        for tap in place.taps(a.shape) {
            let (u, v, weight) = (a.elements[tap.index], b.elements[tap.index], Scalar(tap.weight))
            x += weight * u
            y += weight * v
            squares += weight * (u * u + v * v)
            product += weight * u * v
        }
    }

    var similarity: Similarity<Scalar> { Similarity(x: x, y: y, squares: squares, product: product) }
}

/// SSIM of window moments, and its derivatives by the means of x, of x² and of xy.
struct Similarity<Scalar: ReferenceScalar> {
    var value: Scalar
    var mean: Scalar
    var square: Scalar
    var product: Scalar

    init(x: Scalar, y: Scalar, squares: Scalar, product xy: Scalar) {
        let c1 = Scalar(1e-4), c2 = Scalar(9e-4)
        let a1 = 2 * x * y + c1, a2 = 2 * (xy - x * y) + c2
        let b1 = x * x + y * y + c1, b2 = squares - x * x - y * y + c2
        let denominator = b1 * b2
        value = a1 * a2 / denominator
        mean = 2 * y * (a2 - a1) / denominator - 2 * x * value * (1 / b1 - 1 / b2)
        square = -value / b2
        product = 2 * a1 / denominator
    }
}
