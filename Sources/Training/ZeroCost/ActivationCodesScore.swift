import Engine
import Foundation

/// `naswot`: the logarithm of the determinant of K, K_ij being the number of activations on whose side of zero patches i and j agree
/// (Mellor et al., "Neural architecture search without training", ICML 2021, eq. 2): the more differently a network's linear regions code the
/// patches of a batch, the larger.
///
/// What we changed: the code of an activation is the sign of its input, which for ReLU is theirs, so that networks of other activations
/// have codes too; batches are of at most `UntrainedNetwork.batchLimit` patches.
let activationCodesScore = ZeroCostScore(name: "naswot", summary: "log-determinant of the kernel of activation codes") { network in
    let codes = try ActivationCodes(network)
    return codes.count > 0 ? logarithmOfDeterminant(codes.kernel) : nil
}

/// The signs of what an untrained network's activations get, one bit each, for each patch of the batch.
package struct ActivationCodes {
    /// Bits of one patch.
    package let count: Int
    private let words: [[UInt64]]

    init(_ network: UntrainedNetwork) throws {
        let graph = Self.graph(network.graph)
        let patches = network.batch["image"]?.shape.batch ?? 0
        var bits = Array(repeating: BitString(), count: patches)
        if !graph.outputs.isEmpty {
            let values = try network.run(graph, inputs: network.batch, parameters: network.parameters(graph.parameters))
            for (name, _) in graph.outputs {
                guard let map = values[name] else { continue }
                let size = map.count / patches
                for patch in 0..<patches { for value in map[patch * size..<(patch + 1) * size] { bits[patch].append(value > 0) } }
            }
        }
        count = bits.first?.count ?? 0
        words = bits.map(\.words)
    }

    /// The graph whose outputs are the inputs of the activations that the image depends on.
    package static func graph(_ network: Graph) -> Graph {
        var graph = network
        graph.updates = []
        guard let image = graph.output("image") else { preconditionFailure("no output image") }
        let needed = graph.ancestors(of: [image])
        var seen: Set<ValueID> = []
        let inputs = graph.nodes.filter { node in
            (node.operation is RectifiedLinear || node.operation is SmoothActivation) && needed.contains(node.outputs[0].index)
        }.map { $0.inputs[0] }.filter { seen.insert($0).inserted }
        graph.outputs = inputs.enumerated().map { ("code\($0)", $1) }
        return graph
    }

    /// K: for each pair of patches the number of bits that agree.
    var kernel: [[Double]] {
        words.map { a in words.map { b in Double(count - zip(a, b).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }) } }
    }

    private struct BitString {
        var count = 0
        var words: [UInt64] = []

        mutating func append(_ bit: Bool) {
            if count & 63 == 0 { words.append(0) }
            if bit { words[words.count - 1] |= 1 << UInt64(count & 63) }
            count += 1
        }
    }
}

/// ln det of a symmetric matrix by Cholesky's decomposition; nil where it is not positive definite, as when two patches have one code.
func logarithmOfDeterminant(_ matrix: [[Double]]) -> Double? {
    var factor = matrix, sum = 0.0
    for column in factor.indices {
        for row in column..<factor.count {
            for k in 0..<column { factor[row][column] -= factor[row][k] * factor[column][k] }
        }
        let pivot = factor[column][column]
        guard pivot > 1e-9 * matrix[column][column] else { return nil }
        sum += log(pivot)
        for row in column..<factor.count { factor[row][column] /= pivot.squareRoot() }
    }
    return sum
}
