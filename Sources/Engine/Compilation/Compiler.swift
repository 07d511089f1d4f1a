/// The numbers that products are made of. Sums, statistics, parameters and what lies between operations are Float32.
package enum Precision: String, Sendable, CaseIterable {
    case f32
    /// Operands of convolutions and matrix products are rounded to bfloat16 where a kernel does that faster.
    case bf16
}

/// How a graph is compiled.
package struct CompileOptions: Sendable {
    /// False leaves the graph as it is: no folding, no fused activations.
    package var fusion: Bool
    package var threads: Int
    package var precision: Precision
    /// Whether a training step makes normalized maps again instead of keeping them. See `renewNormalization`.
    package var recompute: Bool
    /// The memory that what is run of a training step's batch at a time should fit in: what a level 3 cache leaves one core of
    /// several. See `inParts`.
    package var partBytes: Int
    /// The memory that a strip of pixels should fit in: a good part of a level 2 cache. See `StripPlan`.
    package var stripBytes: Int

    package init(
        fusion: Bool = true, threads: Int = 1, precision: Precision = .f32, recompute: Bool = false, partBytes: Int = 24 << 20,
        stripBytes: Int = 768 << 10
    ) {
        self.fusion = fusion
        self.threads = threads
        self.precision = precision
        self.recompute = recompute
        self.partBytes = partBytes
        self.stripBytes = stripBytes
    }
}

/// Turns a graph into a program for given input shapes: drops what nothing needs, separates what depends on parameters
/// alone, and plans the arena.
package enum Compiler {
    /// - Parameters:
    ///   - graph: for inference (`forInference`) or any graph with outputs.
    ///   - inputs: the shape of each input.
    /// - Throws: `ShapeError`.
    package static func compile(_ graph: Graph, inputs: [String: Shape], options: CompileOptions = CompileOptions()) throws -> Program {
        let (graph, applied) = graph.applying(options.fusion ? inferenceFusionCatalogue : [])
        return try compile(prepared: graph, gradients: [], inputs: inputs, options: options, rewrites: applied)
    }

    /// The program of a training step: one loss of the output `image` against the input `target`, and all gradients.
    package static func compileTraining(
        _ graph: Graph, loss: PixelLoss, inputs: [String: Shape], options: CompileOptions = CompileOptions()
    ) throws -> Program {
        try compileTraining(graph, TrainingObjective(loss), inputs: inputs, options: options)
    }

    /// The program of a training step: the objective against the input `target`, and all gradients.
    package static func compileTraining(
        _ graph: Graph, _ objective: TrainingObjective, inputs: [String: Shape], options: CompileOptions = CompileOptions()
    ) throws -> Program {
        let (fused, before) = graph.marked(for: objective).applying(options.fusion ? fusionCatalogue : [])
        let training = fused.training(objective)
        // Differentiation adds gradients of values that several nodes read.
        let (whole, values, after) = training.graph.applying(
            (options.recompute ? [renewNormalization(forward: training.forward)] : [])
                + (options.fusion ? [fuseResidual, fuseNormalization] : []),
            keeping: training.gradients.map(\.value))
        let gradients = zip(training.gradients, values).map { (parameter: $0.parameter, value: $1) }
        var rewrites = before
        for rewrite in after {
            if let place = rewrites.firstIndex(where: { $0.name == rewrite.name }) { rewrites[place].count += rewrite.count }
            else { rewrites.append(rewrite) }
        }
        return try inParts(of: whole, inputs, options) { inputs in
            try compile(prepared: whole, gradients: gradients, inputs: inputs, options: options, rewrites: rewrites)
        }
    }

    private static func compile(
        prepared graph: Graph, gradients: [(parameter: Int, value: ValueID)], inputs: [String: Shape], options: CompileOptions,
        rewrites: [AppliedRewrite]
    ) throws -> Program {
        let shapes = try graph.shapes(inputs: inputs)
        let live = graph.ancestors(of: graph.outputs.map(\.value) + graph.updates.map(\.value) + gradients.map(\.value))
        let layout = ParameterStore.layout(graph.parameters)
        // Nodes in order, those that depend on parameters alone first.
        var isFixed = [Bool](repeating: false, count: graph.values.count)
        var preparation: [Int] = []
        var body: [Int] = []
        for (index, source) in graph.values.enumerated() {
            switch source {
            case .input: break
            case .parameter: isFixed[index] = true
            case .node(let number, let output):
                let node = graph.nodes[number]
                let fixed = node.inputs.allSatisfy { isFixed[$0.index] }
                isFixed[index] = fixed
                guard output == 0, node.outputs.contains(where: { live.contains($0.index) }) else { continue }
                if fixed { preparation.append(number) } else { body.append(number) }
            }
        }
        // Reading order over both parts gives lifetimes; parameters, inputs, outputs and fixed values live throughout.
        let order = preparation + body
        var lastUse = [Int](repeating: -1, count: graph.values.count)
        for (position, number) in order.enumerated() { for input in graph.nodes[number].inputs { lastUse[input.index] = position } }
        let throughout = graph.outputs.map(\.value.index) + graph.updates.map(\.value.index) + gradients.map(\.value.index)
        for index in throughout { lastUse[index] = order.count }
        let strips = options.fusion
            ? StripPlan(graph, shapes: shapes, body: body, isFixed: isFixed, kept: Set(throughout), options: options) : nil
        var storages = StorageAssignment(
            graph: graph, shapes: shapes, order: body, kept: throughout.map(ValueID.init(index:)), slices: options.fusion,
            strips: strips)
        // All of a strip's nodes run for the first pixels before any runs for the last: whole maps live as long as the strips.
        for value in lastUse.indices where strips?.heldPixels(of: value) == nil {
            guard lastUse[value] >= preparation.count, let group = strips?.group(at: lastUse[value] - preparation.count) else {
                continue
            }
            lastUse[value] = preparation.count + group.nodes.upperBound - 1
        }
        for (index, fixed) in isFixed.enumerated() where fixed { lastUse[index] = order.count }
        // A gradient is written where the optimizer reads it, unless another gradient already is that value.
        for gradient in gradients {
            let view = layout[gradient.parameter]
            storages.pin(gradient.value, region: .gradients, offset: view.offset)
        }
        for (index, source) in graph.values.enumerated() {
            switch source {
            case .input: storages.reserve(ValueID(index: index), at: -1, until: order.count)
            case .parameter(let number):
                let trainable = graph.parameters[number].trainable
                storages.pin(ValueID(index: index), region: trainable ? .trainable : .frozen, offset: layout[number].offset)
            case .node: break
            }
        }
        var macs = 0
        for (position, number) in order.enumerated() {
            let node = graph.nodes[number]
            macs += node.operation.macs(node.inputs.map { shapes[$0.index] }, node.outputs.map { shapes[$0.index] })
            let first = strips?.group(at: position - preparation.count).map { preparation.count + $0.nodes.lowerBound }
            storages.place(node, at: position, from: first ?? position, lastUse: lastUse)
        }
        // Gradients of parameters that lie elsewhere (the same value as another gradient) are copied.
        let plan = storages.plan()
        var copies: [(from: Program.Place, to: Program.Place)] = []
        for gradient in gradients {
            let target = Program.Place(
                region: .gradients, offset: layout[gradient.parameter].offset, shape: shapes[gradient.value.index],
                pitch: shapes[gradient.value.index].rank > 0 ? shapes[gradient.value.index].channels : 1)
            let source = plan.place(of: gradient.value)
            if source != target { copies.append((source, target)) }
        }
        for update in graph.updates {
            let source = plan.place(of: update.value)
            var target = source
            target.region = graph.parameters[update.parameter].trainable ? .trainable : .frozen
            target.offset = layout[update.parameter].offset
            copies.append((source, target))
        }
        func instructions(_ number: Int) -> [Program.Instruction] {
            let node = graph.nodes[number]
            let inputShapes = node.inputs.map { shapes[$0.index] }
            let inputs = node.inputs.map(plan.place(of:))
            let outputs = node.outputs.map(plan.place(of:))
            if node.operation.isIdentity(inputShapes), inputs[0] == outputs[0] { return [] }
            if node.operation is ChannelSlice, isView(outputs[0], of: inputs[0]) { return [] }
            if options.fusion, let concatenation = node.operation as? Concatenation {
                return missingParts(inputs, of: outputs[0], concatenation, path: node.path)
            }
            return [
                Program.Instruction(
                    operation: node.operation, inputs: inputs, outputs: outputs, path: node.path,
                    fixedInputs: Set(node.inputs.indices.filter { isFixed[node.inputs[$0].index] }))
            ]
        }
        var bodyInstructions: [Program.Instruction] = []
        var stripRanges: [Program.Strips] = []
        for (position, number) in body.enumerated() {
            var made = instructions(number)
            if let group = strips?.group(at: position) {
                let node = graph.nodes[number]
                func step(_ value: ValueID) -> Int? {
                    guard !isFixed[value.index], shapes[value.index].isMap(like: shapes[node.outputs[0].index]) else { return nil }
                    return group.local.contains(value.index) ? 0 : plan.place(of: value).pitch
                }
                for index in made.indices { made[index].stripSteps = (node.inputs.map(step), node.outputs.map(step)) }
                if position == group.nodes.lowerBound {
                    let start = bodyInstructions.count
                    stripRanges.append(
                        Program.Strips(
                            instructions: start..<start + group.nodes.count, pixels: group.pixels, total: group.total))
                }
            }
            bodyInstructions += made
        }
        return Program(
            preparation: preparation.flatMap(instructions), body: bodyInstructions, strips: stripRanges,
            inputs: Dictionary(uniqueKeysWithValues: graph.inputs.map { input in
                (input.name, plan.place(of: ValueID(index: graph.values.firstIndex(of: .input(input.name))!)))
            }),
            outputs: Dictionary(uniqueKeysWithValues: graph.outputs.map { ($0.name, plan.place(of: $0.value)) }),
            updates: copies, parameters: graph.parameters, threads: options.threads, precision: options.precision,
            computesGradients: !gradients.isEmpty, arenaCount: plan.arenaCount, macs: macs,
            rewrites: rewrites + (options.fusion ? [AppliedRewrite(name: "slice-in-place", count: storages.sparedCopies)] : []))
    }

    /// Whether a slice lies in its source.
    private static func isView(_ place: Program.Place, of whole: Program.Place) -> Bool {
        place.region == whole.region && place.pitch == whole.pitch && place.offset >= whole.offset
            && place.offset + place.shape.channels <= whole.offset + whole.pitch
    }

    /// A concatenation: the inputs that were not made in their place are copied there.
    private static func missingParts(
        _ inputs: [Program.Place], of whole: Program.Place, _ concatenation: Concatenation, path: String
    ) -> [Program.Instruction] {
        var target = whole
        return zip(inputs, concatenation.channels).compactMap { input, channels in
            target.shape = input.shape
            defer { target.offset += channels }
            if input == target { return nil }
            return Program.Instruction(operation: StopGradient(), inputs: [input], outputs: [target], path: path, fixedInputs: [])
        }
    }
}
