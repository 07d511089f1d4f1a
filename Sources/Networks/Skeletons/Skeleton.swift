import Documents

/// How blocks are wired from the input's channels to the output's. Adding a skeleton is one file that conforms to this and one
/// line in `skeletonCatalogue`. A skeleton's kind is its networks' family.
package protocol Skeleton: Sendable {
    /// The word after `kind:`.
    static var kind: String { get }
    /// Small skeleton documents that the law suites run, with this block in one place at least.
    static func samples(block: Document) -> [Document]

    /// Reads the skeleton's mapping.
    /// - Throws: a located `InputError`; unknown keys are refused.
    init(_ document: Document) throws
    /// Every field, defaults filled in.
    var document: Document { get }
    /// Heights and widths must be multiples of this.
    var sizeMultiple: Int { get }
    /// How many exits a network has: 1, or as many as its router chooses from or its training supervises.
    var exitCount: Int { get }
    /// Whether a router decides for each image at which exit it leaves; else it leaves at the last.
    var hasRouter: Bool { get }
    /// Adds the network: `[N, H, W, input.channels]` to `[N, H, W, channels]`; `gain` scales how the last convolution starts.
    func build(_ builder: inout NetworkBuilder, _ input: FeatureMap, channels: Int, gain: Double) -> FeatureMap
}

extension Skeleton {
    package var exitCount: Int { 1 }
    package var hasRouter: Bool { false }

    /// The skeleton's mapping with its kind first.
    func document(_ fields: [(String, Document)]) -> Document { .object([("kind", .string(Self.kind))] + fields) }
}

/// Every skeleton. Parsing and the law suites iterate this list.
package let skeletonCatalogue: [any Skeleton.Type] = [
    ChainSkeleton.self, NestedUNetSkeleton.self, SwinSkeleton.self, MobileSkeleton.self, DynamicSkeleton.self, UNetSkeleton.self,
]

/// Reads `{kind: KIND, ...}`.
package func parseSkeleton(_ document: Document) throws -> any Skeleton {
    let kind = try document.required("kind").word("kind", of: skeletonCatalogue.map { $0.kind })
    guard let type = skeletonCatalogue.first(where: { $0.kind == kind }) else { preconditionFailure(kind) }
    return try type.init(document)
}

/// The smallest number that all of these divide; 1 of none.
package func leastCommonMultiple(_ numbers: [Int]) -> Int {
    func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }
    return numbers.reduce(1) { $0 / greatestCommonDivisor($0, $1) * $1 }
}

/// The channels of a skeleton, 1 to 1024.
func parseWidth(_ document: Document) throws -> Int { try document.required("width").int("width", in: 1...1024) }
