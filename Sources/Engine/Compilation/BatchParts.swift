extension Compiler {
    /// A training step's program, perhaps of a part of the batch only, to be run for all parts: what one kernel writes is then
    /// still in the cache when the next reads it, and a step needs the memory of a part. Where images do not mix, a batch's loss and
    /// gradients are the means of its parts' (gradient accumulation).
    static func inParts(
        of graph: Graph, _ inputs: [String: Shape], _ options: CompileOptions, _ compile: ([String: Shape]) throws -> Program
    ) throws -> Program {
        let whole = try compile(inputs)
        let batches = Set(inputs.values.map(\.batch))
        guard let batch = batches.first, batches.count == 1, inputs.values.allSatisfy({ $0.rank == 4 }), graph.updates.isEmpty,
            !graph.nodes.contains(where: \.operation.mixesImages)
        else { return whole }
        let bytes = whole.arenaCount * MemoryLayout<Float>.stride
        let wanted = max((bytes + options.partBytes - 1) / options.partBytes, min(options.threads, batch))
        let parts = (1...batch).first { batch % $0 == 0 && $0 >= wanted } ?? batch
        guard parts > 1 else { return whole }
        var program = try compile(inputs.mapValues { $0.with(batch: batch / parts) })
        program.parts = parts
        program.macs = whole.macs
        return program
    }
}
