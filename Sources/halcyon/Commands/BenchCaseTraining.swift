import Engine
import Networks
import RandomStreams

/// The training steps of a case.
extension BenchCase {
    /// What a dynamic network's decisions aim at: full depth.
    static let budget = 1.0

    /// The compiled program, as training runs it. Each `advance` is a step of Adam; `run` alone changes no parameter.
    func compiledTraining(
        _ options: CompileOptions, _ settings: AdamSettings
    ) throws -> (program: Program, run: () -> Void, advance: () -> TrainingStepValues<Float>) {
        let program = try Compiler.compileTraining(
            graph, architecture.objective(.l2, budget: Self.budget), inputs: inputs.mapValues(\.shape), options: options)
        let device = CPUDevice(threads: options.threads)
        let gradients = GradientStore(for: parameters)
        let executable = try device.load(program, parameters: parameters, gradients: gradients)
        let state = AdamState(for: parameters)
        fill(executable)
        var step = 0
        func advance() -> TrainingStepValues<Float> {
            step += 1
            executable.run()
            let values = TrainingStepValues(executable, parameters: parameters, gradients: gradients)
            device.adam(parameters, gradients, state: state, settings: settings, step: step)
            return values
        }
        return (program, executable.run, advance)
    }

    /// The definitions in Float64, from the same numbers, or with a disturbance from ones that differ from them by up to a part in 2^19:
    /// twice what Float32 kernels lose of an output (`WinogradKernels.h`).
    func interpretedTraining(_ settings: AdamSettings, disturbance: RandomStream? = nil) throws -> () -> TrainingStepValues<Double> {
        func exact(_ tensors: [String: Tensor<Float>]) -> [String: Tensor<Double>] {
            Dictionary(
                uniqueKeysWithValues: tensors.map { name, tensor in
                    var stream = disturbance?.split(name)
                    let elements = tensor.elements.map { value in
                        let factor = stream.map { _ in 1 + (2 * stream!.uniform() - 1) * 0x1p-19 } ?? 1
                        return Double(value) * factor
                    }
                    return (name, Tensor(tensor.shape, elements))
                })
        }
        var training = ReferenceTraining<Double>(
            graph, try architecture.objective(.l2, budget: Self.budget), parameters: exact(parameters.tensors), settings: settings)
        let inputs = exact(inputs)
        return { training.advance(inputs) }
    }
}
