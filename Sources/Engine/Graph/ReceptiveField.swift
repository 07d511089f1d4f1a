extension Graph {
    /// How far, in pixels of the image, the output `image` looks beyond its own place: the halo that a tile of a larger image
    /// needs to give the same pixels; nil where only the whole image gives them. Valid for inference graphs, whose normalization looks at no other pixel.
    /// - Parameter inputs: shapes whose sizes the network's size multiple divides.
    /// - Throws: `ShapeError` where the shapes do not fit.
    package func receptiveRadius(inputs inputShapes: [String: Shape]) throws -> Int? {
        let shapes = try shapes(inputs: inputShapes)
        guard let image = inputShapes["image"] else { preconditionFailure("no input image") }
        let live = ancestors(of: output("image").map { [$0] } ?? [])
        // Nil for values that depend on parameters alone.
        var radii: [Int?] = values.map { if case .input = $0 { 0 } else { nil } }
        for node in nodes {
            guard node.outputs.contains(where: { live.contains($0.index) }) else { continue }
            guard let reach = node.operation.reach(node.inputs.map { shapes[$0.index] }) else { return nil }
            var radius: Int?
            for input in node.inputs {
                guard let known = radii[input.index] else { continue }
                radius = max(radius ?? 0, known + reach * max(1, image.height / shapes[input.index].height))
            }
            for output in node.outputs { radii[output.index] = radius }
        }
        return output("image").map { radii[$0.index] ?? 0 }
    }
}
