import Engine

/// The convolutional part of a network that was trained to name what photographs show, up to the last of the taps at which two images
/// are compared. Convolutions are numbered as in the published weights, by their places among all layers.
struct FeatureTrunk: Sendable {
    enum Layer: Sendable {
        /// With bias; activated at once, or by the blur after it.
        case convolution(number: Int, channels: Int, kernel: Int, padding: Int, stride: Int, isActivated: Bool)
        /// A mirrored border of 2, then [1, 2, 1] x [1, 2, 1] / 16 of stride 2 inside.
        case blur
        case activation
        case maximum(size: Int, stride: Int)
        case tap
    }

    /// In words, for errors.
    let title: String
    let layers: [Layer]

    /// Zhang et al. 2018 (torchvision's layers).
    static let alexNet = FeatureTrunk(
        title: "AlexNet",
        layers: [
            .convolution(number: 0, channels: 64, kernel: 11, padding: 2, stride: 4, isActivated: true), .tap, .maximum(size: 3, stride: 2),
            plain(3, 192, kernel: 5), .tap, .maximum(size: 3, stride: 2), plain(6, 384), .tap, plain(8, 256), .tap, plain(10, 256), .tap,
        ])

    /// Zhang et al. 2018: VGG16 (Simonyan and Zisserman 2015, configuration D).
    static let vgg16 = FeatureTrunk(
        title: "VGG16",
        layers: [
            plain(0, 64), plain(2, 64), .tap, .maximum(size: 2, stride: 2), plain(5, 128), plain(7, 128), .tap, .maximum(size: 2, stride: 2),
            plain(10, 256), plain(12, 256), plain(14, 256), .tap, .maximum(size: 2, stride: 2), plain(17, 512), plain(19, 512), plain(21, 512),
            .tap, .maximum(size: 2, stride: 2), plain(24, 512), plain(26, 512), plain(28, 512), .tap,
        ])

    /// Ghildyal and Liu 2022: no stride but in blurs, and mirrored borders.
    static let shiftTolerantAlexNet = FeatureTrunk(
        title: "the AlexNet of ST-LPIPS",
        layers: [
            .convolution(number: 0, channels: 64, kernel: 11, padding: 2, stride: 1, isActivated: false), .blur, .activation, .tap,
            .maximum(size: 3, stride: 1), .blur, plain(5, 192, kernel: 5), .tap, .maximum(size: 3, stride: 1), .blur, plain(9, 384), .tap,
            plain(11, 256), .tap, plain(13, 256), .tap,
        ])

    private static func plain(_ number: Int, _ channels: Int, kernel: Int = 3) -> Layer {
        .convolution(number: number, channels: channels, kernel: kernel, padding: kernel / 2, stride: 1, isActivated: true)
    }

    /// The numbers of the convolutions and the shapes of their weights.
    var convolutions: [(number: Int, weight: Shape)] {
        var channels = 3
        return layers.compactMap { layer in
            guard case .convolution(let number, let to, let kernel, _, _, _) = layer else { return nil }
            defer { channels = to }
            return (number, [to, channels, kernel, kernel])
        }
    }

    /// The channels of each tap.
    var tapChannels: [Int] {
        var channels = 3
        return layers.compactMap { layer in
            if case .convolution(_, let to, _, _, _, _) = layer { channels = to }
            if case .tap = layer { return channels }
            return nil
        }
    }

    /// From `image` `[N, H, W, 3]` to `tap0`, `tap1`, ...; parameters `conv{number}.weight`, `.bias` and the fixed `blur{channels}.weight`.
    var graph: Graph {
        var graph = Graph()
        var (x, channels, taps) = (graph.input("image", channels: 3), 3, 0)
        func parameter(_ name: String, _ shape: Shape) -> ValueID {
            graph.parameter(named: name)?.value ?? graph.parameter(name, shape: shape, initializer: .constant(0), trainable: false)
        }
        for (place, layer) in layers.enumerated() {
            let path = "layer\(place)"
            switch layer {
            case .convolution(let number, let to, let kernel, let padding, let stride, let isActivated):
                let weight = parameter("conv\(number).weight", [to, channels, kernel, kernel]), bias = parameter("conv\(number).bias", [to])
                x = graph.apply(Convolution(), x, weight, bias, path: path)
                channels = to
                if padding < kernel / 2 || stride > 1 {
                    x = graph.apply(Subsampling(margin: kernel / 2 - padding, stride: stride), x, path: "\(path).subsampling")
                }
                if isActivated { x = graph.apply(RectifiedLinear(), x, path: "\(path).activation") }
            case .blur:
                x = graph.apply(MirroredBorder(border: 2), x, path: "\(path).border")
                x = graph.apply(DepthwiseConvolution(), x, parameter(Self.blurName(channels), [channels, 1, 3, 3]), path: path)
                x = graph.apply(Subsampling(margin: 1, stride: 2), x, path: "\(path).subsampling")
            case .activation: x = graph.apply(RectifiedLinear(), x, path: path)
            case .maximum(let size, let stride): x = graph.apply(WindowMaximum(size: size, stride: stride), x, path: path)
            case .tap:
                graph.outputs.append(("tap\(taps)", x))
                taps += 1
            }
        }
        return graph
    }

    private static func blurName(_ channels: Int) -> String { "blur\(channels).weight" }

    /// The values of the graph's parameters that no file holds.
    var blurs: [NamedTensor] {
        graph.parameters.filter { $0.name.hasPrefix("blur") }.map { parameter in
            let kernel: [Float] = [1, 2, 1, 2, 4, 2, 1, 2, 1].map { $0 / 16 }
            return NamedTensor(name: parameter.name, sizes: parameter.shape.sizes, values: (0..<parameter.shape[0]).flatMap { _ in kernel })
        }
    }
}
