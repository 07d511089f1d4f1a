import Engine
import Foundation
import Networks

/// `synflow`: the natural logarithm of the sum over weights θ of |θ ∂R/∂θ|, R being the sum of the output for an image of ones, with every
/// parameter replaced by its absolute value (Tanaka et al., "Pruning neural networks without any data by iteratively conserving synaptic
/// flow", 2020, eq. 2; summed as in Abdelfattah et al., ICLR 2021).
///
/// As there, normalizations are left out, which would undo the scale of what they follow: batch norm, and here also layer norm, which would
/// turn the constant image into zeros. What we changed: the logarithm, since the sum grows by a factor with each layer; the order of
/// networks is the same. R is that of the image at full depth.
let synapticFlowScore = ZeroCostScore(name: "synflow", summary: "logarithm of the synaptic flow") { network in
    let flow = try SynapticFlow(network)
    let sum = try flow.compiled()
    // Float32 ends at 3e38, which a deep network can pass.
    let total = sum.isFinite ? sum : flow.interpreted()
    return total > 0 && total.isFinite ? log(total) : nil
}

/// The graph whose outputs are the gradients ∂R/∂θ, its inputs and its parameters.
package struct SynapticFlow {
    /// Without normalizations, outputs the gradients under the weights' names.
    package let graph: Graph
    package let inputs: [String: Tensor<Float>]
    package let parameters: ParameterStore
    private let network: UntrainedNetwork

    package init(_ network: UntrainedNetwork) throws {
        self.network = network
        var graph = network.graph.bypassing { $0 is BatchNormalization || $0 is LayerNormalization }
        guard let image = graph.output("image") else { preconditionFailure("no output image") }
        let channels = network.architecture.network.inputChannels
        let upstream = graph.input("upstream", channels: channels)
        let weights = graph.parameters.filter(\.isWeight)
        let targets = weights.map { weight in
            guard let parameter = graph.parameter(named: weight.name) else { preconditionFailure("no parameter \(weight.name)") }
            return parameter.value
        }
        let gradients = graph.differentiate(seeds: [(image, upstream)], withRespectTo: targets)
        graph.outputs = zip(weights, gradients).compactMap { weight, gradient in gradient.map { (weight.name, $0) } }
        self.graph = graph
        var inputs: [String: Tensor<Float>] = [:]
        for name in ["image", "noise-map"] {
            guard let shape = network.batch[name]?.shape else { continue }
            inputs[name] = Tensor(shape.with(batch: 1), repeating: 1)
        }
        inputs["upstream"] = inputs["image"]
        self.inputs = inputs
        parameters = network.parameters(graph.parameters)
        for name in parameters.names { parameters.set(name, parameters.values(of: name).map(abs)) }
    }

    /// The sum of |θ ∂R/∂θ|, by compiled kernels in Float32.
    func compiled() throws -> Double {
        let gradients = try network.run(graph, inputs: inputs, parameters: parameters)
        return graph.outputs.reduce(0.0) { $0 + flow($1.name, (gradients[$1.name] ?? []).map(Double.init)) }
    }

    /// The same by the definitions, in Float64.
    package func interpreted() -> Double {
        let tensors = parameters.tensors.mapValues { Tensor<Double>($0.shape, $0.elements.map(Double.init)) }
        let values = ReferenceInterpreter<Double>(graph).run(
            inputs: inputs.mapValues { Tensor($0.shape, $0.elements.map(Double.init)) }, parameters: tensors)
        return graph.outputs.reduce(0.0) { $0 + flow($1.name, values[$1.value.index].elements) }
    }

    private func flow(_ name: String, _ gradient: [Double]) -> Double {
        zip(parameters.values(of: name), gradient).reduce(0.0) { $0 + abs(Double($1.0) * $1.1) }
    }
}
