extension Graph {
    /// How far, in pixels of the image, the output `image` looks beyond its own place: the halo that a tile of a larger image
    /// needs to give the same pixels; nil where only the whole image gives them. Valid for inference graphs, whose normalization looks at no other pixel.
    /// - Parameter inputs: shapes whose sizes the network's size multiple divides.
    /// - Throws: `ShapeError` where the shapes do not fit.
    package func receptiveRadius(inputs inputShapes: [String: Shape]) throws -> Int? {
        let shapes = try shapes(inputs: inputShapes)
        guard let image = inputShapes["image"] else { preconditionFailure("no input image") }
        let live = ancestors(of: output("image").map { [$0] } ?? [])
        var radii = [Int](repeating: 0, count: values.count)
        for node in nodes {
            guard node.outputs.contains(where: { live.contains($0.index) }) else { continue }
            guard let reach = node.operation.reach(node.inputs.map { shapes[$0.index] }) else { return nil }
            var radius = 0
            for input in node.inputs {
                if case .parameter = values[input.index] { continue }
                radius = max(radius, radii[input.index] + reach * max(1, image.height / shapes[input.index].height))
            }
            for output in node.outputs { radii[output.index] = radius }
        }
        return output("image").map { radii[$0.index] }
    }
}
