import Documents
import Engine

/// `unetpp`: UNet++ (Zhou et al. 2018). Level i has `width` 2^i channels at 1/2^i of the size. Node (i, 0) takes the 2x2
/// maximum of node (i-1, 0); node (i, j) takes nodes (i, 0..j-1), or only (i, j-1) without `dense-skips`, and the bilinear x2
/// of node (i+1, j-1), concatenated in that order. A 1x1 convolution `out` with bias closes node (0, levels-1).
///
/// With `deep-supervision` each node (0, j), j from 1, has a 1x1 convolution of its own, `exit{j}`, the last one `out`: training
/// minimizes the mean of their losses, as Zhou et al. do, the last is the network's image, and the network pruned to exit j, which runs
/// the nodes (i, k) with i + k <= j alone, is taken with `--exit j` or exported with `--depths each`. Two levels have one such node.
///
/// Keys: `levels` (2 to 5), `width`, `dense-skips` (default true), `deep-supervision` (default false), `nodes`: one block for every
/// node, or a list of levels (levels+1) / 2 in the order (0,0), (1,0), ..., (0,1), (1,1), ..., (0,levels-1). Names:
/// `node{i}_{j}.conv1.weight`, ...
package struct NestedUNetSkeleton: Skeleton {
    package static let kind = "unetpp"
    package static let widestLevel = 4096

    package static func samples(block: Document) -> [Document] {
        let plain: Document = ["block": "plain"]
        return [
            ["kind": "unetpp", "levels": 2, "width": 2, "nodes": block],
            ["kind": "unetpp", "levels": 3, "width": 2, "dense-skips": false, "nodes": [plain, block, plain, block, plain, block]],
            ["kind": "unetpp", "levels": 3, "width": 2, "nodes": [block, plain, block, plain, block, plain]],
            ["kind": "unetpp", "levels": 3, "width": 2, "deep-supervision": true, "nodes": [plain, plain, plain, block, plain, block]],
        ]
    }

    var levels: Int
    var width: Int
    var hasDenseSkips: Bool
    var hasDeepSupervision: Bool
    /// One for each node, in the order of the list.
    var nodes: [any Block]
    /// Whether one block was written for all.
    var isUniform: Bool

    package init(_ document: Document) throws {
        try document.allowOnly(["kind", "levels", "width", "dense-skips", "deep-supervision", "nodes"])
        levels = try document.required("levels").int("levels", in: 2...5)
        let width = try parseWidth(document)
        self.width = width
        let widest = width << (levels - 1)
        guard widest <= Self.widestLevel else {
            throw try document.required("width").fail(
                "width: the deepest of \(levels) levels would have \(widest) channels, at most \(Self.widestLevel) are possible",
                hint: "lower width or levels")
        }
        hasDenseSkips = try document.optional("dense-skips")?.bool("dense-skips") ?? true
        hasDeepSupervision = try document.optional("deep-supervision")?.bool("deep-supervision") ?? false
        let count = levels * (levels + 1) / 2
        let source = try document.required("nodes")
        switch source.value {
        case .array(let items):
            guard items.count == count else {
                throw source.fail(
                    "nodes: \(levels) levels have \(count) nodes, found a list of \(items.count)",
                    hint: "write one block for all nodes, or a list in the order (0,0), (1,0), ..., (0,1), ...")
            }
            nodes = try zip(items, Self.places(levels)).map { try parseBlock($0, channels: width << $1.level) }
            isUniform = false
        default:
            nodes = try Self.places(levels).map { try parseBlock(source, channels: width << $0.level) }
            isUniform = true
        }
    }

    package var document: Document {
        // Left out at its default, as from before there was such a field: hashes stay.
        let supervision: [(String, Document)] = hasDeepSupervision ? [("deep-supervision", true)] : []
        return document(
            [("levels", .int(levels)), ("width", .int(width)), ("dense-skips", .bool(hasDenseSkips))] + supervision + [
                ("nodes", isUniform ? nodes[0].document : .array(nodes.map(\.document)))
            ])
    }

    package var exitCount: Int { hasDeepSupervision ? levels - 1 : 1 }

    /// Level i is 2^i times smaller, and its blocks' multiples hold there.
    package var sizeMultiple: Int {
        leastCommonMultiple([1 << (levels - 1)] + zip(nodes, Self.places(levels)).map { $0.sizeMultiple << $1.level })
    }

    /// Level i and column j of each node, in the order of the list.
    private static func places(_ levels: Int) -> [(level: Int, column: Int)] {
        (0..<levels).flatMap { column in (0..<levels - column).map { ($0, column) } }
    }

    package func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, gain: Double) -> FeatureMap {
        var rows: [[FeatureMap]] = Array(repeating: [], count: levels)
        for (node, (i, j)) in zip(nodes, Self.places(levels)) {
            let scope = NameScope(prefix: "node\(i)_\(j)")
            let x = source(&builder, rows, input, i, j, scope)
            rows[i].append(node.build(&builder, x, channels: width << i, scope: scope))
        }
        func head(_ column: Int, _ name: String) -> FeatureMap {
            builder.convolution(rows[0][column], channels: channels, kernel: 1, bias: true, gain: gain, name: name)
        }
        builder.exits = (1..<exitCount).map { head($0, "exit\($0)") }
        return head(levels - 1, "out")
    }

    /// What node (i, j) takes.
    private func source(
        _ builder: inout NetworkBuilder, _ rows: [[FeatureMap]], _ input: FeatureMap, _ i: Int, _ j: Int, _ scope: NameScope
    ) -> FeatureMap {
        if j == 0 {
            guard i > 0 else { return input }
            let above = rows[i - 1][0]
            return FeatureMap(value: builder.graph.apply(MaxPooling(), above.value, path: scope.path("down")), channels: above.channels)
        }
        let below = rows[i + 1][j - 1]
        let up = FeatureMap(value: builder.graph.apply(Upsampling(), below.value, path: scope.path("up")), channels: below.channels)
        let skips = hasDenseSkips ? rows[i] : [rows[i][j - 1]]
        return builder.concatenate(skips + [up], path: scope.path("concatenation"))
    }
}
