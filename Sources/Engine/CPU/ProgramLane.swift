import CKernels

/// A program's memory and kernels for one thread of control. Executables that run parts of a batch beside each other have several.
final class ProgramLane {
    private struct Step {
        var kernel: any Kernel
        var operands: Operands
        /// The kernel's prepared copy holds until the parameters change; otherwise it is made again before each run.
        var preparesOnce: Bool
        /// For the last strip of pixels where it is shorter.
        var restKernel: (any Kernel)?
        let stripSteps: (inputs: [Int?], outputs: [Int?])

        /// Goes on by so many pixels.
        mutating func move(by pixels: Int) {
            for index in stripSteps.inputs.indices {
                if let step = stripSteps.inputs[index] { operands.inputs[index] += step * pixels }
            }
            for index in stripSteps.outputs.indices {
                if let step = stripSteps.outputs[index] { operands.outputs[index] += step * pixels }
            }
        }
    }

    private let program: Program
    private let parameters: ParameterStore
    private let arena: FloatBuffer
    /// Where the program writes gradients.
    private let gradients: FloatBuffer?
    private let prepared: FloatBuffer
    private let scratch: UnsafeMutableRawPointer
    private var preparation: [Step] = []
    private var body: [Step] = []
    private var preparedVersion = 0
    /// What the instructions write first, in their order, until the first run.
    private var firstUses: FloatBuffer.Parts = []

    init(_ kernels: ProgramKernels, parameters: ParameterStore, gradients: FloatBuffer?) {
        program = kernels.program
        self.parameters = parameters
        self.gradients = gradients
        arena = FloatBuffer(count: program.arenaCount)
        scratch = .allocate(byteCount: kernels.scratchBytes, alignment: 64)
        prepared = FloatBuffer(count: kernels.preparedBytes / MemoryLayout<Float>.stride)
        var nextPrepared = 0
        func steps(
            _ instructions: [Program.Instruction], _ kernels: [any Kernel], _ rests: [Int: any Kernel] = [:]
        ) -> [Step] {
            instructions.enumerated().map { position, instruction in
                let kernel = kernels[position]
                defer { nextPrepared += ProgramKernels.aligned(kernel.preparedBytes) }
                let first = nextPrepared / MemoryLayout<Float>.stride
                firstUses.append((prepared, first..<first + kernel.preparedBytes / MemoryLayout<Float>.stride))
                firstUses += instruction.outputs.map { (buffer($0.region), $0.values) }
                return Step(
                    kernel: kernel,
                    operands: Operands(
                        inputs: instruction.inputs.map(address), outputs: instruction.outputs.map(address),
                        prepared: UnsafeMutableRawPointer(prepared.pointer) + nextPrepared, scratch: scratch),
                    preparesOnce: kernel.preparedInput.map(instruction.fixedInputs.contains) ?? true, restKernel: rests[position],
                    stripSteps: instruction.stripSteps)
            }
        }
        preparation = steps(program.preparation, kernels.preparation)
        body = steps(program.body, kernels.body, kernels.rests)
    }

    deinit {
        scratch.deallocate()
    }

    func address(_ place: Program.Place) -> UnsafeMutablePointer<Float> { buffer(place.region).pointer + place.offset }

    private func buffer(_ region: Program.Region) -> FloatBuffer {
        switch region {
        case .arena: arena
        case .trainable: parameters.trainable
        case .frozen: parameters.frozen
        case .gradients: gradients!
        }
    }

    func run() { run { _, work in work() } }

    /// `run`, adding the seconds of each instruction, what is prepared for it included, to those of `program.preparation`, of
    /// `program.body`, and at last the updates'.
    func run(addingTo seconds: inout [Double], clock: () -> Double) {
        run { row, work in
            let began = clock()
            work()
            seconds[row] += clock() - began
        }
    }

    /// Runs all; `around` is given each piece of work with its row.
    @inline(__always)
    private func run(_ around: (_ row: Int, _ work: () -> Void) -> Void) {
        let isFirst = !firstUses.isEmpty
        // The parts of a batch use the same memory many times in the first step.
        let startsSmall = program.parts == 1
        if isFirst { FloatBuffer.prefault(firstUses, inSmallPages: startsSmall) }
        defer {
            if isFirst {
                if startsSmall { FloatBuffer.enlargePages(firstUses) }
                firstUses = []
            }
        }
        let isChanged = preparedVersion != parameters.version
        if isChanged {
            for (row, step) in preparation.enumerated() {
                around(row) {
                    if step.kernel.preparedInput != nil { step.kernel.prepare(step.operands) }
                    step.kernel.run(step.operands)
                }
            }
            preparedVersion = parameters.version
        }
        func runBody(_ positions: Range<Int>, rest: Bool = false) {
            for position in positions {
                around(preparation.count + position) {
                    let kernel = rest ? body[position].restKernel! : body[position].kernel
                    kernel.run(body[position].operands)
                }
            }
        }
        func prepare(_ positions: Range<Int>) {
            for position in positions where body[position].kernel.preparedInput != nil {
                guard isChanged || !body[position].preparesOnce else { continue }
                around(preparation.count + position) { body[position].kernel.prepare(body[position].operands) }
            }
        }
        func runEach(_ positions: Range<Int>) {
            for position in positions {
                prepare(position..<position + 1)
                runBody(position..<position + 1)
            }
        }
        var next = 0
        for strips in program.strips {
            runEach(next..<strips.instructions.lowerBound)
            prepare(strips.instructions)
            let whole = strips.total / strips.pixels
            for _ in 0..<whole {
                runBody(strips.instructions)
                for position in strips.instructions { body[position].move(by: strips.pixels) }
            }
            if strips.rest > 0 { runBody(strips.instructions, rest: true) }
            for position in strips.instructions { body[position].move(by: -whole * strips.pixels) }
            next = strips.instructions.upperBound
        }
        runEach(next..<body.count)
        around(preparation.count + body.count) { update() }
    }

    /// The copies after the body.
    private func update() {
        for update in program.updates { address(update.to).update(from: address(update.from), count: update.from.shape.count) }
        if program.updates.contains(where: { $0.to.region != .gradients }) { parameters.markChanged() }
    }
}
