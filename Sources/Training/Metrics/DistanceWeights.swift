import Documents

/// The weights of a learned distance, from one file that holds all, or from several that do together: which distance it is, is what they say.
struct DistanceWeights: Sendable {
    let kind: LearnedMetricKind
    let trunk: FeatureTrunk
    /// The trunk's parameters, by the names of its graph.
    let parameters: [NamedTensor]
    /// How much each channel of each tap counts.
    let heads: [[Double]]

    /// Reads safetensors files with the published names: the heads `lin0.model.1.weight` `[1, C, 1, 1]` (or `lin0.weight`), ..., and
    /// the trunk's `net.slice1.0.weight` or torchvision's `features.0.weight`. The filters of blurs (`.filt`) mark an ST-LPIPS.
    /// - Throws: `InputError` that names the files, and what is missing in them.
    init(_ paths: [String]) throws {
        precondition(!paths.isEmpty)
        var tensors: [String: NamedTensor] = [:]
        for path in paths {
            for tensor in try SafetensorsFile.read(path) {
                guard tensors.updateValue(tensor, forKey: tensor.name) == nil else {
                    throw InputError(file: path, "has the tensor \(tensor.name), which another of the files has too", hint: "name one file of heads and one trunk")
                }
            }
        }
        let files = paths.joined(separator: ", ")
        heads = try (0..<5).map { number in
            guard let head = tensors["lin\(number).model.1.weight"] ?? tensors["lin\(number).weight"] else {
                throw InputError(
                    file: files, "the head lin\(number).model.1.weight is missing", hint: "name the file of a learned distance's linear heads, with its trunk")
            }
            return head.values.map { Double($0) }
        }
        let isShiftTolerant = tensors.keys.contains { $0.hasSuffix(".filt") }
        kind = isShiftTolerant ? .shiftTolerant : .plain
        let widths = heads.map(\.count)
        guard let trunk = kind.trunks.first(where: { $0.tapChannels == widths }) else {
            throw InputError(
                file: files, "has heads for features of \(widths) channels, those of no known trunk of \(kind.word)",
                hint: "known: \(kind.trunks.map { "\($0.title) \($0.tapChannels)" }.joined(separator: ", "))")
        }
        self.trunk = trunk
        let last = try trunk.convolutions.map { number, weight -> [NamedTensor] in
            try [("weight", weight.sizes), ("bias", [weight[0]])].map { leaf, sizes in
                guard let found = Self.trunkTensor(number, leaf, tensors) else {
                    throw InputError(
                        file: files, "holds the heads of a learned distance, but of the network that they belong to, \(trunk.title), features.\(number).\(leaf) is missing",
                        hint: "name its file too, [HEADS, TRUNK]: \(trunk.title)'s convolutions with torchvision's names")
                }
                guard found.sizes == sizes else {
                    throw InputError(file: files, "\(found.name) has the shape \(found.sizes), expected \(sizes)", hint: "expected \(trunk.title)")
                }
                return NamedTensor(name: "conv\(number).\(leaf)", sizes: sizes, values: found.values)
            }
        }
        parameters = last.flatMap { $0 } + trunk.blurs
    }

    /// `features.3.weight`, or `net.slice2.3.weight`.
    private static func trunkTensor(_ number: Int, _ leaf: String, _ tensors: [String: NamedTensor]) -> NamedTensor? {
        let names = ["features.\(number).\(leaf)"] + (1...5).map { "net.slice\($0).\(number).\(leaf)" }
        return names.lazy.compactMap { tensors[$0] }.first
    }
}
