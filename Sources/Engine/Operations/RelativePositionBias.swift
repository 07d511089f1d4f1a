import Documents

/// The bias of each pair of places of a window from a table of their relative positions (Swin, Liu et al. 2021, eq. 4).
///
/// Input: table `[(2 window - 1)², heads]`, the row of relative rows and columns (dy + window - 1) (2 window - 1) + dx + window - 1.
/// Output: `[heads, window², window²]` by query and key.
package struct RelativePositionBias: Operation {
    package static let name = "relative-position-bias"
    package var window: Int

    package init(window: Int) { self.window = window }

    package var attributes: Document { ["window": .int(window)] }

    package static var samples: [OperationSample] {
        [(1, 3), (2, 1), (3, 2), (4, 5)].map { window, heads in
            OperationSample(RelativePositionBias(window: window), [[(2 * window - 1) * (2 * window - 1), heads]])
        }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard inputs[0].rank == 2, inputs[0][0] == (2 * window - 1) * (2 * window - 1) else {
            throw ShapeError("relative positions of windows of \(window)x\(window) in a table \(inputs[0])")
        }
        return [[inputs[0][1], window * window, window * window]]
    }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        [builder.outputGradients[0].map { builder.apply(RelativePositionBiasGradient(window: window), $0) }]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let heads = inputs[0].shape[1], rows = relativePositions(window)
        var bias = Tensor<Scalar>([heads, window * window, window * window])
        for head in 0..<heads {
            for (pair, row) in rows.enumerated() { bias.elements[head * rows.count + pair] = inputs[0].elements[row * heads + head] }
        }
        return [bias]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let heads = context.inputs[0].shape[1], rows = relativePositions(window)
        return FunctionKernel { o in
            for head in 0..<heads {
                let bias = o.outputs[0] + head * rows.count
                for pair in rows.indices { bias[pair] = o.inputs[0][rows[pair] * heads + head] }
            }
        }
    }
}

/// The table's gradient: the sums over all pairs of one relative position. `[heads, window², window²]` to `[(2 window - 1)², heads]`.
package struct RelativePositionBiasGradient: Operation {
    package static let name = "relative-position-bias-gradient"
    package static let isDifferentiable = false
    package var window: Int

    package var attributes: Document { ["window": .int(window)] }

    package static var samples: [OperationSample] {
        [(2, 1), (3, 2), (4, 5)].map { window, heads in
            OperationSample(RelativePositionBiasGradient(window: window), [[heads, window * window, window * window]])
        }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [[(2 * window - 1) * (2 * window - 1), inputs[0][0]]] }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let heads = inputs[0].shape[0], rows = relativePositions(window)
        var table = Tensor<Scalar>([(2 * window - 1) * (2 * window - 1), heads])
        for head in 0..<heads {
            for (pair, row) in rows.enumerated() { table.elements[row * heads + head] += inputs[0].elements[head * rows.count + pair] }
        }
        return [table]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (table, rows) = (context.outputs[0].shape, relativePositions(window))
        return FunctionKernel { o in
            let heads = table[1]
            o.outputs[0].update(repeating: 0, count: table.count)
            for head in 0..<heads {
                let bias = o.inputs[0] + head * rows.count
                for pair in rows.indices { o.outputs[0][rows[pair] * heads + head] += bias[pair] }
            }
        }
    }
}

/// The table's row of each pair of places of a window, by query and key: `window² window²` numbers.
package func relativePositions(_ window: Int) -> [Int] {
    let places = 0..<window * window, side = 2 * window - 1
    return places.flatMap { query in
        places.map { key in
            let rows = query / window - key / window + window - 1, columns = query % window - key % window + window - 1
            return rows * side + columns
        }
    }
}
