/// What a kernel is made for: shapes and pixel pitches (floats from one pixel to the next), one thread count.
package struct KernelContext {
    package struct View {
        package var shape: Shape
        package var pitch: Int
    }

    package var inputs: [View]
    package var outputs: [View]
    package var threads: Int
    package var precision = Precision.f32
}

/// Where a kernel's operands lie. Fixed for the life of an executable.
package struct Operands {
    package var inputs: [UnsafeMutablePointer<Float>]
    package var outputs: [UnsafeMutablePointer<Float>]
    /// `preparedBytes` that keep their content between runs.
    package var prepared: UnsafeMutableRawPointer
    /// `scratchBytes`, undefined before and after.
    package var scratch: UnsafeMutableRawPointer
}

/// The fast form of one node for fixed shapes.
package protocol Kernel: AnyObject {
    var scratchBytes: Int { get }
    /// Memory for a derived copy of the weights, rebuilt by `prepare` when their source changes.
    var preparedBytes: Int { get }
    /// The input that `prepare` reads, nil when there is nothing to prepare.
    var preparedInput: Int? { get }
    func prepare(_ operands: Operands)
    func run(_ operands: Operands)
}

/// A kernel without state: one call.
final class FunctionKernel: Kernel {
    let scratchBytes: Int
    let preparedBytes = 0
    let preparedInput: Int? = nil
    private let body: (Operands) -> Void

    init(scratchBytes: Int = 0, _ body: @escaping (Operands) -> Void) {
        self.scratchBytes = scratchBytes
        self.body = body
    }

    func prepare(_ operands: Operands) {}
    func run(_ operands: Operands) { body(operands) }
}
