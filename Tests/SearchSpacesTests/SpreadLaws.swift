import Documents
import RandomStreams
import SearchSpaces
import Testing

@Suite struct SpreadLaws {
    private func space(_ text: String) throws -> SearchSpace { try SearchSpace(.parse("halcyon: 1\n" + text, file: "s.yaml")) }

    @Test(arguments: SpaceSample.all) func samplesBelongToTheSpace(_ sample: SpaceSample) throws {
        let space = try sample.space()
        let sampler = SpreadSampler(space)
        var (stream, again) = (RandomStream(seed: 4), RandomStream(seed: 4))
        var uses: [Alternative: Int] = [:]
        for index in 0..<60 {
            let omission: SpreadSampler.Omission = [.none, .inner, .all][index % 3]
            let genotype = sampler.sample(uses: uses, omission: omission, using: &stream)
            #expect(space.contains(genotype))
            #expect(sampler.sample(uses: uses, omission: omission, using: &again) == genotype)
            for alternative in space.alternatives(of: genotype) { uses[alternative, default: 0] += 1 }
        }
    }

    /// Every genotype takes an alternative of each common choice, and of no other choice do all genotypes.
    @Test(arguments: SpaceSample.all) func commonChoicesAreThoseOfEveryGenotype(_ sample: SpaceSample) throws {
        let space = try sample.space()
        guard let all = space.allGenotypes(limit: 1000) else { return }
        let made = all.map { Set(space.alternatives(of: $0).map(\.choice)) }
        let common = made.dropFirst().reduce(made[0]) { $0.intersection($1) }
        #expect(Set(space.commonAlternatives.map(\.choice)) == common)
        // Between them they take all its alternatives.
        let taken = all.reduce(into: Set<Alternative>()) { $0.formUnion(space.alternatives(of: $1)) }
        #expect(space.commonAlternatives.isSubset(of: taken))
    }

    @Test func aDefinitionsChoiceIsOneWhereverItIsUsed() throws {
        let space = try space(
            """
            definitions: {block: {choice: [a, b, c]}}
            template: {stem: {reference: block}, body: {repeat: {reference: block}, count: 2}, other: {choice: [a, b, c]}}
            """)
        #expect(space.commonAlternatives.count == 6)
        let sampler = SpreadSampler(space)
        var stream = RandomStream(seed: 1)
        for _ in 0..<20 {
            // Three places, three kinds: each network holds all of them.
            let genotype = sampler.sample(uses: [:], using: &stream)
            #expect(space.alternatives(of: genotype).count == 4)
        }
    }

    @Test func alternativesTakeTurnsAlsoWhenNested() throws {
        let space = try space("template: {choice: [a, {choice: [b, {choice: [c, {choice: [d, e]}]}]}]}")
        let sampler = SpreadSampler(space)
        for seed in 0..<50 as Range<UInt64> {
            var stream = RandomStream(seed: seed)
            var uses: [Alternative: Int] = [:]
            var found: Set<String> = []
            for _ in 0..<5 {
                let genotype = sampler.sample(uses: uses, using: &stream)
                for alternative in space.alternatives(of: genotype) { uses[alternative, default: 0] += 1 }
                found.insert(space.resolve(genotype).json)
            }
            #expect(found.count == 5)
        }
    }

    @Test func omissionLeavesRoomForTheOthers() throws {
        let space = try space("template: {choice: [a, b, c, d]}")
        let sampler = SpreadSampler(space)
        var stream = RandomStream(seed: 2)
        let uses = Dictionary(uniqueKeysWithValues: (1...3).map { (Alternative(choice: 0, index: $0), $0) })
        var counts: [String: Int] = [:]
        for _ in 0..<4000 {
            counts[space.resolve(sampler.sample(uses: uses, omission: .all, using: &stream)).json, default: 0] += 1
        }
        // The fewest uses among those that are left: a half, a quarter and so on, and all four once in 16.
        for (name, share) in zip(["a", "b", "c", "d"], [0.5625, 0.25, 0.125, 0.0625]) {
            #expect(abs(Double(counts["\"\(name)\"", default: 0]) / 4000 - share) < 0.04)
        }
    }
}

extension SpreadLaws {
    /// The families stand, one of them directly nested; what is inside them is passed over.
    @Test func innerOmissionKeepsTheFamilies() throws {
        let space = try space(
            """
            definitions: {block: {choice: [a, b]}}
            template: {choice: [{kind: x, block: {reference: block}}, {choice: [{kind: y, block: {reference: block}}, {kind: z}]}]}
            """)
        let sampler = SpreadSampler(space)
        // Used: x often, y often, block a often; so z comes first, and of x and y the blocks vary.
        var stream = RandomStream(seed: 8)
        var uses: [Alternative: Int] = [:]
        for _ in 0..<30 {
            let genotype = sampler.sample(uses: uses, omission: .inner, using: &stream)
            for alternative in space.alternatives(of: genotype) { uses[alternative, default: 0] += 1 }
        }
        let outer = try #require(space.decisions.first { $0.path == "" }?.choice)
        let counts = (0..<2).map { uses[Alternative(choice: outer, index: $0), default: 0] }
        #expect(abs(counts[0] - counts[1]) <= 1)
    }
}
