import Documents

/// What a compiled graph is: instructions over places, for fixed shapes. Data only: no pointers, no weights.
package struct Program: Sendable {
    /// Memory that a place lies in. Offsets are in floats.
    package enum Region: Sendable, Hashable {
        /// The program's own memory.
        case arena
        case trainable, frozen
        /// The gradient store, laid out as `trainable`.
        case gradients
    }

    package struct Place: Sendable, Hashable {
        package var region: Region
        package var offset: Int
        package var shape: Shape
        /// Floats from one pixel to the next.
        package var pitch: Int
    }

    package struct Instruction: Sendable {
        package var operation: any Operation
        package var inputs: [Place]
        package var outputs: [Place]
        package var path: String
        /// Inputs that depend on parameters alone: what is prepared from them holds until the parameters change.
        package var fixedInputs: Set<Int>

        /// Multiply-accumulates of one run.
        package var macs: Int { operation.macs(inputs.map(\.shape), outputs.map(\.shape)) }
        /// The bytes that it must at least read and write: each place once a direction.
        package var bytes: Int { Self.bytes(inputs) + Self.bytes(outputs) }

        private static func bytes(_ places: [Place]) -> Int {
            Set(places).reduce(0) { $0 + max(1, $1.shape.count) } * MemoryLayout<Float>.stride
        }
    }

    /// Instructions that depend on parameters alone, run when the parameters changed.
    package var preparation: [Instruction]
    package var body: [Instruction]
    package var inputs: [String: Place]
    package var outputs: [String: Place]
    /// Copies after the body: batch norm's new running statistics into their buffers.
    package var updates: [(from: Place, to: Place)]
    package var parameters: [ParameterSpecification]
    package var threads: Int
    package var precision: Precision
    /// Floats of the arena.
    package var arenaCount: Int
    /// Multiply-accumulates of one run.
    package var macs: Int
    /// The rewrites that its graph went through, in their order; none without fusion.
    package var rewrites: [AppliedRewrite]

    package var arenaBytes: Int { arenaCount * MemoryLayout<Float>.stride }
    /// The arena and the parameters; without the scratch memory that single kernels borrow from their library.
    package var peakBytes: Int { arenaBytes + parameters.reduce(0) { $0 + $1.shape.count } * MemoryLayout<Float>.stride }
    /// The memory of a training step: `peakBytes`, the gradients and the optimizer's two moments.
    package var trainingPeakBytes: Int {
        peakBytes + 3 * parameters.filter(\.trainable).reduce(0) { $0 + $1.shape.count } * MemoryLayout<Float>.stride
    }
}
