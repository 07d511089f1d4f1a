import Documents
import RandomStreams
import SearchSpaces
import Testing

/// Small spaces that use what derives and constrains, each with a law of its architectures that is written in Swift: what the
/// space's own expressions say, by other means.
struct ConstrainedSample: Sendable, CustomTestStringConvertible {
    let name: String
    /// Constraints stand on lines of their own.
    let text: String
    let holds: @Sendable (Document) throws -> Bool
    var testDescription: String { name }

    func space() throws -> SearchSpace { try SearchSpace(Document.parse("halcyon: 1\n" + text, file: "\(name).yaml")) }

    /// The same space without its constraints.
    func open() throws -> SearchSpace {
        let lines = text.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("constraints:") }
        return try SearchSpace(Document.parse("halcyon: 1\n" + lines.joined(separator: "\n"), file: "\(name).yaml"))
    }

    static let all: [ConstrainedSample] = [
        ConstrainedSample(
            name: "divides",
            text: """
                template:
                  width: {int: [8, 64], step: 8}
                  heads: {choice: [1, 2, 3, 5, 6]}
                constraints: ["heads divides width", "width <= 48 or heads == 1"]
                """
        ) { try $0.number("width") % $0.number("heads") == 0 && ($0.number("width") <= 48 || $0.number("heads") == 1) },
        ConstrainedSample(
            name: "in each block",
            text: """
                definitions:
                  block:
                    choice:
                      - {kind: plain, kernel: {choice: [3, 5]}}
                      - kind: attention
                        heads: {choice: [2, 3, 4]}
                        constraints: ["heads divides width", "width > 8"]
                template:
                  net:
                    width: {int: [6, 12], step: 2}
                    blocks: {repeat: {reference: block}, count: {int: [1, 3]}}
                """
        ) { document in
            let net = try document.required("net")
            let width = try net.number("width")
            return try net.required("blocks").array().allSatisfy { block in
                guard try block.required("kind").string() == "attention" else { return true }
                return try width % block.number("heads") == 0 && width > 8
            }
        },
        ConstrainedSample(
            name: "derived",
            text: """
                shared: {base: {int: [1, 3]}}
                template:
                  let: {factor: {choice: [1, 2, 4]}}
                  base: {reference: base}
                  narrow: {derived: "base * factor"}
                  wide: {derived: "max(narrow * 2 + 1, 9) // 2"}
                  ratio: {derived: "narrow / 2"}
                  kind: {derived: "if(wide > 4, 'big', 'small')"}
                constraints: ["narrow != 4", "kind == 'big' or base == 1"]
                """
        ) { document in
            let (narrow, wide) = (try document.number("narrow"), try document.number("wide"))
            try #require(wide == max(narrow * 2 + 1, 9) / 2)
            try #require(document.required("ratio").double() == Double(narrow) / 2)
            try #require(document.required("kind").string() == (wide > 4 ? "big" : "small"))
            return try narrow != 4 && (wide > 4 || document.number("base") == 1)
        },
        ConstrainedSample(
            name: "derived lengths",
            text: """
                template:
                  levels: {int: [1, 3]}
                  nodes: {repeat: {choice: [a, b]}, count: {derived: "levels * (levels + 1) // 2"}}
                  tail: {repeat: {int: [1, 2]}, count: {derived: "count(nodes) // 3"}, positions: tied}
                  last: {choice: [x, y]}
                constraints: ["nodes[0] == 'a' or last == 'x'", "not exists(nodes[3]) or nodes[3] != nodes[1]"]
                """
        ) { document in
            let nodes = try document.required("nodes").array().map { try $0.string() }
            let levels = try document.number("levels")
            try #require(nodes.count == levels * (levels + 1) / 2)
            try #require(document.required("tail").array().count == nodes.count / 3)
            let last = try document.required("last").string()
            return (nodes[0] == "a" || last == "x") && (nodes.count < 4 || nodes[3] != nodes[1])
        },
        ConstrainedSample(
            name: "widths that grow",
            text: """
                template:
                  stages:
                    repeat:
                      width: {int: [1, 4]}
                      double: {derived: "width * 2"}
                      constraints: ["position == 0 or width >= stages[position - 1].width"]
                    count: {int: [0, 4]}
                constraints: ["sum(stages[*].width) <= 8", "count(stages) == 0 or max(stages[*].double) > 2"]
                """
        ) { document in
            let widths = try document.required("stages").array().map { try $0.number("width") }
            return zip(widths, widths.dropFirst()).allSatisfy(<=) && widths.reduce(0, +) <= 8 && (widths.isEmpty || widths.max()! > 1)
        },
        ConstrainedSample(
            name: "families",
            text: """
                shared: {norm: {choice: [none, batch]}}
                template:
                  network:
                    choice:
                      - {kind: chain, width: {int: [1, 4]}, norm: {reference: norm}}
                      - choice:
                          - {kind: swin, width: {int: [1, 4]}, heads: {int: [1, 3]}}
                          - {kind: deep, blocks: {repeat: {norm: {reference: norm}, w: {int: [1, 2]}}, count: {int: [0, 2]}}}
                constraints: ["network.kind == 'chain' or norm == 'batch'", "network.heads divides network.width", "default(network.width, 3) > 1"]
                """
        ) { document in
            let network = try document.required("network")
            let kind = try network.required("kind").string()
            let norms = try [network["norm"]].compactMap { $0 } + (network["blocks"]?.array().compactMap { $0["norm"] } ?? [])
            if kind != "chain", try norms.contains(where: { try $0.string() != "batch" }) { return false }
            if let heads = network["heads"], try network.number("width") % heads.int() != 0 { return false }
            return try network["width"].map { try $0.int() > 1 } ?? true
        },
        ConstrainedSample(
            name: "steps of numbers",
            text: """
                template:
                  first: {float: [0, 1], step: 0.1}
                  second: {float: [0.5, 8], step: 0.5, scale: log, name: rate}
                  third: {int: [1, 40], step: 3, scale: log}
                constraints: ["first + rate / 10 <= 1", "2 <= third <= 31", "third % 2 == 0 or first > 0.25 and not rate > 4"]
                """
        ) { document in
            let (first, second) = (try document.required("first").double(), try document.required("second").double())
            let third = try document.number("third")
            return first + second / 10 <= 1 && (2...31).contains(third) && (third % 2 == 0 || first > 0.25 && second <= 4)
        },
        ConstrainedSample(
            name: "few of many",
            text: """
                template:
                  digits: {repeat: {int: [0, 9]}, count: 4}
                constraints: ["sum(digits[*]) == 3", "digits[0] > 0"]
                """
        ) { document in
            let digits = try document.required("digits").array().map { try $0.int() }
            return digits.reduce(0, +) == 3 && digits[0] > 0
        },
        ConstrainedSample(
            name: "under a preset",
            text: """
                preset: small
                presets:
                  small: {skeleton: chain, width: 8, blocks.kernel: 3}
                  large: {width: 16}
                template:
                  skeleton:
                    choice:
                      - {kind: chain, width: {int: [4, 16], step: 4}, blocks: {repeat: {kernel: {choice: [3, 5]}, heads: {choice: [1, 3, 4]}}, count: {int: [1, 2]}}}
                      - {kind: swin, width: {int: [8, 16], step: 8}}
                  rate: {choice: [1, 2]}
                constraints: ["skeleton.blocks[0].heads divides skeleton.width"]
                """
        ) { document in
            let skeleton = try document.required("skeleton")
            try #require(skeleton.required("kind").string() == "chain")
            try #require(skeleton.number("width") == 8)
            let blocks = try skeleton.required("blocks").array()
            for block in blocks { try #require(block.number("kernel") == 3) }
            return try 8 % blocks[0].number("heads") == 0
        },
    ]
}

extension Document {
    fileprivate func number(_ key: String) throws -> Int { try required(key).int(key) }
}
