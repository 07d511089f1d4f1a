import CKernels
import Documents
import Foundation

/// How much worse an early exit's image is than the full depth's, for each image in dB: 10 log10 of the ratio of the mean
/// squared errors, each with `floor` added, so that two perfect images are equal.
///
/// Inputs: exit, full, target `[N, H, W, C]`. Output: `[N, 1, 1, 1]`. What a router learns to foretell; it has no gradient.
package struct QualityGap: Operation {
    package static let name = "quality-gap"
    package var takesSlices: Bool { false }
    package static let isDifferentiable = false
    /// A mean squared error of 100 dB.
    static let floor = 1e-10

    package init() {}

    package static var samples: [OperationSample] {
        [OperationSample(QualityGap(), [[3, 4, 5, 3], [3, 4, 5, 3], [3, 4, 5, 3]])]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard inputs[0] == inputs[1], inputs[1] == inputs[2] else {
            throw ShapeError("a gap between \(inputs[0]), \(inputs[1]) and \(inputs[2])")
        }
        return [[inputs[0].batch, 1, 1, 1]]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let batch = inputs[0].shape.batch, count = inputs[0].elements.count / batch
        func error(_ number: Int, _ image: Int) -> Scalar {
            var sum: Scalar = 0
            for index in image * count..<(image + 1) * count {
                let difference = inputs[number].elements[index] - inputs[2].elements[index]
                sum += difference * difference
            }
            return sum / Scalar(count) + Scalar(Self.floor)
        }
        let decibels = 10 / Scalar(log(10.0))
        let gaps = (0..<batch).map { decibels * (Scalar.naturalLogarithm(error(0, $0)) - Scalar.naturalLogarithm(error(1, $0))) }
        return [Tensor([batch, 1, 1, 1], gaps)]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let shape = context.inputs[0].shape, count = shape.count / shape.batch
        return FunctionKernel { o in
            for n in 0..<shape.batch {
                let target = o.inputs[2] + n * count
                let exit = halcyon_mean_squared_error(count, o.inputs[0] + n * count, target)
                let full = halcyon_mean_squared_error(count, o.inputs[1] + n * count, target)
                o.outputs[0][n] = Float(10 * log10((exit + Self.floor) / (full + Self.floor)))
            }
        }
    }
}

/// A router's decisions in training, and its threshold's next value.
///
/// Image n leaves at the first exit whose foretold gap is below the threshold, at the last one if there is none. Each exit's
/// loss then has the weight (1 - `share`) c / C on every image, for its cost c of all exits' costs C, so that all exits learn everywhere
/// and depth is worth its cost, and `share` more on the images that leave there. The threshold follows the budget: it is multiplied by exp(`rate` (mean cost - `budget`)) and kept in
/// 1e-4...10 dB, so that the mean cost of the decisions goes to the budget.
///
/// Inputs: foretold gaps `[N, 1, 1, K - 1]` in dB, threshold `[1]` in dB. Outputs: weights `[N, 1, 1, K]`, the next threshold `[1]`.
/// It has no gradient: decisions are constants of the step.
package struct DepthRouting: Operation {
    package static let name = "depth-routing"
    package var takesSlices: Bool { false }
    package var mixesImages: Bool { true }
    package static let isDifferentiable = false
    package static let share = 0.25
    static let rate = 0.05
    static let thresholds = 1e-4...10.0

    /// What each exit costs as a part of full depth; the last is 1.
    package var costs: [Double]
    package var budget: Double

    package init(costs: [Double], budget: Double) {
        self.costs = costs
        self.budget = budget
    }

    package var attributes: Document { ["costs": .array(costs.map(Document.float)), "budget": .float(budget)] }
    package var outputCount: Int { 2 }
    package static var samples: [OperationSample] {
        let operation = DepthRouting(costs: [0.25, 0.5, 1], budget: 0.5)
        return [
            OperationSample(operation, [[3, 1, 1, 2], [1]], positive: [1]), OperationSample(operation, [[1, 1, 1, 2], [1]], positive: [1]),
        ]
    }

    /// The exit for foretold gaps in dB, counted from 0. A threshold of 0 is full depth.
    package static func exit<Gaps: Collection, Scalar: BinaryFloatingPoint>(_ gaps: Gaps, threshold: Scalar) -> Int
    where Gaps.Element == Scalar {
        var exit = 0
        for gap in gaps {
            if max(gap, 0) < threshold { return exit }
            exit += 1
        }
        return exit
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard inputs[0].rank == 4, inputs[0].channels == costs.count - 1, inputs[1] == [1] else {
            throw ShapeError("routing over \(costs.count) exits by \(inputs[0]) and \(inputs[1])")
        }
        return [inputs[0].with(channels: costs.count), [1]]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let batch = inputs[0].shape.batch, exits = costs.count
        let sum = costs.reduce(0, +)
        let everywhere = costs.map { Scalar((1 - Self.share) * $0 / sum) }
        var weights = Tensor<Scalar>([batch, 1, 1, exits], (0..<batch).flatMap { _ in everywhere })
        var cost: Scalar = 0
        for n in 0..<batch {
            let exit = Self.exit(inputs[0].elements[n * (exits - 1)..<(n + 1) * (exits - 1)], threshold: inputs[1].elements[0])
            weights.elements[n * exits + exit] += Scalar(Self.share)
            cost += Scalar(costs[exit])
        }
        let factor = Scalar.exponential(Scalar(Self.rate) * (cost / Scalar(batch) - Scalar(budget)))
        let next = min(max(inputs[1].elements[0] * factor, Scalar(Self.thresholds.lowerBound)), Scalar(Self.thresholds.upperBound))
        return [weights, Tensor([1], [next])]
    }

    /// A few numbers a step: the twin is the kernel.
    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let gaps = context.inputs[0].shape
        return FunctionKernel { o in
            let results = self.reference([
                Tensor<Float>(gaps, Array(UnsafeBufferPointer(start: o.inputs[0], count: gaps.count))),
                Tensor<Float>([1], [o.inputs[1][0]]),
            ])
            for (output, result) in zip(o.outputs, results) { output.update(from: result.elements, count: result.elements.count) }
        }
    }
}
