import Engine

/// A value of the graph under construction that is a feature map `[N, H, W, channels]`.
package struct FeatureMap: Sendable, Hashable {
    package var value: ValueID
    package var channels: Int
}

/// Builds a network's training graph, unfused, with the parameters' names, shapes and initializers.
package struct NetworkBuilder {
    package var graph = Graph()
    /// What the skeleton computes at its earlier exits, in order; the last exit is what it returns.
    var exits: [FeatureMap] = []
    /// A router's foretold gaps, `[N, 1, 1, exits - 1]`, one for each earlier exit.
    var router: FeatureMap?

    /// Convolution that keeps the size: weight `[channels, input channels, kernel, kernel]` as `name.weight`, `name.bias`.
    mutating func convolution(
        _ input: FeatureMap, channels: Int, kernel: Int, dilation: Int = 1, bias: Bool, gain: Double = 1, name: String
    ) -> FeatureMap {
        let fanIn = input.channels * kernel * kernel
        var operands = [input.value]
        operands.append(
            graph.parameter(
                "\(name).weight", shape: [channels, input.channels, kernel, kernel],
                initializer: .heNormal(fanIn: fanIn, gain: gain)))
        if bias { operands.append(graph.parameter("\(name).bias", shape: [channels], initializer: .constant(0))) }
        let value = graph.apply(Convolution(dilation: dilation), operands, path: name)[0]
        return FeatureMap(value: value, channels: channels)
    }

    /// A convolution of each channel on its own: weight `[channels, 1, kernel, kernel]` as `name.weight`, `name.bias`.
    mutating func depthwiseConvolution(
        _ input: FeatureMap, kernel: Int, dilation: Int = 1, bias: Bool, gain: Double = 1, name: String
    ) -> FeatureMap {
        var operands = [input.value]
        operands.append(
            graph.parameter(
                "\(name).weight", shape: [input.channels, 1, kernel, kernel],
                initializer: .heNormal(fanIn: kernel * kernel, gain: gain)))
        if bias { operands.append(graph.parameter("\(name).bias", shape: [input.channels], initializer: .constant(0))) }
        let value = graph.apply(DepthwiseConvolution(dilation: dilation), operands, path: name)[0]
        return FeatureMap(value: value, channels: input.channels)
    }

    /// Batch normalization with the parameters `name.weight`, `name.bias` and the buffers `name.running_mean`, `name.running_var`.
    mutating func batchNormalization(_ input: FeatureMap, name: String) -> FeatureMap {
        let shape: Shape = [input.channels]
        let gamma = graph.parameter("\(name).weight", shape: shape, initializer: .constant(1))
        let beta = graph.parameter("\(name).bias", shape: shape, initializer: .constant(0))
        let firstBuffer = graph.parameters.count
        let mean = graph.parameter("\(name).running_mean", shape: shape, initializer: .constant(0), trainable: false)
        let variance = graph.parameter("\(name).running_var", shape: shape, initializer: .constant(1), trainable: false)
        let results = graph.apply(BatchNormalization(), [input.value, gamma, beta, mean, variance], path: name)
        graph.updates.append((parameter: firstBuffer, value: results[3]))
        graph.updates.append((parameter: firstBuffer + 1, value: results[4]))
        return FeatureMap(value: results[0], channels: input.channels)
    }

    /// Layer normalization over each pixel's channels with the parameters `name.weight` and `name.bias`.
    mutating func layerNormalization(_ input: FeatureMap, name: String) -> FeatureMap {
        let gamma = graph.parameter("\(name).weight", shape: [input.channels], initializer: .constant(1))
        let beta = graph.parameter("\(name).bias", shape: [input.channels], initializer: .constant(0))
        return FeatureMap(value: graph.apply(LayerNormalization(), input.value, gamma, beta, path: name), channels: input.channels)
    }

    mutating func activate(_ input: FeatureMap, _ activation: Activation, path: String) -> FeatureMap {
        guard let operation = activation.operation else { return input }
        return FeatureMap(value: graph.apply(operation, [input.value], path: path)[0], channels: input.channels)
    }

    /// The sum of two maps of one shape.
    mutating func add(_ a: FeatureMap, _ b: FeatureMap, path: String) -> FeatureMap {
        precondition(a.channels == b.channels, "\(path): \(a.channels) and \(b.channels) channels")
        return FeatureMap(value: graph.apply(Add(), a.value, b.value, path: path), channels: a.channels)
    }

    /// Maps of one size side by side; a single map is itself.
    mutating func concatenate(_ maps: [FeatureMap], path: String) -> FeatureMap {
        if maps.count == 1 { return maps[0] }
        let operation = Concatenation(channels: maps.map(\.channels))
        return FeatureMap(
            value: graph.apply(operation, maps.map(\.value), path: path)[0], channels: maps.reduce(0) { $0 + $1.channels })
    }

    /// The input where the channels agree already, else its 1x1 convolution `scope.project`, without bias.
    mutating func project(_ input: FeatureMap, channels: Int, scope: NameScope) -> FeatureMap {
        if input.channels == channels { return input }
        return convolution(input, channels: channels, kernel: 1, bias: false, gain: 0.5.squareRoot(), name: scope.path("project"))
    }
}

/// Makes the names of one block's parameters.
package struct NameScope: Sendable {
    private let prefix: String
    /// Names its only convolution by its position: `conv5`, `norm5`.
    private let position: Int?

    /// `prefix.conv1`, `prefix.norm1`, ...
    package init(prefix: String) {
        self.prefix = prefix
        position = nil
    }

    /// `conv{position}` and `norm{position}`, for a block of one convolution in a chain.
    package init(position: Int) {
        prefix = "block\(position)"
        self.position = position
    }

    package func path(_ leaf: String) -> String { "\(prefix).\(leaf)" }
    package func convolution(_ number: Int) -> String { position.map { "conv\($0)" } ?? path("conv\(number)") }
    package func normalization(_ number: Int) -> String { position.map { "norm\($0)" } ?? path("norm\(number)") }
}
