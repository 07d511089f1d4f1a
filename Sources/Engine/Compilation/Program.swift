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

        /// From its first value to its last, what lies between its pixels included.
        var values: Range<Int> { offset..<offset + (shape.pixels - 1) * pitch + shape.channels }
    }

    package struct Instruction: Sendable {
        package var operation: any Operation
        package var inputs: [Place]
        package var outputs: [Place]
        package var path: String
        /// Inputs that depend on parameters alone: what is prepared from them holds until the parameters change.
        package var fixedInputs: Set<Int>
        /// In strips, for each input and output: how many floats the next pixel's start is on: its pitch, 0 for memory of one strip
        /// only; nil for what is the same for all pixels.
        var stripSteps: (inputs: [Int?], outputs: [Int?]) = ([], [])

        /// Multiply-accumulates of one run.
        package var macs: Int { operation.macs(inputs.map(\.shape), outputs.map(\.shape)) }
        /// The bytes that it must at least read and write: each place once a direction.
        package var bytes: Int { Self.bytes(inputs) + Self.bytes(outputs) }

        private static func bytes(_ places: [Place]) -> Int {
            Set(places).reduce(0) { $0 + max(1, $1.shape.count) } * MemoryLayout<Float>.stride
        }
    }

    /// How many equal parts the batch is run in, one after another: places hold one part, gradients and scalar outputs are means
    /// over the parts (`BatchParts`). 1: the whole batch at once.
    package var parts = 1
    /// Instructions that are run one after the other for a strip of pixels, and then for the next.
    struct Strips: Sendable {
        /// Positions in the body.
        var instructions: Range<Int>
        /// Of a strip, and of all.
        var pixels: Int
        var total: Int
        var rest: Int { total % pixels }
    }

    /// Instructions that depend on parameters alone, run when the parameters changed.
    package var preparation: [Instruction]
    package var body: [Instruction]
    /// In order (`StripPlan`).
    var strips: [Strips] = []
    package var inputs: [String: Place]
    package var outputs: [String: Place]
    /// Copies after the body: batch norm's new running statistics into their buffers.
    package var updates: [(from: Place, to: Place)]
    package var parameters: [ParameterSpecification]
    package var threads: Int
    package var precision: Precision
    /// Whether it is a training step's.
    package var computesGradients: Bool
    /// Floats of a lane's arena.
    package var arenaCount: Int
    /// Multiply-accumulates of one run of the whole batch.
    package var macs: Int
    /// The rewrites that its graph went through, in their order; none without fusion.
    package var rewrites: [AppliedRewrite]

    /// Threads that each run parts of their own.
    package var lanes: Int { min(threads, parts) }
    package var inputShapes: [String: Shape] { inputs.mapValues { wholeShape($0.shape) } }
    package var outputShapes: [String: Shape] { outputs.mapValues { wholeShape($0.shape) } }

    /// The whole batch's shape of an input or output.
    func wholeShape(_ part: Shape) -> Shape { part.rank == 4 ? part.with(batch: part.batch * parts) : part }

    /// Of one lane.
    package var arenaBytes: Int { arenaCount * MemoryLayout<Float>.stride }
}
