import CKernels

/// The kernels of a program, and so the memory that it takes.
struct ProgramKernels {
    let program: Program
    let preparation: [any Kernel]
    let body: [any Kernel]
    /// For the last strip of pixels where it is shorter, by position in the body.
    let rests: [Int: any Kernel]

    /// - Parameter threads: what kernels share their work over; one where parts of a batch run beside each other.
    init(_ program: Program, threads: Int) throws {
        let threads = program.lanes > 1 ? 1 : threads
        halcyon_set_threads(Int32(threads))
        /// - Parameter pixels: of a strip; nil for whole maps.
        func kernel(_ instruction: Program.Instruction, pixels: Int? = nil) throws -> any Kernel {
            func views(_ places: [Program.Place], _ steps: [Int?]) -> [KernelContext.View] {
                places.enumerated().map { index, place in
                    guard let pixels, steps[index] != nil else { return .init(shape: place.shape, pitch: place.pitch) }
                    return .init(shape: [1, 1, pixels, place.shape.channels], pitch: place.pitch)
                }
            }
            do {
                return try instruction.operation.makeKernel(
                    KernelContext(
                        inputs: views(instruction.inputs, instruction.stripSteps.inputs),
                        outputs: views(instruction.outputs, instruction.stripSteps.outputs), threads: threads,
                        precision: program.precision))
            } catch let error as ShapeError {
                throw ShapeError("\(instruction.path): \(error.description)")
            }
        }
        self.program = program
        preparation = try program.preparation.map { try kernel($0) }
        body = try program.body.enumerated().map { position, instruction in
            try kernel(instruction, pixels: program.strips.first { $0.instructions.contains(position) }?.pixels)
        }
        var rests: [Int: any Kernel] = [:]
        for strips in program.strips where strips.rest > 0 {
            for position in strips.instructions { rests[position] = try kernel(program.body[position], pixels: strips.rest) }
        }
        self.rests = rests
    }

    static func aligned(_ bytes: Int) -> Int { (bytes + 63) / 64 * 64 }

    /// Memory that one kernel after the other works in.
    var scratchBytes: Int { Self.aligned((preparation + body + rests.values).map(\.scratchBytes).max() ?? 0) + 64 }
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
