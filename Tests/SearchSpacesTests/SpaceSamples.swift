import Documents
import SearchSpaces
import Testing

/// Small spaces that together hold every construct of the language.
struct SpaceSample: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    /// The number of points, counted by hand; infinite with floats.
    let size: Double
    /// Whether there are only choices, and none inside another's alternative.
    var isFlatCategorical = false
    var testDescription: String { name }

    func space() throws -> SearchSpace { try SearchSpace(Document.parse("halcyon: 1\n" + text, file: "\(name).yaml")) }

    static let all: [SpaceSample] = [
        SpaceSample(name: "constant", text: "template: {a: 1, b: [x, {c: ~}]}", size: 1),
        SpaceSample(
            name: "references without decisions",
            text: "definitions: {a: {x: {reference: b}, y: [{reference: b}]}, b: {kind: plain}}\ntemplate: {c: {reference: a}, d: [[{reference: b}]]}",
            size: 1),
        SpaceSample(
            name: "flat", text: "template: {a: {choice: [x, y, z]}, b: [{choice: [1, 2]}, 7], 'c.d': {choice: [on, off]}}",
            size: 12, isFlatCategorical: true),
        SpaceSample(
            name: "integers", text: "template: {a: {int: [8, 21], step: 4}, b: {int: [1, 64], scale: log}, c: {int: [-3, -3]}}",
            size: 4 * 64),
        SpaceSample(
            name: "floats", text: "template: {rate: {float: [1.0e-4, 1.0e-2], scale: log}, decay: {float: [0, 1]}}",
            size: .infinity),
        SpaceSample(
            name: "conditional",
            text: """
                template:
                  network:
                    choice:
                    - {kind: plain, width: {int: [1, 3]}}
                    - {kind: dense, growth: {choice: [8, 16]}, inner: {choice: [{choice: [p, q, r]}, none]}}
                    - {kind: none}
                """, size: 3 + 2 * 4 + 1),
        SpaceSample(
            name: "independent",
            text: "template: {blocks: {repeat: {kind: {choice: [a, b]}, width: {int: [1, 3]}}, count: {int: [0, 3]}}}",
            size: 1 + 6 + 36 + 216),
        SpaceSample(
            name: "tied",
            text: """
                template:
                  blocks: {repeat: {kind: {choice: [a, b]}, width: {int: [1, 3]}}, count: {choice: [0, 2, 4, 2]}, positions: tied}
                """, size: 1 + 6 + 6 + 6),
        SpaceSample(
            name: "definitions",
            text: """
                definitions:
                  block: {choice: [{reference: residual}, plain]}
                  residual: {kind: residual, width: {int: [1, 2]}}
                template: {first: {reference: block}, blocks: {repeat: {reference: block}, count: 2}}
                """, size: 27),
        SpaceSample(
            name: "shared",
            text: """
                shared:
                  width: {int: [1, 3]}
                  norm: {choice: [none, {kind: batch, width: {reference: width}}]}
                  depth: {int: [1, 2]}
                template:
                  head: {choice: [{reference: width}, fixed]}
                  body: {repeat: {norm: {reference: norm}, kernel: {choice: [3, 5]}}, count: {reference: depth}}
                  tail: {repeat: {reference: width}, count: {reference: depth}}
                """, size: 2 * 3 * 2 * (2 + 4)),
        SpaceSample(
            name: "shared, conditional",
            text: """
                shared:
                  width: {int: [1, 3]}
                template:
                  a: {choice: [{reference: width}, 0]}
                  b: {choice: [{reference: width}, 0]}
                """, size: 3 + 3 + 3 + 1),
        SpaceSample(name: "bare", text: "template: {choice: [{choice: [1, 2]}, {repeat: {choice: [3, 4]}, count: 2}]}", size: 6),
        SpaceSample(
            name: "shared key", text: "shared: {w: {int: [1, 2]}}\ntemplate: {shared: {w: {int: [1, 3]}}, x: {reference: w}}",
            size: 6),
    ]

    static func named(_ name: String) throws -> SearchSpace { try #require(all.first { $0.name == name }).space() }
}
