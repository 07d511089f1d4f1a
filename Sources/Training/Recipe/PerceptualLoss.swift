import Documents
import Engine
import Networks

/// The mean squared difference of features that VGG16, trained to name what photographs show, has of both images:
/// `{perceptual: {weight: 1e-5, path: vgg16.safetensors, layers: [relu2_2]}}`; the weight goes to each layer.
///
/// Source: Johnson, Alahi, Fei-Fei, "Perceptual losses for real-time style transfer and super-resolution", 2016, eq. 2; Simonyan and
/// Zisserman 2015, configuration D. The file holds `conv1_1.weight` `[64, 3, 3, 3]` and `.bias` to at most `conv3_3`, as Keras has them:
/// of BGR samples on the 0...255 scale less their means over ImageNet. Gray images are three equal channels.
package struct PerceptualLoss: LossTerm {
    package static let word = "perceptual"
    package static let keys = ["path", "layers"]

    /// The convolutions, with a pooling after the last of each list but the last.
    private static let blocks = [["1_1", "1_2"], ["2_1", "2_2"], ["3_1", "3_2", "3_3"]]
    private static let channels = [64, 128, 256]
    /// ImageNet's means of blue, green and red.
    private static let means: [Float] = [103.939, 116.779, 123.68]

    private let path: String
    /// Such as `relu2_2`.
    private let layers: [String]
    private let place: Document

    init(_ settings: Document?, at place: Document) throws {
        guard let settings else {
            throw place.fail("perceptual: the file of VGG16's weights is missing", hint: "write {perceptual: {weight: 1e-5, path: vgg16.safetensors}}")
        }
        self.place = settings
        path = try settings.required("path").string("path")
        let known = Self.blocks.joined().map { "relu" + $0 }
        if let list = try settings.optional("layers") {
            layers = try list.array("layers").map { try $0.word("layers", of: known) }
            guard !layers.isEmpty, Set(layers).count == layers.count else {
                throw list.fail("layers: expected different layers, at least one", hint: "for example [relu2_2]")
            }
        } else {
            layers = ["relu2_2"]
        }
    }

    package var word: String { Self.word }
    package var settings: Document { ["path": .string(path), "layers": .array(layers.map(Document.string))] }

    package func loaded(for architecture: Architecture, weight: Double) throws -> LoadedLossTerm {
        let colours = architecture.network.inputChannels
        let features = features(colours: colours)
        var frozen = [
            // RGB to BGR, in steps of 255, less the means: a 1x1 convolution, so that the zeros around are those of VGG16.
            NamedTensor(
                name: "input.weight", sizes: [3, colours, 1, 1],
                values: colours == 1 ? [255, 255, 255] : [0, 0, 255, 0, 255, 0, 255, 0, 0]),
            NamedTensor(name: "input.bias", sizes: [3], values: Self.means.map { -$0 }),
        ]
        do {
            let tensors = Dictionary(try SafetensorsFile.read(path).map { ($0.name, $0) }) { first, _ in first }
            for parameter in features.parameters.dropFirst(2) {
                guard let tensor = tensors[parameter.name], tensor.sizes == parameter.shape.sizes else {
                    let found = tensors[parameter.name].map { "of shape \($0.sizes)" } ?? "missing"
                    throw InputError(
                        file: path, "the tensor \(parameter.name) of shape \(parameter.shape.sizes) is \(found)",
                        hint: "VGG16's convolutions conv1_1 to conv3_3 are needed")
                }
                frozen.append(tensor)
            }
        } catch var error as InputError {
            error.location = error.location ?? place.location
            throw error
        }
        let (layers, prefix) = (self.layers, "loss.vgg16")
        for index in frozen.indices { frozen[index].name = "\(prefix).\(frozen[index].name)" }
        return LoadedLossTerm(
            build: { graph, images, target in
                let found = images.map { graph.append(frozen: features, prefix: prefix, inputs: ["image": $0]) }
                let wanted = graph.append(frozen: features, prefix: prefix, inputs: ["image": target])
                return found.flatMap { ours in
                    layers.map { layer in
                        guard let x = ours[layer], let t = wanted[layer] else { preconditionFailure("an output for each layer") }
                        return graph.apply(PixelLoss(.l2, weight: weight), x, t, path: "loss.\(layer)")
                    }
                }
            }, frozen: frozen)
    }

    /// VGG16 as far as the deepest layer that is asked for: from `image` to the layers.
    private func features(colours: Int) -> Graph {
        var graph = Graph()
        func convolution(_ x: ValueID, _ name: String, from: Int, to: Int, kernel: Int) -> ValueID {
            let weight = graph.parameter("\(name).weight", shape: [to, from, kernel, kernel], initializer: .constant(0))
            let bias = graph.parameter("\(name).bias", shape: [to], initializer: .constant(0))
            return graph.apply(Convolution(), x, weight, bias, path: name)
        }
        var x = convolution(graph.input("image", channels: colours), "input", from: colours, to: 3, kernel: 1)
        var (width, left) = (3, layers.count)
        for (number, block) in Self.blocks.enumerated() {
            if number > 0 { x = graph.apply(MaxPooling(), x, path: "pool\(number)") }
            for layer in block where left > 0 {
                x = convolution(x, "conv" + layer, from: width, to: Self.channels[number], kernel: 3)
                x = graph.apply(RectifiedLinear(), x, path: "relu" + layer)
                width = Self.channels[number]
                guard layers.contains("relu" + layer) else { continue }
                graph.outputs.append(("relu" + layer, x))
                left -= 1
            }
            if left == 0 { break }
        }
        return graph
    }
}
