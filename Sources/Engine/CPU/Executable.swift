import CKernels
import COneDNN

/// A program with its memory and kernels, ready to run on the calling thread.
package final class Executable {
    package let program: Program
    private let lanes: [ProgramLane]
    /// Of a batch that is run in parts.
    private let parts: BatchMemory?
    private let threads: Int

    /// The bytes of everything that it and the stores it works on take.
    package let peakBytes: Int

    init(_ kernels: ProgramKernels, parameters: ParameterStore, gradients: GradientStore?, threads: Int) throws {
        precondition(parameters.specifications == kernels.program.parameters, "the store belongs to another graph")
        program = kernels.program
        peakBytes = kernels.peakBytes
        self.threads = threads
        guard program.parts > 1 else {
            parts = nil
            lanes = [ProgramLane(kernels, parameters: parameters, gradients: gradients?.buffer)]
            return
        }
        let memory = BatchMemory(program, gradients: gradients!)
        parts = memory
        lanes = try memory.laneGradients.enumerated().map { number, gradients in
            let kernels = number == 0 ? kernels : try ProgramKernels(kernels.program, threads: threads)
            return ProgramLane(kernels, parameters: parameters, gradients: gradients)
        }
    }

    /// Memory of its own: arena, prepared weights and scratch are not shared with other executables.
    package func input(_ name: String) -> UnsafeMutableBufferPointer<Float> {
        guard let place = program.inputs[name] else { preconditionFailure("no input \(name)") }
        let memory = parts?.inputs[name]?.pointer ?? lanes[0].address(place)
        return UnsafeMutableBufferPointer(start: memory, count: place.shape.count * program.parts)
    }

    /// An output; valid until the next run.
    package func output(_ name: String) -> UnsafeBufferPointer<Float> {
        guard let place = program.outputs[name] else { preconditionFailure("no output \(name)") }
        let memory = parts?.outputs[name]?.pointer ?? lanes[0].address(place)
        return UnsafeBufferPointer(start: memory, count: program.wholeShape(place.shape).count)
    }

    package func run() {
        setThreads()
        guard let parts else { return lanes[0].run() }
        parts.run(lanes) { $0.run() }
    }

    /// Runs it step by step, with `between` after each run (an optimizer's pass), and gives the seconds of each run for every
    /// instruction, what is prepared for it included: those of `program.preparation`, of `program.body`, and the updates'. Of a batch
    /// in parts, the seconds of the first thread's parts.
    package func profile(runs: Int, clock: () -> Double, between: () -> Void) -> [(instruction: Program.Instruction?, seconds: [Double])] {
        setThreads()
        var rows = (program.preparation + program.body).map { (instruction: Optional($0), seconds: [Double]()) }
        rows.append((instruction: nil, seconds: []))
        for _ in 0..<runs {
            var seconds = [Double](repeating: 0, count: rows.count)
            if let parts {
                parts.run(lanes) { $0 === lanes[0] ? $0.run(addingTo: &seconds, clock: clock) : $0.run() }
            } else {
                lanes[0].run(addingTo: &seconds, clock: clock)
            }
            for row in rows.indices { rows[row].seconds.append(seconds[row]) }
            between()
        }
        return rows
    }

    private func setThreads() {
        halcyon_set_threads(Int32(threads))
        halcyon_dnn_set_threads(Int32(threads))
    }
}
