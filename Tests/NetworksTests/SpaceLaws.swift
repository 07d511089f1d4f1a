import Documents
import Networks
import RandomStreams
import SearchSpaces
import Testing

@Suite struct SpaceLaws {
    static let spaces: [(name: String, families: Set<String>)] = [
        ("chain", ["chain"]), ("unetpp", ["unetpp"]), ("mobile", ["mobile"]), ("swin", ["swin"]),
        ("dynamic", ["dynamic"]), ("unet", ["unet"]), ("mixed", ["chain", "unetpp", "mobile", "swin", "dynamic"]),
    ]

    @Test(arguments: spaces)
    func everyPointIsANetwork(name: String, families: Set<String>) throws {
        let space = try SearchSpace.load(repository.appendingPathComponent("SearchSpaces/\(name).yaml").path)
        #expect(space.name == name)
        var stream = RandomStream(seed: 7)
        var seen: Set<String> = [], hashes: Set<String> = []
        for _ in 0..<50 {
            let candidate = space.resolve(space.sample(using: &stream))
            try candidate.checkVersion()
            let architecture = try Architecture(candidate)
            let again = try Architecture(try Document.parse(architecture.canonicalDocument.json, file: "canonical.json"))
            #expect(again.architectureHash == architecture.architectureHash && again.candidateHash == architecture.candidateHash)
            #expect(try buildGraph(again).parameters == buildGraph(architecture).parameters)
            let cost = try NetworkCost(of: architecture, height: 40, width: 36)
            #expect(cost.parameters > 0 && cost.parameters < 3_000_000 && cost.macs > 0 && cost.peakBytes > 0)
            seen.insert(architecture.family)
            hashes.insert(architecture.architectureHash)
        }
        #expect(seen == families)
        #expect(hashes.count > 45)
    }
}
