import CKernels
import Documents

/// Feature maps side by side along the channels: `[N, H, W, C1]`, `[N, H, W, C2]`, ... to `[N, H, W, C1 + C2 + ...]`.
package struct Concatenation: Operation {
    package static let name = "concatenation"
    /// The channels of each input, in order.
    package var channels: [Int]

    package init(channels: [Int]) { self.channels = channels }

    package var attributes: Document { ["channels": .array(channels.map(Document.int))] }
    package static var samples: [OperationSample] {
        [OperationSample(Concatenation(channels: [3, 16, 1]), [[2, 3, 5, 3], [2, 3, 5, 16], [2, 3, 5, 1]])]
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard inputs.map(\.channels) == channels, inputs.allSatisfy({ $0.with(channels: 1) == inputs[0].with(channels: 1) }) else {
            throw ShapeError("concatenation of \(inputs.map(\.description).joined(separator: ", "))")
        }
        return [inputs[0].with(channels: channels.reduce(0, +))]
    }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        guard let upstream = builder.outputGradients[0] else { return channels.map { _ in nil } }
        var start = 0
        return channels.map { count in
            defer { start += count }
            return builder.apply(ChannelSlice(start: start, count: count), upstream)
        }
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        var y = Tensor<Scalar>(inputs[0].shape.with(channels: channels.reduce(0, +)))
        y.elements.removeAll(keepingCapacity: true)
        for pixel in 0..<y.shape.pixels {
            for (input, count) in zip(inputs, channels) { y.elements += input.elements[pixel * count..<(pixel + 1) * count] }
        }
        return [y]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (inputs, y) = (context.inputs, context.outputs[0])
        return FunctionKernel { o in
            var start = 0
            for (index, input) in inputs.enumerated() {
                halcyon_copy(
                    input.shape.pixels, input.shape.channels, o.inputs[index], input.pitch, o.outputs[0] + start, y.pitch)
                start += input.shape.channels
            }
        }
    }
}

/// Channels `start..<start + count` of a feature map.
package struct ChannelSlice: Operation {
    package static let name = "channel-slice"
    package static let isDifferentiable = false
    package var start: Int
    package var count: Int

    package init(start: Int, count: Int) {
        self.start = start
        self.count = count
    }

    package var attributes: Document { ["start": .int(start), "count": .int(count)] }
    package static var samples: [OperationSample] { [OperationSample(ChannelSlice(start: 2, count: 3), [[1, 3, 5, 7]])] }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        guard start >= 0, start + count <= inputs[0].channels else {
            throw ShapeError("channels \(start)..<\(start + count) of \(inputs[0])")
        }
        return [inputs[0].with(channels: count)]
    }

    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let x = inputs[0]
        let elements = (0..<x.shape.pixels).flatMap { pixel in
            x.elements[pixel * x.shape.channels + start..<pixel * x.shape.channels + start + count]
        }
        return [Tensor(x.shape.with(channels: count), elements)]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (x, y, start, count) = (context.inputs[0], context.outputs[0], self.start, self.count)
        return FunctionKernel { o in
            halcyon_copy(x.shape.pixels, count, o.inputs[0] + start, x.pitch, o.outputs[0], y.pitch)
        }
    }
}
