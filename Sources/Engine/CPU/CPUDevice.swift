import CKernels
import COneDNN
import Documents
import Glibc

/// The processor as a device: owns the memory of stores and arenas, makes kernels, runs programs and the optimizer pass.
package struct CPUDevice: Sendable {
    package let threads: Int

    package init(threads: Int = 1) {
        self.threads = threads
        halcyon_dnn_set_threads(Int32(threads))
    }

    /// The instruction set that the kernels use, for example `avx512`.
    package static var instructionSet: String { String(cString: halcyon_kernels_isa()) }

    /// The versions of our own kernels; a processor may lack some.
    package static let instructionSets = ["portable", "avx2", "avx512", "amx"]

    /// Runs `body` with our own kernels of one instruction set on the calling thread, so that tests see each version. Nil where
    /// the processor lacks it.
    package static func withInstructionSet<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result? {
        guard halcyon_kernels_force_isa(name) != 0, halcyon_conv_force_isa(name) != 0 else { return nil }
        defer {
            _ = halcyon_kernels_force_isa(nil)
            _ = halcyon_conv_force_isa(nil)
        }
        return try body()
    }

    /// This machine's memory in bytes.
    package static var physicalMemory: Int { sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) }

    /// Makes the kernels of a program and the memory it runs in.
    /// - Parameters:
    ///   - gradients: required where the program computes gradients.
    ///   - memory: the bytes that the program may need at most (`peakBytes`).
    /// - Throws: `InputError` when it needs more; `ShapeError` when a kernel cannot be made.
    package func load(
        _ program: Program, parameters: ParameterStore, gradients: GradientStore? = nil, memory: Int = physicalMemory
    ) throws -> Executable {
        let kernels = try ProgramKernels(program, threads: threads)
        let needed = kernels.peakBytes
        guard needed <= memory else {
            func mebibytes(_ bytes: Int) -> Int { (bytes + (1 << 20) - 1) >> 20 }
            throw InputError(
                "the network needs \(mebibytes(needed)) MiB of memory at this size, this machine has \(memory >> 20) MiB",
                hint: "use a smaller size or batch, or a narrower network")
        }
        return try Executable(kernels, parameters: parameters, gradients: gradients, threads: threads)
    }

    /// The bytes that a program and the stores it works on will take: arena, parameters, prepared weights and scratch; of a training
    /// step also the gradients and the optimizer's moments.
    /// - Throws: `ShapeError` when a kernel cannot be made.
    package func peakBytes(of program: Program) throws -> Int { try ProgramKernels(program, threads: threads).peakBytes }

    /// One Adam step (Kingma and Ba 2015; decoupled weight decay, Loshchilov and Hutter 2019) over flat memory.
    /// - Parameter step: counted from 1.
    package func adam(
        _ store: ParameterStore, _ gradients: GradientStore, state: AdamState, settings: AdamSettings, step: Int,
        gradientScale: Float = 1
    ) {
        halcyon_set_threads(Int32(threads))
        halcyon_adam(
            store.trainable.count, store.trainable.pointer, gradients.buffer.pointer, state.firstMoments.pointer,
            state.secondMoments.pointer, settings.learningRate, settings.beta1, settings.beta2, settings.epsilon,
            settings.weightDecay, step, gradientScale)
        store.markChanged()
    }

    /// One step of stochastic gradient descent with momentum over flat memory, as PyTorch has it: g += weightDecay p,
    /// v = momentum v + g, p -= learningRate v (Polyak 1964; Sutskever et al. 2013, "On the importance of initialization and momentum").
    package func momentumDescent(
        _ store: ParameterStore, _ gradients: GradientStore, velocity: FloatBuffer, learningRate: Double, momentum: Double,
        weightDecay: Double
    ) {
        let (parameters, gradient, velocity) = (store.trainable.pointer, gradients.buffer.pointer, velocity.pointer)
        let (rate, momentum, decay) = (Float(learningRate), Float(momentum), Float(weightDecay))
        for i in 0..<store.trainable.count {
            let v: Float = momentum * velocity[i] + (gradient[i] + decay * parameters[i])
            velocity[i] = v
            parameters[i] -= rate * v
        }
        store.markChanged()
    }
}

package struct AdamSettings: Sendable, Equatable {
    package var learningRate: Double
    package var beta1: Double
    package var beta2: Double
    package var epsilon: Double
    package var weightDecay: Double

    package init(
        learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }
}

/// Adam's moments, laid out as the store's trainable memory.
package final class AdamState {
    package let firstMoments: FloatBuffer
    package let secondMoments: FloatBuffer

    package init(for store: ParameterStore) {
        firstMoments = FloatBuffer(count: store.trainable.count)
        secondMoments = FloatBuffer(count: store.trainable.count)
        FloatBuffer.prefault([firstMoments, secondMoments].map { ($0, 0..<$0.count) })
    }
}
