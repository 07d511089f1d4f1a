import CKernels
import Documents

/// Multi-head self-attention inside square windows (Swin, Liu et al. 2021), before the output's projection:
/// softmax(q k / sqrt(C / heads) + bias) v for each window and head.
///
/// The windows lie on the map rolled by -`shift` in both directions, and the result is rolled back. With `mask`, places of one
/// window that only the roll made neighbours do not attend to each other; without, attention wraps around the image.
///
/// Inputs: qkv `[N, H, W, 3C]` (q of all heads, then k, then v, as PyTorch's `view(.., 3, heads, C / heads)`), bias
/// `[heads, window², window²]` by query and key. Output: `[N, H, W, C]`. The window divides H and W. MACs: 2 N H W window² C.
package struct WindowAttention: Operation {
    package static let name = "window-attention"
    package static let largestWindow = Int(HALCYON_ATTENTION_LARGEST_WINDOW)
    package var heads: Int
    package var window: Int
    package var shift: Int
    package var mask: Bool

    /// - Parameter shift: less than the window.
    package init(heads: Int, window: Int, shift: Int = 0, mask: Bool = true) {
        precondition(heads > 0 && (1...Self.largestWindow).contains(window) && (0..<window).contains(shift))
        self.heads = heads
        self.window = window
        self.shift = shift
        self.mask = mask
    }

    package var attributes: Document {
        ["heads": .int(heads), "window": .int(window), "shift": .int(shift), "mask": .bool(mask)]
    }

    package static var samples: [OperationSample] { attentionSamples.map { OperationSample($0, $1) } }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] {
        let (qkv, bias) = (inputs[0], inputs[1])
        guard qkv.rank == 4, qkv.channels % (3 * heads) == 0 else { throw ShapeError("\(heads) heads of q, k and v in \(qkv)") }
        guard qkv.height % window == 0, qkv.width % window == 0 else {
            throw ShapeError("windows of \(window)x\(window) do not divide \(qkv)")
        }
        guard bias == [heads, window * window, window * window] else {
            throw ShapeError("bias \(bias) for \(heads) heads and windows of \(window)x\(window)")
        }
        return [qkv.with(channels: qkv.channels / 3)]
    }

    package func reach(_ inputs: [Shape]) -> Int? { shift == 0 || mask ? window - 1 : nil }

    package func macs(_ inputs: [Shape], _ outputs: [Shape]) -> Int { 2 * outputs[0].count * window * window }

    package func gradient(_ builder: inout GradientBuilder) -> [ValueID?] {
        guard let upstream = builder.outputGradients[0] else { return [nil, nil] }
        return builder.applyAll(WindowAttentionGradient(forward: self), builder.inputs[0], builder.inputs[1], upstream)
    }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let qkv = inputs[0]
        var y = Tensor<Scalar>(qkv.shape.with(channels: qkv.shape.channels / 3))
        let channels = y.shape.channels, size = channels / heads
        forEachWindow(qkv.shape) { pixels, isAllowed in
            for head in 0..<heads {
                let p = probabilities(qkv, inputs[1], head, pixels, isAllowed)
                for (i, pixel) in pixels.enumerated() {
                    for (j, other) in pixels.enumerated() {
                        for c in 0..<size {
                            let value = qkv.elements[other * 3 * channels + 2 * channels + head * size + c]
                            y.elements[pixel * channels + head * size + c] += p[i * pixels.count + j] * value
                        }
                    }
                }
            }
        }
        return [y]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (qkv, y) = (context.inputs[0], context.outputs[0])
        let size = y.shape.channels / heads
        let scratch = halcyon_window_attention_scratch(heads, size, window, 0, Int32(context.threads))
        return FunctionKernel(scratchBytes: scratch * MemoryLayout<Float>.size) { [self] o in
            halcyon_window_attention(
                y.shape.batch, y.shape.height, y.shape.width, heads, size, window, shift, mask ? 1 : 0, o.inputs[0], qkv.pitch,
                o.inputs[1], o.outputs[0], y.pitch, o.scratch.assumingMemoryBound(to: Float.self))
        }
    }

    /// Visits each window: the flat pixels of its places, and which of them may attend to which (place by place).
    fileprivate func forEachWindow(_ shape: Shape, _ visit: (_ pixels: [Int], _ isAllowed: (Int, Int) -> Bool) -> Void) {
        for n in 0..<shape.batch {
            for row in stride(from: 0, to: shape.height, by: window) {
                for column in stride(from: 0, to: shape.width, by: window) {
                    var pixels: [Int] = [], parts: [Int] = []
                    for y in row..<row + window {
                        for x in column..<column + window {
                            let (h, w) = (y + shift, x + shift)
                            pixels.append((n * shape.height + h % shape.height) * shape.width + w % shape.width)
                            parts.append((h >= shape.height ? 1 : 0) + (w >= shape.width ? 2 : 0))
                        }
                    }
                    visit(pixels) { !mask || parts[$0] == parts[$1] }
                }
            }
        }
    }

    /// The softmax of one window and head, `[query][key]`.
    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    fileprivate func probabilities<Scalar: ReferenceScalar>(
        _ qkv: Tensor<Scalar>, _ bias: Tensor<Scalar>, _ head: Int, _ pixels: [Int], _ isAllowed: (Int, Int) -> Bool
    ) -> [Scalar] {
        let channels = qkv.shape.channels / 3, size = channels / heads, count = pixels.count
        let scale = 1 / Scalar(size).squareRoot()
        var result = [Scalar](repeating: 0, count: count * count)
        for i in 0..<count {
            let allowed = (0..<count).filter { isAllowed(i, $0) }
            for j in allowed {
                let (query, key) = (pixels[i] * 3 * channels + head * size, pixels[j] * 3 * channels + channels + head * size)
                let product = (0..<size).reduce(Scalar(0)) { $0 + qkv.elements[query + $1] * qkv.elements[key + $1] }
                result[i * count + j] = product * scale + bias.elements[(head * count + i) * count + j]
            }
            let highest = allowed.map { result[i * count + $0] }.max()!
            for j in allowed { result[i * count + j] = Scalar.exponential(result[i * count + j] - highest) }
            let sum = allowed.reduce(Scalar(0)) { $0 + result[i * count + $1] }
            for j in allowed { result[i * count + j] /= sum }
        }
        return result
    }
}

/// The gradients of windowed attention, its softmax recomputed: with p the probabilities, ds = p (v dy - sum over keys of
/// p v dy) is the scores' and, summed over windows and images, the bias' gradient.
///
/// Inputs: qkv, bias, dy `[N, H, W, C]`. Outputs: dqkv, dbias. Five products of the forward pass' size.
package struct WindowAttentionGradient: Operation {
    package static let name = "window-attention-gradient"
    package static let isDifferentiable = false
    package var forward: WindowAttention

    package var attributes: Document { forward.attributes }
    package var outputCount: Int { 2 }

    package static var samples: [OperationSample] {
        attentionSamples.map { OperationSample(WindowAttentionGradient(forward: $0), $1 + [$1[0].with(channels: $1[0].channels / 3)]) }
    }

    package func outputShapes(_ inputs: [Shape]) throws -> [Shape] { [inputs[0], inputs[1]] }

    package func macs(_ inputs: [Shape], _ outputs: [Shape]) -> Int { 5 * inputs[2].count * forward.window * forward.window }

    @_specialize(where Scalar == Float)
    @_specialize(where Scalar == Double)
    package func reference<Scalar: ReferenceScalar>(_ inputs: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
        let (qkv, bias, dy) = (inputs[0], inputs[1], inputs[2])
        var dqkv = qkv.map { _ in 0 }, dbias = bias.map { _ in 0 }
        let channels = dy.shape.channels, size = channels / forward.heads
        let scale = 1 / Scalar(size).squareRoot()
        forward.forEachWindow(qkv.shape) { pixels, isAllowed in
            let count = pixels.count
            for head in 0..<forward.heads {
                let p = forward.probabilities(qkv, bias, head, pixels, isAllowed)
                func place(_ pixel: Int, _ part: Int) -> Int { pixel * 3 * channels + part * channels + head * size }
                for i in 0..<count {
                    let upstream = pixels[i] * channels + head * size
                    let dp = pixels.map { key in
                        (0..<size).reduce(Scalar(0)) { $0 + dy.elements[upstream + $1] * qkv.elements[place(key, 2) + $1] }
                    }
                    let sum = (0..<count).reduce(Scalar(0)) { $0 + p[i * count + $1] * dp[$1] }
                    for j in 0..<count {
                        let ds = p[i * count + j] * (dp[j] - sum)
                        dbias.elements[(head * count + i) * count + j] += ds
                        let (query, key) = (place(pixels[i], 0), place(pixels[j], 1))
                        for c in 0..<size {
                            dqkv.elements[query + c] += scale * ds * qkv.elements[key + c]
                            dqkv.elements[key + c] += scale * ds * qkv.elements[query + c]
                            dqkv.elements[place(pixels[j], 2) + c] += p[i * count + j] * dy.elements[upstream + c]
                        }
                    }
                }
            }
        }
        return [dqkv, dbias]
    }

    package func makeKernel(_ context: KernelContext) throws -> any Kernel {
        let (qkv, dy, dqkv) = (context.inputs[0], context.inputs[2], context.outputs[0])
        let (attention, size) = (forward, dy.shape.channels / forward.heads)
        let scratch = halcyon_window_attention_scratch(attention.heads, size, attention.window, 1, Int32(context.threads))
        return FunctionKernel(scratchBytes: scratch * MemoryLayout<Float>.size) { o in
            halcyon_window_attention_backward(
                dy.shape.batch, dy.shape.height, dy.shape.width, attention.heads, size, attention.window, attention.shift,
                attention.mask ? 1 : 0, o.inputs[0], qkv.pitch, o.inputs[1], o.inputs[2], dy.pitch, o.outputs[0], dqkv.pitch,
                o.outputs[1], o.scratch.assumingMemoryBound(to: Float.self))
        }
    }
}

/// Heads of 1 to 17 channels, windows that fill vectors and not, one window and several, shifts with and without mask.
private let attentionSamples: [(WindowAttention, [Shape])] = [
    sample(heads: 1, channels: 1, window: 2, shift: 1, mask: true, [1, 2, 4]),
    sample(heads: 2, channels: 6, window: 4, shift: 2, mask: true, [1, 8, 8]),
    sample(heads: 1, channels: 12, window: 4, shift: 2, mask: false, [3, 8, 4]),
    sample(heads: 2, channels: 16, window: 4, shift: 0, mask: false, [1, 4, 8]),
    sample(heads: 3, channels: 5, window: 3, shift: 1, mask: true, [3, 6, 9]),
    sample(heads: 2, channels: 17, window: 3, shift: 1, mask: false, [1, 3, 6]),
    sample(heads: 1, channels: 7, window: 7, shift: 3, mask: true, [1, 7, 7]),
    sample(heads: 1, channels: 12, window: 8, shift: 4, mask: true, [1, 8, 8]),
]

private func sample(
    heads: Int, channels: Int, window: Int, shift: Int, mask: Bool, _ map: [Int]
) -> (WindowAttention, [Shape]) {
    let operation = WindowAttention(heads: heads, window: window, shift: shift, mask: mask)
    return (operation, [Shape(map + [3 * heads * channels]), [heads, window * window, window * window]])
}
