import Deployment
import Documents
import Engine
import Foundation
import Networks
import Testing

/// Exported files of random architectures of every shipped space compute what the compiled programs do, to 1e-4.
@Suite struct ONNXExportLaws {
    static let tolerance = 1e-4

    @Test(arguments: ShippedNetworks.spaces) func aFileComputesWhatTheProgramDoes(_ space: String) throws {
        for (number, architecture) in try ShippedNetworks.architectures(space).enumerated() {
            try expectEqual(architecture, Comment(rawValue: "network \(number) of \(space): \(architecture.canonicalDocument.json)"))
        }
    }

    /// Pruned to each of its exits, too.
    @Test(arguments: ["batch", "none"]) func aFileOfEachSupervisedDepthComputesWhatTheProgramDoes(_ normalization: String) throws {
        let nodes: Document = ["block": "plain", "normalization": .string(normalization)]
        let skeleton: Document = ["kind": "unetpp", "levels": 4, "width": 3, "deep-supervision": true, "nodes": nodes]
        try expectEqual(try Architecture(["network": ["input-channels": 3, "skeleton": skeleton]]), "deep supervision")
    }

    /// Every exit, the router, and all outputs in one file with batch norm kept, the image first.
    private func expectEqual(_ architecture: Architecture, _ what: Comment) throws {
        let network = try ExportedNetwork(architecture)
        let size = network.oddSize()
        let expected = try network.program(size)
        #expect(expected.count == architecture.exitCount + (architecture.isDynamic ? 1 : 0), what)
        for exit in 0..<architecture.exitCount {
            let found = try network.evaluate(network.file(.path(exit: exit)), size)
            #expect(Array(found.keys) == ["denoised"])
            let name = exit == architecture.exitCount - 1 ? "image" : Network.exitName(exit)
            #expect(expected[name]!.distance(to: found["denoised"]) <= Self.tolerance, what)
        }
        if architecture.isDynamic {
            let found = try network.evaluate(network.file(.router), size)
            #expect(expected["router"]!.distance(to: found["router"]) <= Self.tolerance, what)
        }
        let bytes = try network.file(.training)
        let all = try network.evaluate(bytes, size)
        #expect(all.count == expected.count)
        #expect(try ONNXEvaluator(bytes).model.graph.output[0].name == "denoised")
        for (name, value) in expected {
            #expect(value.distance(to: all[name == "image" ? "denoised" : name]) <= Self.tolerance, what)
        }
    }

    /// With padding, without it and with it on one side; one image and two.
    @Test(arguments: ShippedNetworks.spaces) func aFileOfOneSizeComputesTheSame(_ space: String) throws {
        for (number, architecture) in try ShippedNetworks.architectures(space).enumerated() {
            let network = try ExportedNetwork(architecture)
            let batch = 1 + number / 2 % 2
            let size = network.size(number, batch: batch)
            let found = try network.evaluate(network.file(.path(exit: architecture.exitCount - 1), fixed: size), size)
            #expect(
                try network.program(size)["image"]!.distance(to: found["denoised"]) <= Self.tolerance,
                "network \(number) of \(space): \(architecture.canonicalDocument.json)")
        }
    }

    /// A file that chooses its depth leaves at the exit that the rule names, with that exit's image: at the model's own
    /// threshold, and, where each exit is foretold to lose 1 dB more than the next, at any exit by the optional input.
    @Test func aRoutedFileLeavesWhereTheRouterSays() throws {
        let dynamic = try ShippedNetworks.architectures("dynamic.yaml").enumerated()
        for (number, architecture) in dynamic {
            let network = try ExportedNetwork(architecture)
            let last = architecture.exitCount - 1
            let what = Comment(rawValue: "network \(number): \(architecture.canonicalDocument.json)")
            let size = number % 2 == 0 ? network.oddSize(batch: 1) : network.wholeSize()
            func expectExit(threshold: Float?, _ bytes: Data, _ expected: [String: ONNXArray], _ exit: Int) throws {
                let found = try network.evaluate(bytes, size, threshold: threshold)
                #expect(found["exit"] == ONNXArray(.int64, [], [Double(exit + 1)]), what)
                let image = expected[exit == last ? "image" : Network.exitName(exit)]!
                #expect(image.distance(to: found["denoised"]) <= Self.tolerance, what)
            }
            let own = try network.program(size)
            let threshold = network.parameters.values(of: DynamicSkeleton.thresholdName)[0]
            let fixed = number % 2 == 0 ? nil : size
            try expectExit(
                threshold: nil, network.file(.routed, fixed: fixed), own,
                DepthRouting.exit(own["router"]!.elements, threshold: Double(threshold)))

            let bias = network.parameters.values(of: "router.output.bias")
            let gaps = own["router"]!.elements.map(Float.init)
            network.parameters.set("router.output.bias", bias.indices.map { bias[$0] - gaps[$0] + Float(last - $0) })
            let bytes = try network.file(.routed, fixed: fixed)
            let expected = try network.program(size)
            for exit in 0...last { try expectExit(threshold: Float(last - exit) + 0.5, bytes, expected, exit) }
            // A gain that is foretold is no loss; a threshold of 0 is full depth all the same.
            network.parameters.set("router.output.bias", bias.indices.map { bias[$0] - gaps[$0] - 1 })
            try expectExit(threshold: 0, network.file(.routed, fixed: fixed), expected, last)
        }
    }

    /// The same network and parameters, the same bytes.
    @Test func filesAreReproducible() throws {
        for space in ShippedNetworks.spaces {
            let architecture = try ShippedNetworks.architectures(space)[0]
            let parts: [ONNXPart] = [.path(exit: 0), .training] + (architecture.isDynamic ? [.router, .routed] : [])
            for part in parts {
                #expect(
                    try ExportedNetwork(architecture).file(part) == ExportedNetwork(architecture).file(part),
                    "\(part) of \(space)")
            }
        }
    }
}
