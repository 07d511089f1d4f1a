import Documents
import Engine
import Imaging
import Networks
import RandomStreams

/// A trained network that denoises pictures of any size, on the thread that calls it.
///
/// One program is compiled for each picture size and kept (the latest few, up to 512 MiB). Gray networks take RGB pictures channel by
/// channel. Large pictures are run in tiles that overlap by the network's receptive field, so memory stays bounded and the
/// pixels are the same. Networks that reach over the whole image (squeeze-and-excite, windows that wrap around) are run whole
/// as long as that takes at most `wholeBytes`; beyond, in overlapping tiles all the same, which is an approximation: what such a
/// network gathers from the image, it then gathers from the tile.
/// A dynamic network's router first decides for each picture how deep it goes; what lies deeper is not run.
package final class Denoiser {
    private static let keptSizes = 4
    private static let keptBytes = 512 << 20

    package let architecture: Architecture
    package let parameters: ParameterStore
    package let threads: Int
    /// Pictures of more pixels are run in tiles, where tiles give the same pixels.
    package var wholePixels = 1 << 20
    /// Pictures that take more working memory are run in tiles, where only the whole picture gives the same pixels.
    package var wholeBytes = 2 << 30
    /// A dynamic network leaves at the first exit that is foretold to lose less than this many dB against full depth, which 0
    /// always runs. Nil takes the threshold that training found for its budget.
    package var threshold: Double?
    /// Where pictures leave a static network with deep supervision, counted from 0; nil is the last exit.
    package var exit: Int?
    private let precision: Precision
    private let paths: [Graph]
    private let router: Graph?
    private var radii: [Int: Int?] = [:]
    private var executables: [(part: Part, height: Int, width: Int, executable: Executable)] = []

    /// What is compiled by itself.
    package enum Part: Hashable, Sendable {
        /// From the image to the image of an exit, counted from 0.
        case path(exit: Int)
        /// From the image to the gaps that a dynamic network's router foretells.
        case router
    }

    /// A network with the parameters of a store, which may go on changing (a training's).
    package init(_ architecture: Architecture, parameters: ParameterStore, threads: Int = 1, precision: Precision = .f32) throws {
        self.architecture = architecture
        self.precision = precision
        self.parameters = parameters
        self.threads = threads
        paths = try (0..<architecture.exitCount).map(architecture.inferenceGraph)
        router = architecture.isDynamic ? try architecture.routerGraph() : nil
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
    ///   - exit: where it leaves, counted from 0; nil lets a dynamic network's router decide.
    /// - Throws: `InputError` when the picture has channels that the network cannot take, or the noise level is missing.
    package func denoise(
        _ image: Image, sigma: Double? = nil, exit: Int? = nil, progress: (Double) -> Void = { _ in }
    ) throws -> Image {
        if image.channels == architecture.network.inputChannels {
            return try run(image, sigma: sigma, exit: exit, progress: progress)
        }
        guard architecture.network.inputChannels == 1 else {
            throw InputError(
                "the network takes pictures of \(architecture.network.inputChannels) channels, this one has \(image.channels)",
                hint: "use a gray network for gray pictures")
        }
        let channels = Double(image.channels)
        // One decision, so that the channels of a picture are treated alike.
        let exit = try exit ?? chosenExit(for: (0..<image.channels).map(image.channel), sigma: sigma)
        return Image(
            stacking: try (0..<image.channels).map { channel in
                try run(image.channel(channel), sigma: sigma, exit: exit) { progress((Double(channel) + $0) / channels) }
            })
    }

    private func run(_ image: Image, sigma: Double?, exit: Int?, progress: (Double) -> Void) throws -> Image {
        defer { progress(1) }
        let exit = try exit ?? chosenExit(for: [image], sigma: sigma)
        guard let tiles = try tiles(height: image.height, width: image.width, exit: exit) else {
            return try runWhole(image, sigma: sigma, exit: exit)
        }
        let (side, halo) = (tiles.side, tiles.halo)
        var result = Image(height: image.height, width: image.width, channels: image.channels, filledWith: 0)
        for top in stride(from: 0, to: image.height, by: side) {
            for left in stride(from: 0, to: image.width, by: side) {
                let (firstRow, firstColumn) = (max(0, top - halo), max(0, left - halo))
                let (endRow, endColumn) = (min(image.height, top + side + halo), min(image.width, left + side + halo))
                let tile = try runWhole(
                    image.cropped(top: firstRow, left: firstColumn, height: endRow - firstRow, width: endColumn - firstColumn),
                    sigma: sigma, exit: exit)
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

    /// How a picture is cut for the path to an exit; nil where it is run whole.
    private func tiles(height: Int, width: Int, exit: Int) throws -> TilePlan? {
        let multiple = architecture.network.sizeMultiple
        if let radius = try receptiveRadius(exit: exit) {
            guard height * width > wholePixels else { return nil }
            return TilePlan(radius: radius, multiple: multiple, pixels: wholePixels)
        }
        guard try executable(.path(exit: exit), height: height, width: width, bound: wholeBytes) == nil else { return nil }
        return try TilePlan(multiple: multiple, side: 1024, bound: wholeBytes) {
            try compile(.path(exit: exit), height: $0, width: $0).arenaBytes
        }
    }

    /// Nil where only the whole picture gives the same pixels. At full depth unless an exit is named.
    package func receptiveRadius(exit: Int? = nil) throws -> Int? {
        let exit = exit ?? paths.count - 1
        if let known = radii[exit] { return known }
        let multiple = architecture.network.sizeMultiple
        let probe = (64 + multiple - 1) / multiple * multiple
        let radius = try paths[exit].receptiveRadius(inputs: architecture.inputShapes(height: probe, width: probe, batch: 1))
        radii[exit] = .some(radius)
        return radius
    }

    /// The working memory of the largest program in use.
    package var arenaBytes: Int { executables.reduce(0) { max($0, $1.executable.program.arenaBytes) } }

    /// The picture as an exit, counted from 0, makes it, in one piece.
    private func runWhole(_ image: Image, sigma: Double?, exit: Int) throws -> Image {
        let executable = try loaded(.path(exit: exit), image, sigma: sigma)
        executable.run()
        return Image(
            height: image.height, width: image.width, channels: image.channels, pixels: Array(executable.output("image")))
    }

    /// The program for pictures of this size, with the picture and the noise level in its inputs.
    package func loaded(_ part: Part, _ image: Image, sigma: Double?) throws -> Executable {
        let executable = try executable(part, height: image.height, width: image.width)
        _ = executable.input("image").update(fromContentsOf: image.pixels)
        if architecture.network.hasNoiseMap {
            guard let sigma else {
                throw InputError("the network has a noise map and needs to know the noise level", hint: "give it with --sigma")
            }
            executable.input("noise-map").update(repeating: Float(sigma / 255))
        }
        return executable
    }

    /// Where pictures leave together, counted from 0, by the router of a dynamic network; `exit` or the last for a static one.
    private func chosenExit(for images: [Image], sigma: Double?) throws -> Int {
        guard architecture.isDynamic else { return exit ?? architecture.exitCount - 1 }
        let threshold = effectiveThreshold
        if threshold <= 0 { return architecture.exitCount - 1 }
        let gaps = try images.map { try foretoldGaps($0, sigma: sigma) }
        let means = gaps[0].indices.map { index in gaps.reduce(0) { $0 + $1[index] } / Double(gaps.count) }
        return DepthRouting.exit(means, threshold: threshold)
    }

    /// The threshold in force, in dB.
    package var effectiveThreshold: Double {
        threshold ?? parameters.values(of: DynamicSkeleton.thresholdName).first.map(Double.init) ?? 0
    }

    /// How many dB the router of a dynamic network foretells that each earlier exit loses on this picture; for a large picture the
    /// mean over its parts.
    package func foretoldGaps(_ image: Image, sigma: Double?) throws -> [Double] {
        let parts = image.parts(ofAtMost: wholePixels)
        var gaps = [Double](repeating: 0, count: architecture.exitCount - 1)
        for part in parts {
            let executable = try loaded(.router, part, sigma: sigma)
            executable.run()
            for (index, gap) in executable.output("router").enumerated() { gaps[index] += Double(gap) / Double(parts.count) }
        }
        return gaps
    }

    /// The program for one picture of a size, compiled when it is first asked for.
    /// - Throws: `InputError` where the network cannot take the size.
    package func executable(_ part: Part, height: Int, width: Int) throws -> Executable {
        guard let executable = try executable(part, height: height, width: width, bound: .max) else { preconditionFailure("no bound") }
        return executable
    }

    /// Nil where it would need more than so many bytes to work in.
    private func executable(_ part: Part, height: Int, width: Int, bound: Int) throws -> Executable? {
        if let known = executables.firstIndex(where: { $0.part == part && $0.height == height && $0.width == width }) {
            let entry = executables.remove(at: known)
            executables.append(entry)
            return entry.executable.program.arenaBytes <= bound ? entry.executable : nil
        }
        let program = try compile(part, height: height, width: width)
        guard program.arenaBytes <= bound else { return nil }
        var bytes = executables.reduce(program.arenaBytes) { $0 + $1.executable.program.arenaBytes }
        while !executables.isEmpty, executables.count >= Self.keptSizes * (paths.count + 1) || bytes > Self.keptBytes {
            bytes -= executables.removeFirst().executable.program.arenaBytes
        }
        return try naming(height, width) {
            let executable = try CPUDevice(threads: threads).load(program, parameters: parameters)
            executables.append((part, height, width, executable))
            return executable
        }
    }

    private func compile(_ part: Part, height: Int, width: Int) throws -> Program {
        let graph: Graph
        switch part {
        case .path(let exit): graph = paths[exit]
        case .router:
            guard let router else { preconditionFailure("a static network has no router") }
            graph = router
        }
        return try naming(height, width) {
            try Compiler.compile(
                graph, inputs: architecture.inputShapes(height: height, width: width, batch: 1),
                options: CompileOptions(threads: threads, precision: precision))
        }
    }

    /// Tells the picture's size where a shape does not fit.
    private func naming<Result>(_ height: Int, _ width: Int, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as ShapeError {
            throw InputError("the network cannot take pictures of \(height)x\(width): \(error.description)", hint: "use a larger picture")
        }
    }
}

extension Image {
    /// Itself, or parts side by side of about this many pixels each.
    fileprivate func parts(ofAtMost pixels: Int) -> [Image] {
        if height * width <= pixels { return [self] }
        let side = max(1, Int(Double(pixels).squareRoot()))
        func cuts(_ size: Int) -> [(start: Int, count: Int)] {
            let count = (size + side - 1) / side
            return (0..<count).map { ($0 * size / count, ($0 + 1) * size / count - $0 * size / count) }
        }
        return cuts(height).flatMap { row in
            cuts(width).map { cropped(top: row.start, left: $0.start, height: row.count, width: $0.count) }
        }
    }
}
