import CKernels

/// A program's memory and kernels for one thread of control. Executables that run parts of a batch beside each other have several.
final class ProgramLane {
    private struct Step {
        var kernel: any Kernel
        var operands: Operands
        /// The kernel's prepared copy holds until the parameters change; otherwise it is made again before each run.
        var preparesOnce: Bool
    }

    private let program: Program
    private let parameters: ParameterStore
    private let arena: FloatBuffer
    /// Where the program writes gradients.
    private let gradients: FloatBuffer?
    private let prepared: UnsafeMutableRawPointer
    private let scratch: UnsafeMutableRawPointer
    private var preparation: [Step] = []
    private var body: [Step] = []
    private var preparedVersion = 0

    init(_ kernels: ProgramKernels, parameters: ParameterStore, gradients: FloatBuffer?) {
        program = kernels.program
        self.parameters = parameters
        self.gradients = gradients
        arena = FloatBuffer(count: program.arenaCount)
        let scratch = UnsafeMutableRawPointer.allocate(byteCount: kernels.scratchBytes, alignment: 64)
        let prepared = UnsafeMutableRawPointer.allocate(byteCount: kernels.preparedBytes, alignment: 64)
        self.scratch = scratch
        self.prepared = prepared
        var nextPrepared = 0
        func steps(_ instructions: [Program.Instruction], _ kernels: [any Kernel]) -> [Step] {
            zip(instructions, kernels).map { instruction, kernel in
                defer { nextPrepared += ProgramKernels.aligned(kernel.preparedBytes) }
                return Step(
                    kernel: kernel,
                    operands: Operands(
                        inputs: instruction.inputs.map(address), outputs: instruction.outputs.map(address),
                        prepared: prepared + nextPrepared, scratch: scratch),
                    preparesOnce: kernel.preparedInput.map(instruction.fixedInputs.contains) ?? true)
            }
        }
        preparation = steps(program.preparation, kernels.preparation)
        body = steps(program.body, kernels.body)
    }

    deinit {
        scratch.deallocate()
        prepared.deallocate()
    }

    func address(_ place: Program.Place) -> UnsafeMutablePointer<Float> {
        switch place.region {
        case .arena: arena.pointer + place.offset
        case .trainable: parameters.trainable.pointer + place.offset
        case .frozen: parameters.frozen.pointer + place.offset
        case .gradients: gradients!.pointer + place.offset
        }
    }

    func run() {
        let isChanged = preparedVersion != parameters.version
        if isChanged {
            for step in preparation {
                if step.kernel.preparedInput != nil { step.kernel.prepare(step.operands) }
                step.kernel.run(step.operands)
            }
            preparedVersion = parameters.version
        }
        for step in body {
            if step.kernel.preparedInput != nil, isChanged || !step.preparesOnce { step.kernel.prepare(step.operands) }
            step.kernel.run(step.operands)
        }
        update()
    }

    /// `run`, adding the seconds of each instruction, what is prepared for it included, to those of `program.preparation`, of
    /// `program.body`, and at last the updates'.
    func run(addingTo seconds: inout [Double], clock: () -> Double) {
        let isChanged = preparedVersion != parameters.version
        for (row, step) in (preparation + body).enumerated() {
            let isFixed = row < preparation.count
            let began = clock()
            if step.kernel.preparedInput != nil, isChanged || (!isFixed && !step.preparesOnce) { step.kernel.prepare(step.operands) }
            if isChanged || !isFixed { step.kernel.run(step.operands) }
            seconds[row] += clock() - began
        }
        preparedVersion = parameters.version
        let began = clock()
        update()
        seconds[preparation.count + body.count] += clock() - began
    }

    /// The copies after the body.
    private func update() {
        for update in program.updates { address(update.to).update(from: address(update.from), count: update.from.shape.count) }
        if program.updates.contains(where: { $0.to.region != .gradients }) { parameters.markChanged() }
    }
}
