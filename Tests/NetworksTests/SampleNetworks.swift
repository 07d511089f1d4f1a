import Documents
import Engine
import Foundation
import Networks
import RandomStreams

/// Every skeleton sample with every block sample, under changing input conventions.
let sampleNetworks: [Document] = {
    let conventions: [Document] = [
        [:], ["input-channels": 3, "noise-map": true, "padding": "replicate"], ["predicts": "image", "size-multiple": 8],
        [
            "input-channels": 3, "noise-map": true, "predicts": "image", "pixel-unshuffle": 2, "pixel-order": "column-major",
            "padding": "replicate",
        ],
    ]
    var networks: [Document] = []
    for block in blockCatalogue.flatMap({ $0.samples }) {
        for skeleton in skeletonCatalogue.flatMap({ $0.samples(block: block) }) {
            var network = conventions[networks.count % conventions.count]
            network["skeleton"] = skeleton
            networks.append(network)
        }
    }
    return networks
}()

let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

func reference(_ name: String) throws -> Architecture {
    try Architecture.load(repository.appendingPathComponent("SearchSpaces/references/\(name).yaml").path)
}

/// A batch of random images in 0...1 and random parameters, the n-th parameter drawn from stream n whatever its name.
struct RandomCase {
    var inputs: [String: Tensor<Double>] = [:]
    var parameters: [String: Tensor<Double>] = [:]

    init(_ graph: Graph, height: Int, width: Int, batch: Int = 1, seed: UInt64 = 1) {
        let root = RandomStream(seed: seed)
        func tensor(_ shape: Shape, _ stream: RandomStream, _ draw: (inout RandomStream) -> Double) -> Tensor<Double> {
            var stream = stream
            return Tensor(shape, (0..<shape.count).map { _ in draw(&stream) })
        }
        for input in graph.inputs {
            inputs[input.name] = tensor([batch, height, width, input.channels], root.split(input.name)) { $0.uniform() }
        }
        for (number, parameter) in graph.parameters.enumerated() {
            let isPositive = parameter.name.hasSuffix("running_var")
            let scale = parameter.shape.rank == 4 ? (2 / Double(parameter.shape.count / parameter.shape[0])).squareRoot() : 0.5
            parameters[parameter.name] = tensor(parameter.shape, root.split("parameters").split(number)) {
                isPositive ? $0.uniform(0.5, 1.5) : $0.normal() * scale + (parameter.shape.rank == 1 ? 0.5 : 0)
            }
        }
    }

    func output(_ graph: Graph) -> Tensor<Double> {
        ReferenceInterpreter<Double>(graph).run(inputs: inputs, parameters: parameters)[graph.output("image")!.index]
    }
}

/// What a graph computes: its parameters' shapes in order, and its outputs for random parameters at sizes that are multiples of
/// different numbers.
final class Behaviour {
    private static let sizes = [(17, 19), (24, 18), (13, 20)]
    private let graph: Graph
    private var known: [Int: Tensor<Double>] = [:]

    init(_ graph: Graph) { self.graph = graph }

    private func output(_ number: Int) -> Tensor<Double> {
        if let output = known[number] { return output }
        let (height, width) = Self.sizes[number]
        let output = RandomCase(graph, height: height, width: width, seed: UInt64(number)).output(graph)
        known[number] = output
        return output
    }

    func equals(_ other: Behaviour) -> Bool {
        guard graph.inputs == other.graph.inputs, graph.parameters.map(\.shape) == other.graph.parameters.map(\.shape) else { return false }
        return Self.sizes.indices.allSatisfy { number in
            let (x, y) = (output(number), other.output(number))
            return x.shape == y.shape && zip(x.elements, y.elements).allSatisfy { abs($0 - $1) < 1e-12 }
        }
    }
}

/// Whether two graphs have the same parameters in the same order and, with the same values, the same output.
func computeTheSame(_ a: Graph, _ b: Graph) -> Bool { Behaviour(a).equals(Behaviour(b)) }
