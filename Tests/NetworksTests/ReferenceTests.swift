import Documents
import Engine
import Networks
import RandomStreams
import Testing

@Suite struct ReferenceTests {
    @Test(arguments: [
        ("dncnn17x64", 556_097), ("dncnn8x32", 56_289), ("dncnn17x64-folded", 555_137), ("dncnn20x64-folded", 665_921), ("dncnn20x64-color", 668_227),
        ("swin2x4x48", 325_233), ("unetpp4x32", 2_233_921), ("unetpp3x16", 129_889),
        ("mobile8x32", 56_289), ("mobile8x32-color", 57_443), ("swin2x4x48-color", 326_963),
        ("unet4x32", 2_215_265), ("unet4x32-color", 2_216_419),
        ("unetpp4x32-deep", 2_233_987), ("unetpp4x32-deep-color", 2_234_761),
        ("ffdnet-gray", 485_316), ("ffdnet-color", 852_108),
    ])
    func parametersAreThoseOfThePapers(name: String, parameters: Int) throws {
        let architecture = try reference(name)
        #expect(architecture.name == name)
        #expect(try NetworkCost(of: architecture, height: 48, width: 48).parameters == parameters)
    }

    @Test func macsOfDnCNN() throws {
        let (height, width, batch, channels, depth) = (21, 30, 2, 64, 17)
        let perPixel = 9 * channels + (depth - 2) * 9 * channels * channels + 9 * channels
        let cost = try NetworkCost(of: try reference("dncnn17x64"), height: height, width: width, batch: batch)
        #expect(cost.macs == batch * height * width * perPixel)
        let step = try NetworkCost(of: try reference("dncnn17x64"), height: height, width: width, batch: batch, training: true)
        #expect(step.macs == 3 * cost.macs && step.peakBytes > cost.peakBytes)
        #expect(cost.peakBytes > 4 * (cost.parameters + 2 * batch * height * width))
    }

    @Test func macsOfNestedUNet() throws {
        let (levels, base, height, width) = (4, 32, 64, 48)
        var expected = height * width * base
        for i in 0..<levels {
            for j in 0..<levels - i {
                let channels = base << i
                let input = j > 0 ? channels * j + channels * 2 : i > 0 ? channels / 2 : 1
                expected += (height >> i) * (width >> i) * 9 * (input * channels + channels * channels)
            }
        }
        let cost = try NetworkCost(of: try reference("unetpp4x32"), height: height, width: width)
        #expect(cost.macs == expected)
        #expect(try NetworkCost(of: try reference("unetpp4x32"), height: height - 7, width: width - 1).macs == expected)
        #expect(cost.family == "unetpp")
    }

    /// Deep supervision adds two 1x1 convolutions, which full depth does not run; pruned to exit j it costs what j + 1 levels do.
    @Test func macsOfPrunedNestedUNets() throws {
        let deep = try reference("unetpp4x32-deep"), plain = try reference("unetpp4x32")
        let shapes = deep.inputShapes(height: 48, width: 32, batch: 1)
        #expect(try NetworkCost(of: deep, height: 48, width: 32).macs == NetworkCost(of: plain, height: 48, width: 32).macs)
        for exit in 0..<3 {
            var document = plain.network.document
            document["skeleton"]?["levels"] = .int(exit + 2)
            let pruned = try Architecture(["network": document])
            #expect(
                try deep.inferenceGraph(exit: exit).cost(inputs: shapes).macs == NetworkCost(of: pruned, height: 48, width: 32).macs)
        }
    }

    @Test func macsOfUNet() throws {
        let (height, width) = (32, 40)
        var expected = height * width * 2 * 9 * 32
        for level in 0..<4 {
            let channels = 32 << level, pixels = (height >> level) * (width >> level)
            let convolutions = level < 3 ? 4 : 2
            expected += pixels * convolutions * 9 * channels * channels
            if level > 0 { expected += pixels * (channels / 2 * channels + channels * 4 * channels / 2) }
            if level < 3 { expected += pixels * 2 * channels * channels }
        }
        let cost = try NetworkCost(of: try reference("unet4x32"), height: height, width: width)
        #expect(cost.macs == expected && cost.family == "unet")
    }

    /// The published weights' names: `conv0.weight` ... `conv16.bias`.
    @Test func foldedParametersAreNamedAsPublished() throws {
        let graph = try buildGraph(try reference("dncnn17x64-folded"))
        var expected: [String: Shape] = [:]
        for layer in 0...16 {
            expected["conv\(layer).weight"] = [layer == 16 ? 1 : 64, layer == 0 ? 1 : 64, 3, 3]
            expected["conv\(layer).bias"] = [layer == 16 ? 1 : 64]
        }
        #expect(Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.name, $0.shape) }) == expected)
        #expect(try buildGraph(try reference("dncnn20x64-folded")).parameters.last?.name == "conv19.bias")
    }

    @Test func parametersAreNamedByPlace() throws {
        let names = Set(try buildGraph(try reference("dncnn17x64")).parameters.map(\.name))
        for name in ["conv0.bias", "conv15.weight", "norm1.weight", "norm15.bias", "norm15.running_mean", "norm1.running_var", "conv16.bias"] {
            #expect(names.contains(name))
        }
        #expect(!names.contains("conv1.bias"))
        let nodes = Set(try buildGraph(try reference("unetpp3x16")).parameters.map(\.name))
        for name in ["node0_0.conv1.weight", "node2_0.norm2.running_var", "node0_2.conv2.weight", "out.weight", "out.bias"] {
            #expect(nodes.contains(name))
        }
        let mixed: Document = [
            "skeleton": ["kind": "chain", "width": 4, "blocks": [["block": "plain", "convolutions": 2], ["block": "identity"], ["block": "residual"]]]
        ]
        let weights = try buildGraph(try Architecture(["network": mixed])).parameters.map(\.name).filter { $0.hasPrefix("conv") || $0.hasPrefix("block") }
        #expect(weights.filter { $0.hasSuffix("conv1.weight") || $0.hasPrefix("conv") } == [
            "conv0.weight", "conv0.bias", "conv1.weight", "conv2.weight", "block3.conv1.weight", "conv4.weight", "conv4.bias",
        ])
    }

    /// At the start, the output is nearly the input.
    @Test(arguments: ["dncnn17x64", "dncnn17x64-folded", "swin2x4x48", "unetpp3x16", "mobile8x32", "unet4x32"])
    func networksStartNearTheIdentity(name: String) throws {
        let architecture = try reference(name)
        let graph = try buildGraph(architecture)
        let store = ParameterStore(graph.parameters, stream: RandomStream(seed: 3))
        let program = try Compiler.compile(graph.forInference(), inputs: architecture.inputShapes(height: 24, width: 20, batch: 1))
        let executable = try CPUDevice(threads: 1).load(program, parameters: store)
        var stream = RandomStream(seed: 4)
        let image = executable.input("image")
        for index in image.indices { image[index] = Float(stream.uniform()) }
        executable.run()
        let error = zip(executable.input("image"), executable.output("image")).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
        #expect((error / Double(image.count)).squareRoot() < 0.25)
    }
}
