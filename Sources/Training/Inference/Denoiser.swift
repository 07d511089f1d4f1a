import Documents
import Engine
import Imaging
import Networks
import RandomStreams

/// A trained network that denoises pictures of any size, on the thread that calls it.
///
/// One program is compiled for each picture size and kept (the latest few, up to 512 MiB). Gray networks take RGB pictures channel by
/// channel. Large pictures are run in tiles that overlap by the network's receptive field, so memory stays bounded and the
/// pixels are the same.
package final class Denoiser {
    private static let keptSizes = 4
    private static let keptBytes = 512 << 20

    package let architecture: Architecture
    package let parameters: ParameterStore
    package let threads: Int
    /// Pictures of more pixels are run in tiles.
    package var wholePixels = 1 << 20
    private let graph: Graph
    private var executables: [(height: Int, width: Int, executable: Executable)] = []

    /// A network with the parameters of a store, which may go on changing (a training's).
    package init(_ architecture: Architecture, parameters: ParameterStore, threads: Int = 1) throws {
        self.architecture = architecture
        self.parameters = parameters
        self.threads = threads
        graph = try buildGraph(architecture).forInference()
    }

    /// A network with weights drawn from a seed, to measure speed with.
    package convenience init(_ architecture: Architecture, seed: UInt64, threads: Int = 1) throws {
        let store = ParameterStore(
            try buildGraph(architecture).parameters, stream: RandomStream(seed: seed).split("parameters"))
        try self.init(architecture, parameters: store, threads: threads)
    }

    /// A network with the given weights.
    package convenience init(_ architecture: Architecture, tensors: [NamedTensor], path: String, threads: Int = 1) throws {
        try self.init(architecture, seed: 0, threads: threads)
        try parameters.load(tensors, path: path)
    }

    /// Loads a `model.h5`, or a `.safetensors` file with its architecture.
    /// - Throws: `InputError` that names the file.
    package static func load(_ path: String, architecture: Architecture? = nil, threads: Int = 1) throws -> Denoiser {
        if path.hasSuffix(".safetensors") {
            guard let architecture else {
                throw InputError(
                    file: path, "a .safetensors file holds weights without their network",
                    hint: "name the network with --architecture FILE")
            }
            return try Denoiser(architecture, tensors: SafetensorsFile.read(path), path: path, threads: threads)
        }
        let model = try ModelFile.read(path)
        return try Denoiser(
            architecture ?? Architecture(model.architecture), tensors: model.tensors, path: path, threads: threads)
    }

    /// The denoised picture, neither clamped nor rounded.
    /// - Parameters:
    ///   - sigma: the noise level on the 0...255 scale, for networks with a noise map.
    ///   - progress: called with the part that is done, 0...1, after each tile.
    /// - Throws: `InputError` when the picture has channels that the network cannot take, or the noise level is missing.
    package func denoise(_ image: Image, sigma: Double? = nil, progress: (Double) -> Void = { _ in }) throws -> Image {
        if image.channels == architecture.network.inputChannels { return try run(image, sigma: sigma, progress: progress) }
        guard architecture.network.inputChannels == 1 else {
            throw InputError(
                "the network takes pictures of \(architecture.network.inputChannels) channels, this one has \(image.channels)",
                hint: "use a gray network for gray pictures")
        }
        let channels = Double(image.channels)
        return Image(
            stacking: try (0..<image.channels).map { channel in
                try run(image.channel(channel), sigma: sigma) { progress((Double(channel) + $0) / channels) }
            })
    }

    private func run(_ image: Image, sigma: Double?, progress: (Double) -> Void) throws -> Image {
        defer { progress(1) }
        if image.height * image.width <= wholePixels { return try runWhole(image, sigma: sigma) }
        guard let radius = try receptiveRadius() else { return try runWhole(image, sigma: sigma) }
        let multiple = architecture.network.sizeMultiple
        func rounded(_ size: Int) -> Int { (size + multiple - 1) / multiple * multiple }
        let halo = rounded(radius)
        // Tiles start at multiples of the size multiple, so that pooling sees the same windows as in the whole picture.
        let side = rounded(max(2 * halo, Int(Double(wholePixels).squareRoot()) / 2))
        var result = Image(height: image.height, width: image.width, channels: image.channels, filledWith: 0)
        for top in stride(from: 0, to: image.height, by: side) {
            for left in stride(from: 0, to: image.width, by: side) {
                let (firstRow, firstColumn) = (max(0, top - halo), max(0, left - halo))
                let (endRow, endColumn) = (min(image.height, top + side + halo), min(image.width, left + side + halo))
                let tile = try runWhole(
                    image.cropped(top: firstRow, left: firstColumn, height: endRow - firstRow, width: endColumn - firstColumn),
                    sigma: sigma)
                let (rows, columns) = (min(side, image.height - top), min(side, image.width - left))
                progress(Double(top * image.width + left * rows) / Double(image.height * image.width))
                for row in 0..<rows {
                    let source = ((top - firstRow + row) * tile.width + left - firstColumn) * tile.channels
                    let target = ((top + row) * image.width + left) * image.channels
                    let count = columns * image.channels
                    result.pixels.replaceSubrange(target..<target + count, with: tile.pixels[source..<source + count])
                }
            }
        }
        return result
    }

    /// Nil where only the whole picture gives the same pixels.
    private func receptiveRadius() throws -> Int? {
        let multiple = architecture.network.sizeMultiple
        let probe = (64 + multiple - 1) / multiple * multiple
        return try graph.receptiveRadius(inputs: architecture.inputShapes(height: probe, width: probe, batch: 1))
    }

    private func runWhole(_ image: Image, sigma: Double?) throws -> Image {
        let executable = try executable(height: image.height, width: image.width)
        _ = executable.input("image").update(fromContentsOf: image.pixels)
        if architecture.network.hasNoiseMap {
            guard let sigma else {
                throw InputError("the network has a noise map and needs to know the noise level", hint: "give it with --sigma")
            }
            executable.input("noise-map").update(repeating: Float(sigma / 255))
        }
        executable.run()
        return Image(
            height: image.height, width: image.width, channels: image.channels, pixels: Array(executable.output("image")))
    }

    /// The program for one picture of a size, compiled when it is first asked for.
    package func executable(height: Int, width: Int) throws -> Executable {
        if let known = executables.firstIndex(where: { $0.height == height && $0.width == width }) {
            let entry = executables.remove(at: known)
            executables.append(entry)
            return entry.executable
        }
        do {
            let program = try Compiler.compile(
                graph, inputs: architecture.inputShapes(height: height, width: width, batch: 1),
                options: CompileOptions(threads: threads))
            var bytes = executables.reduce(program.arenaBytes) { $0 + $1.executable.program.arenaBytes }
            while !executables.isEmpty, executables.count >= Self.keptSizes || bytes > Self.keptBytes {
                bytes -= executables.removeFirst().executable.program.arenaBytes
            }
            let executable = try CPUDevice(threads: threads).load(program, parameters: parameters)
            executables.append((height, width, executable))
            return executable
        } catch let error as ShapeError {
            throw InputError("the network cannot take pictures of \(height)x\(width): \(error.description)", hint: "use a larger picture")
        }
    }
}
