/// Colour and shape of each family. Known families look the same in every picture; others take what is left, by name.
struct FamilyStyle {
    private static let known = ["chain", "unetpp", "swin", "mobile", "dynamic", "unet"]
    /// How a network is called whose family nobody knows, such as a table's.
    static let unknown = "network"

    let families: [String]

    init(_ families: [String?]) {
        let names = Set(families.map { $0 ?? Self.unknown })
        self.families = Self.known.filter(names.contains) + names.subtracting(Self.known).sorted()
    }

    private func index(_ family: String?) -> Int {
        let name = family ?? Self.unknown
        if let index = Self.known.firstIndex(of: name) { return index }
        let others = families.filter { !Self.known.contains($0) }
        let place = others.firstIndex(of: name) ?? 0
        return families.count == others.count ? place : Self.known.count + place
    }

    func color(_ family: String?) -> String { Ink.series(index(family)) }
    func shape(_ family: String?) -> MarkShape { MarkShape.allCases[index(family) % MarkShape.allCases.count] }
}
