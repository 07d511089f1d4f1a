import Documents
import Engine
import Imaging
import Networks
import RandomStreams

/// A network with its first weights, those that a training from the same seed begins with, and one batch of training patches: what
/// zero-cost scores look at.
package struct UntrainedNetwork {
    package let architecture: Architecture
    /// With the loss.
    package let recipe: Recipe
    package let seed: UInt64
    /// The training-mode graph.
    package let graph: Graph
    /// By the names of a training step's inputs: `image`, `target`, `noise-map`, `mask`, of at most `batchLimit` patches.
    package let batch: [String: Tensor<Float>]

    /// Patches that are looked at; the kernel of `naswot` has a row for each.
    package static let batchLimit = 16

    /// - Parameters:
    ///   - images: the training pictures, with the architecture's channels, none smaller than the crop.
    ///   - noise: nil where the pictures are pairs.
    package init(
        _ architecture: Architecture, recipe: Recipe, images: ImageSet, noise: (any NoiseModel)?, crop: Int, seed: UInt64
    ) throws {
        self.architecture = architecture
        self.recipe = recipe
        self.seed = seed
        graph = try buildGraph(architecture)
        let source = BatchSource(
            images: images, noise: noise, crop: crop, batchSize: min(recipe.batch, Self.batchLimit), augmentation: recipe.augment,
            supervision: recipe.supervision, seed: seed)
        let buffers = BatchSource.Buffers(for: source)
        defer { buffers.deallocate() }
        try source.batch(step: 1, into: buffers)
        let maps: Shape = [source.batchSize, crop, crop, source.channels]
        var batch = ["image": Tensor(maps, Array(buffers.noisy)), "target": Tensor(maps, Array(buffers.target))]
        batch["noise-map"] = Tensor([source.batchSize, crop, crop, 1], buffers.levels.map { $0 / 255 })
        if !buffers.mask.isEmpty { batch["mask"] = Tensor(maps, Array(buffers.mask)) }
        self.batch = batch
    }

    /// The first weights, for a graph of this network.
    func parameters(_ specifications: [ParameterSpecification]) -> ParameterStore {
        ParameterStore(specifications, stream: RandomStream(seed: seed).split("parameters"))
    }

    /// Runs a graph, as it is, on inputs.
    /// - Returns: its outputs by name.
    /// - Throws: `InputError` where the network cannot take patches of this size.
    func run(_ graph: Graph, inputs: [String: Tensor<Float>], parameters: ParameterStore) throws -> [String: [Float]] {
        do {
            let program = try Compiler.compile(graph, inputs: inputs.mapValues(\.shape), options: CompileOptions(fusion: false))
            let executable = try CPUDevice().load(program, parameters: parameters)
            executable.fill(inputs)
            executable.run()
            return Dictionary(uniqueKeysWithValues: graph.outputs.map { ($0.name, Array(executable.output($0.name))) })
        } catch let error as ShapeError {
            throw InputError("the network cannot be scored on these patches: \(error.description)", hint: "use larger patches")
        }
    }
}

extension Executable {
    /// Writes those of the inputs that the program has.
    func fill(_ inputs: [String: Tensor<Float>]) {
        for (name, tensor) in inputs where program.inputs[name] != nil { _ = input(name).update(fromContentsOf: tensor.elements) }
    }
}

extension ParameterSpecification {
    /// Whether it is a weight, of a convolution or a matrix product, and not a bias or a normalization's.
    var isWeight: Bool { trainable && shape.rank > 1 }
}
