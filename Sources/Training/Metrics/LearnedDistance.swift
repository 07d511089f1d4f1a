import Documents
import Engine
import Imaging
import Synchronization

/// The distance of two images in the eyes of a network: 0 for equal ones.
///
/// Source: Zhang, Isola, Efros, Shechtman, Wang, "The unreasonable effectiveness of deep features as a perceptual metric", 2018, eq. 1
/// (LPIPS), and Ghildyal and Liu, "Shift-tolerant perceptual similarity metric", 2022, for the trunk of ST-LPIPS: RGB in -1...1, less a
/// mean and divided by a deviation; at each tap features are scaled to length 1 over channels, their squared differences weighted by the
/// head, averaged over places; the taps are summed. Gray images are three equal channels.
final class LearnedDistance: Sendable {
    /// Of red, green and blue in -1...1.
    private static let means: [Float] = [-0.030, -0.088, -0.188]
    private static let deviations: [Float] = [0.458, 0.448, 0.450]
    /// Programs are kept for so many sizes of pictures.
    private static let keptSizes = 2

    private typealias Programs = [(height: Int, width: Int, executable: Executable)]

    private let weights: DistanceWeights
    /// Latest last.
    private let programs = Mutex<Programs>([])

    init(_ weights: DistanceWeights) { self.weights = weights }

    /// The distance of two pictures of one size, as their 8-bit files would have them; nil where they are too small for the network.
    /// - Throws: `InputError` where there is not memory enough.
    func measure(_ a: Image, _ b: Image) throws -> Double? {
        precondition(a.hasShape(of: b), "equal shapes")
        return try programs.withLock { programs in
            guard let executable = try executable(a.height, a.width, &programs) else { return nil }
            let input = executable.input("image"), count = a.height * a.width * 3
            Self.fill(UnsafeMutableBufferPointer(rebasing: input[..<count]), with: a)
            Self.fill(UnsafeMutableBufferPointer(rebasing: input[count...]), with: b)
            executable.run()
            return weights.heads.enumerated().reduce(0) { $0 + Self.distance(executable.output("tap\($1.offset)"), head: $1.element) }
        }
    }

    private static func fill(_ input: UnsafeMutableBufferPointer<Float>, with picture: Image) {
        let levels = picture.bytes, channels = picture.channels
        for pixel in 0..<picture.height * picture.width {
            for k in 0..<3 {
                let level = Float(levels[pixel * channels + (channels == 3 ? k : 0)])
                input[pixel * 3 + k] = (level / 255 * 2 - 1 - means[k]) / deviations[k]
            }
        }
    }

    /// The mean over places of one tap of two images, `[2, h, w, C]`.
    private static func distance(_ features: UnsafeBufferPointer<Float>, head: [Double]) -> Double {
        let channels = head.count, places = features.count / 2 / channels
        var sum = 0.0
        for place in 0..<places {
            let (a, b) = (place * channels, (places + place) * channels)
            var (lengthA, lengthB) = (0.0, 0.0)
            for c in 0..<channels {
                lengthA += Double(features[a + c]) * Double(features[a + c])
                lengthB += Double(features[b + c]) * Double(features[b + c])
            }
            let (scaleA, scaleB) = (1 / (lengthA.squareRoot() + 1e-10), 1 / (lengthB.squareRoot() + 1e-10))
            for c in 0..<channels {
                let difference = Double(features[a + c]) * scaleA - Double(features[b + c]) * scaleB
                sum += head[c] * difference * difference
            }
        }
        return sum / Double(places)
    }

    private func executable(_ height: Int, _ width: Int, _ programs: inout Programs) throws -> Executable? {
        if let known = programs.firstIndex(where: { $0.height == height && $0.width == width }) {
            let entry = programs.remove(at: known)
            programs.append(entry)
            return entry.executable
        }
        let graph = weights.trunk.graph
        guard let program = try? Compiler.compile(graph, inputs: ["image": [2, height, width, 3]]) else { return nil }
        if programs.count >= Self.keptSizes { programs.removeFirst() }
        let store = ParameterStore(program.parameters, stream: .init(seed: 0))
        for tensor in weights.parameters { store.set(tensor.name, tensor.values) }
        let executable = try CPUDevice().load(program, parameters: store)
        programs.append((height, width, executable))
        return executable
    }
}
