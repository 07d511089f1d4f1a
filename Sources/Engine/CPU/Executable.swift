import CKernels
import COneDNN

/// A program with its memory and kernels, ready to run on the calling thread.
package final class Executable {
    private struct Step {
        var kernel: any Kernel
        var operands: Operands
        /// The kernel's prepared copy holds until the parameters change; otherwise it is made again before each run.
        var preparesOnce: Bool
        var path: String
    }

    /// Everything that a place may lie in.
    private struct Memory {
        let arena: FloatBuffer
        let parameters: ParameterStore
        let gradients: GradientStore?

        func address(_ place: Program.Place) -> UnsafeMutablePointer<Float> {
            switch place.region {
            case .arena: arena.pointer + place.offset
            case .trainable: parameters.trainable.pointer + place.offset
            case .frozen: parameters.frozen.pointer + place.offset
            case .gradients: gradients!.buffer.pointer + place.offset
            }
        }
    }

    package let program: Program
    private let parameters: ParameterStore
    private let memory: Memory
    private let prepared: UnsafeMutableRawPointer
    private let scratch: UnsafeMutableRawPointer
    private var preparation: [Step] = []
    private var body: [Step] = []
    private var preparedVersion = 0
    private let threads: Int

    init(_ program: Program, parameters: ParameterStore, gradients: GradientStore?, threads: Int) throws {
        precondition(parameters.specifications == program.parameters, "the store belongs to another graph")
        self.program = program
        self.parameters = parameters
        self.threads = threads
        halcyon_set_threads(Int32(threads))
        let arena = FloatBuffer(count: program.arenaCount)
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
        func aligned(_ bytes: Int) -> Int { (bytes + 63) / 64 * 64 }
        let preparationKernels = try kernels(program.preparation)
        let bodyKernels = try kernels(program.body)
        let all = preparationKernels + bodyKernels
        let scratch = UnsafeMutableRawPointer.allocate(byteCount: aligned(all.map(\.scratchBytes).max() ?? 0) + 64, alignment: 64)
        let prepared = UnsafeMutableRawPointer.allocate(byteCount: all.reduce(64) { $0 + aligned($1.preparedBytes) }, alignment: 64)
        self.scratch = scratch
        self.prepared = prepared
        let memory = Memory(arena: arena, parameters: parameters, gradients: gradients)
        self.memory = memory
        var nextPrepared = 0
        func steps(_ instructions: [Program.Instruction], _ kernels: [any Kernel]) -> [Step] {
            zip(instructions, kernels).map { instruction, kernel in
                defer { nextPrepared += aligned(kernel.preparedBytes) }
                return Step(
                    kernel: kernel,
                    operands: Operands(
                        inputs: instruction.inputs.map(memory.address), outputs: instruction.outputs.map(memory.address),
                        prepared: prepared + nextPrepared, scratch: scratch),
                    preparesOnce: kernel.preparedInput.map(instruction.fixedInputs.contains) ?? true, path: instruction.path)
            }
        }
        preparation = steps(program.preparation, preparationKernels)
        body = steps(program.body, bodyKernels)
    }

    deinit {
        scratch.deallocate()
        prepared.deallocate()
    }

    /// Memory of its own: arena, prepared weights and scratch are not shared with other executables.
    package func input(_ name: String) -> UnsafeMutableBufferPointer<Float> {
        guard let place = program.inputs[name] else { preconditionFailure("no input \(name)") }
        return UnsafeMutableBufferPointer(start: memory.address(place), count: place.shape.count)
    }

    /// An output; valid until the next run.
    package func output(_ name: String) -> UnsafeBufferPointer<Float> {
        guard let place = program.outputs[name] else { preconditionFailure("no output \(name)") }
        return UnsafeBufferPointer(start: memory.address(place), count: place.shape.count)
    }

    package func run() {
        halcyon_set_threads(Int32(threads))
        halcyon_dnn_set_threads(Int32(threads))
        if preparedVersion != parameters.version {
            for step in preparation {
                if step.kernel.preparedInput != nil { step.kernel.prepare(step.operands) }
                step.kernel.run(step.operands)
            }
            for step in body where step.preparesOnce && step.kernel.preparedInput != nil { step.kernel.prepare(step.operands) }
            preparedVersion = parameters.version
        }
        for step in body {
            if !step.preparesOnce { step.kernel.prepare(step.operands) }
            step.kernel.run(step.operands)
        }
        update()
    }

    /// Runs it step by step, with `between` after each run (an optimizer's pass), and gives the seconds of each run for every
    /// instruction, what is prepared for it included: those of `program.preparation`, of `program.body`, and the updates'.
    package func profile(runs: Int, clock: () -> Double, between: () -> Void) -> [(instruction: Program.Instruction?, seconds: [Double])] {
        halcyon_set_threads(Int32(threads))
        halcyon_dnn_set_threads(Int32(threads))
        var rows = (program.preparation + program.body).map { (instruction: Optional($0), seconds: [Double]()) }
        rows.append((instruction: nil, seconds: []))
        for _ in 0..<runs {
            let changed = preparedVersion != parameters.version
            for (row, step) in (preparation + body).enumerated() {
                let isFixed = row < preparation.count
                let began = clock()
                if step.kernel.preparedInput != nil, changed || !step.preparesOnce { step.kernel.prepare(step.operands) }
                if changed || !isFixed { step.kernel.run(step.operands) }
                rows[row].seconds.append(clock() - began)
            }
            preparedVersion = parameters.version
            let began = clock()
            update()
            rows[rows.count - 1].seconds.append(clock() - began)
            between()
        }
        return rows
    }

    /// The copies after the body.
    private func update() {
        for update in program.updates {
            memory.address(update.to).update(from: memory.address(update.from), count: update.from.shape.count)
        }
        if program.updates.contains(where: { $0.to.region != .gradients }) { parameters.markChanged() }
    }
}
