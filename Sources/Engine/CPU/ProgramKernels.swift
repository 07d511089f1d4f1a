import CKernels

/// The kernels of a program, and so the memory that it takes.
struct ProgramKernels {
    let program: Program
    let preparation: [any Kernel]
    let body: [any Kernel]

    /// - Parameter threads: what kernels share their work over; one where parts of a batch run beside each other.
    init(_ program: Program, threads: Int) throws {
        let threads = program.lanes > 1 ? 1 : threads
        halcyon_set_threads(Int32(threads))
        func kernels(_ instructions: [Program.Instruction]) throws -> [any Kernel] {
            try instructions.map { instruction in
                func views(_ places: [Program.Place]) -> [KernelContext.View] { places.map { .init(shape: $0.shape, pitch: $0.pitch) } }
                do {
                    return try instruction.operation.makeKernel(
                        KernelContext(
                            inputs: views(instruction.inputs), outputs: views(instruction.outputs), threads: threads,
                            precision: program.precision))
                } catch let error as ShapeError {
                    throw ShapeError("\(instruction.path): \(error.description)")
                }
            }
        }
        self.program = program
        preparation = try kernels(program.preparation)
        body = try kernels(program.body)
    }

    static func aligned(_ bytes: Int) -> Int { (bytes + 63) / 64 * 64 }

    /// Memory that one kernel after the other works in.
    var scratchBytes: Int { Self.aligned((preparation + body).map(\.scratchBytes).max() ?? 0) + 64 }
    /// Weights as the kernels read them.
    var preparedBytes: Int { (preparation + body).reduce(64) { $0 + Self.aligned($1.preparedBytes) } }

    /// Everything that the program needs: arena, parameters, prepared weights and scratch; of a training step also the gradients and
    /// the optimizer's two moments, and what parts of a batch are put together in.
    var peakBytes: Int {
        func bytes(_ shapes: some Sequence<Shape>) -> Int { shapes.reduce(0) { $0 + $1.count } * MemoryLayout<Float>.stride }
        let lane = program.arenaBytes + scratchBytes + preparedBytes
        let trainable = bytes(program.parameters.filter(\.trainable).map(\.shape))
        var peak = program.lanes * lane + bytes(program.parameters.map(\.shape))
        if program.computesGradients { peak += 3 * trainable }
        if program.parts > 1 {
            peak += program.lanes * trainable + bytes(program.inputShapes.values) + bytes(program.outputShapes.values)
        }
        return peak
    }
}
