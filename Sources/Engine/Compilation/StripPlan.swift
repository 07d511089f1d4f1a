/// Finds runs of nodes that make each pixel from the same pixel of their inputs (1x1 convolutions, norms, activations, sums). They
/// are run strip by strip of pixels, all nodes for one strip and then for the next, so that what one writes is still in the level 2
/// cache when the next reads it; what nobody else reads has the memory of one strip only.
struct StripPlan {
    struct Group {
        /// Positions in the body.
        var nodes: Range<Int>
        /// Of a strip, and of the whole map.
        var pixels: Int
        var total: Int
        /// Values that are made and read within the group alone.
        var local: Set<Int>
    }

    private(set) var groups: [Group] = []

    /// Pixels of a strip are a multiple of this: what pointwise products take at a time.
    private static let grain = 48

    /// - Parameters:
    ///   - body: nodes in the order in which they run.
    ///   - kept: values that are wanted after the run.
    init(_ graph: Graph, shapes: [Shape], body: [Int], isFixed: [Bool], kept: Set<Int>, options: CompileOptions) {
        var position = 0
        while position < body.count {
            let start = position
            let map = Self.map(graph.nodes[body[start]], shapes, isFixed)
            while let map, position < body.count, Self.map(graph.nodes[body[position]], shapes, isFixed) == map { position += 1 }
            position = max(position, start + 1)
            guard let map, position - start > 1 else { continue }
            let nodes = body[start..<position].map { graph.nodes[$0] }
            let made = Set(nodes.flatMap { $0.outputs.map(\.index) })
            let read = nodes.flatMap { $0.inputs.map(\.index) }.filter { !isFixed[$0] && shapes[$0].isMap(like: map) }
            let values = made.union(read)
            let bytes = values.reduce(0) { $0 + shapes[$1].channels } * MemoryLayout<Float>.stride
            let share = max(1, options.stripBytes / bytes / Self.grain)
            let pixels = options.threads * share * Self.grain
            guard pixels < map.pixels else { continue }
            let others = Set((body[..<start] + body[position...]).flatMap { graph.nodes[$0].inputs.map(\.index) })
            groups.append(
                Group(
                    nodes: start..<position, pixels: pixels, total: map.pixels,
                    local: made.filter { !kept.contains($0) && !others.contains($0) }))
        }
    }

    /// The map whose pixels a node takes one by one; nil where it does not.
    private static func map(_ node: Graph.Node, _ shapes: [Shape], _ isFixed: [Bool]) -> Shape? {
        let inputs = node.inputs.map { shapes[$0.index] }, output = shapes[node.outputs[0].index]
        guard type(of: node.operation).isDifferentiable || node.operation is PointwiseConvolution, output.rank == 4, output.batch == 1, node.operation.reach(inputs) == 0,
            !node.operation.mixesImages,
            !node.operation.isIdentity(inputs), !(node.operation is Concatenation), !(node.operation is ChannelSlice),
            node.outputs.allSatisfy({ shapes[$0.index].isMap(like: output) }),
            zip(node.inputs, inputs).contains(where: { !isFixed[$0.index] && $1.isMap(like: output) }),
            // What else it reads is one number for each channel, or a parameter.
            zip(node.inputs, inputs).allSatisfy({ isFixed[$0.index] || $1.isMap(like: output) || $1.pixels <= 1 })
        else { return nil }
        return output.with(channels: 1)
    }

    func group(at position: Int) -> Group? { groups.first { $0.nodes.contains(position) } }

    /// Pixels of which a value has memory, where it is not the whole map.
    func heldPixels(of value: Int) -> Int? { groups.first { $0.local.contains(value) }?.pixels }
}

extension Shape {
    /// Whether both are maps of one size, whatever their channels.
    func isMap(like other: Shape) -> Bool { rank == 4 && other.rank == 4 && sizes.dropLast() == other.sizes.dropLast() }
}
