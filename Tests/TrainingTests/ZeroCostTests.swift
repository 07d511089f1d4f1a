import Documents
import Engine
import Foundation
import Imaging
import Networks
import RandomStreams
import Testing
import Training

/// Laws of every zero-cost score, and each against a slow computation of what it is defined as.
@Suite struct ZeroCostTests {
    /// Every skeleton, both kinds of normalization and every kind of activation among them.
    static let candidates: [Document] = [
        Samples.candidate(blocks: 2), Samples.candidate(normalization: "none", noiseMap: true), DynamicDepthTests.candidate,
        ["network": ["skeleton": ["kind": "unetpp", "levels": 2, "width": 4, "nodes": ["block": "residual", "activation": "leaky-relu"]]]],
        ["network": ["skeleton": ["kind": "mobile", "stages": [["width": 4, "blocks": [["block": "inverted-residual"], ["block": "gated"]]]]]]],
        [
            "network": [
                "predicts": "image",
                "skeleton": ["kind": "swin", "width": 8, "groups": [["blocks": [["block": "window-attention", "heads": 2, "window": 4]]]]],
            ]
        ],
    ]

    private func network(_ candidate: Document, seed: UInt64 = 7, crop: Int = 16, batch: Int = 4) throws -> UntrainedNetwork {
        var recipe = Recipe(steps: 1)
        recipe.batch = batch
        return try UntrainedNetwork(
            Architecture(candidate), recipe: recipe, images: Samples.pictures(), noise: GaussianNoise(sigma: 25), crop: crop, seed: seed)
    }

    private func value(_ name: String, _ network: UntrainedNetwork) throws -> Double {
        let score = try #require(zeroCostScores.first { $0.name == name })
        return try #require(try score.value(network))
    }

    private func wide(_ tensors: [String: Tensor<Float>]) -> [String: Tensor<Double>] {
        tensors.mapValues { Tensor($0.shape, $0.elements.map(Double.init)) }
    }

    private func parameters(_ graph: Graph, seed: UInt64 = 7) -> [String: Tensor<Double>] {
        wide(ParameterStore(graph.parameters, stream: RandomStream(seed: seed).split("parameters")).tensors)
    }

    @Test(arguments: candidates, zeroCostScores.map(\.name))
    func aScoreIsFiniteAndFollowsFromTheSeed(_ candidate: Document, _ name: String) throws {
        let first = try value(name, network(candidate))
        #expect(first.isFinite)
        #expect(try value(name, network(candidate)).bitPattern == first.bitPattern)
        #expect(try value(name, network(candidate, seed: 8)) != first)
    }

    @Test(arguments: candidates[..<4]) func theGradientNormIsThatOfTheDefinitions(_ candidate: Document) throws {
        let network = try network(candidate)
        let loss = try network.recipe.loss.objective(for: network.architecture, budget: network.recipe.depthBudget).objective
        var training = ReferenceTraining(network.graph, loss, parameters: parameters(network.graph))
        let weights = Set(network.graph.parameters.filter { $0.trainable && $0.shape.rank > 1 }.map(\.name))
        let norms = training.advance(wide(network.batch)).gradients.filter { weights.contains($0.key) }.values.map { gradient in
            gradient.elements.reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
        let expected = norms.sorted().reduce(0, +)
        #expect(abs(try value("grad_norm", network) - expected) < 1e-4 * expected)
    }

    /// R is linear in each single weight, so that central differences are exact.
    @Test func theSynapticFlowIsThatOfFiniteDifferences() throws {
        for candidate in [Samples.candidate(width: 2), Samples.candidate(width: 2, normalization: "none", noiseMap: true)] {
            let network = try network(candidate, crop: 6)
            let flow = try SynapticFlow(network)
            var forward = flow.graph
            let image = try #require(network.graph.bypassing { $0 is BatchNormalization }.output("image"))
            forward.outputs = [("image", image)]
            var values = wide(flow.parameters.tensors)
            let inputs = wide(flow.inputs)
            func response() -> Double {
                ReferenceInterpreter<Double>(forward).run(inputs: inputs, parameters: values)[image.index].elements.reduce(0, +)
            }
            var sum = 0.0
            for weight in forward.parameters where weight.trainable && weight.shape.rank > 1 {
                for index in 0..<weight.shape.count {
                    let start = values[weight.name]!.elements[index]
                    values[weight.name]!.elements[index] = start * 1.25
                    let above = response()
                    values[weight.name]!.elements[index] = start * 0.75
                    sum += abs(above - response()) / 0.5
                    values[weight.name]!.elements[index] = start
                }
            }
            let found = try value("synflow", network)
            #expect(abs(found - log(sum)) < 1e-4, "\(found), \(log(sum))")
            #expect(abs(flow.interpreted() - sum) < 1e-9 * sum)
        }
    }

    /// Of a plain chain without biases each layer's part is R itself (Tanaka et al. 2020, theorem 2).
    @Test func theFlowIsTheSameThroughEveryLayer() throws {
        let flow = try SynapticFlow(network(Samples.candidate(blocks: 3, normalization: "none")))
        let values = ReferenceInterpreter<Double>(flow.graph).run(inputs: wide(flow.inputs), parameters: wide(flow.parameters.tensors))
        let parts = flow.graph.outputs.map { name, gradient in
            zip(flow.parameters.values(of: name), values[gradient.index].elements).reduce(0.0) { $0 + abs(Double($1.0) * $1.1) }
        }
        #expect(parts.count == 5 && parts.allSatisfy { abs($0 - parts[0]) < 1e-9 * parts[0] })
    }

    @Test(arguments: [candidates[0], candidates[1], candidates[3]]) func theCodesKernelIsThatOfTheDefinitions(_ candidate: Document) throws {
        let network = try network(candidate)
        let graph = ActivationCodes.graph(network.graph)
        #expect(!graph.outputs.isEmpty)
        let values = ReferenceInterpreter<Double>(graph).run(inputs: wide(network.batch), parameters: parameters(graph))
        let count = 4
        let codes = (0..<count).map { patch in
            graph.outputs.flatMap { _, value in
                let map = values[value.index].elements
                return map[patch * map.count / count..<(patch + 1) * map.count / count].map { $0 > 0 ? 1.0 : 0 }
            }
        }
        // K = C C' + (1 - C)(1 - C)', its determinant by Gauss' elimination.
        var kernel = codes.map { a in codes.map { b in zip(a, b).reduce(0.0) { $0 + $1.0 * $1.1 + (1 - $1.0) * (1 - $1.1) } } }
        var logarithm = 0.0
        for pivot in kernel.indices {
            logarithm += log(kernel[pivot][pivot])
            for row in kernel.indices where row > pivot {
                let factor = kernel[row][pivot] / kernel[pivot][pivot]
                for k in kernel.indices { kernel[row][k] -= factor * kernel[pivot][k] }
            }
        }
        // A value within rounding of zero may fall on either side.
        #expect(abs(try value("naswot", network) - logarithm) < 1e-3 * logarithm)
    }

    @Test func aNetworkWithoutActivationsHasNoCodes() throws {
        let linear: Document = [
            "network": [
                "skeleton": ["kind": "chain", "width": 4, "head": ["activation": "none"], "blocks": [["block": "plain", "activation": "none"]]]
            ]
        ]
        let score = try #require(zeroCostScores.first { $0.name == "naswot" })
        #expect(try score.value(network(linear)) == nil)
    }

    @Test func anExperimentNamesItsScores() throws {
        let text = EvaluationTests.experiment + "\nzero-cost: [synflow, naswot]"
        let experiment = try TrainingExperiment(.parse(text, file: "e.yaml"), environment: [:], baseFolder: "")
        #expect(experiment.scores.map(\.name) == ["synflow", "naswot"])
        let wrong = try inputError {
            _ = try TrainingExperiment(.parse(text.replacing("naswot", with: "naswat"), file: "e.yaml"), environment: [:], baseFolder: "")
        }
        #expect(wrong?.description.contains("did you mean \"naswot\"") == true)
    }
}
