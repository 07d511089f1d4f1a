import Documents
import Foundation
import RandomStreams
import SearchSpaces
import Testing

/// Constraints, derived values and presets: whatever makes points makes feasible ones, and counting agrees with trying all.
@Suite struct ConstraintLaws {
    /// All points of the open space that meet the law.
    private func feasible(_ sample: ConstrainedSample) throws -> [Genotype] {
        let open = try sample.open()
        let all = try #require(open.allGenotypes(limit: 100_000))
        return try all.filter { try sample.holds(open.resolve($0)) }
    }

    @Test(arguments: ConstrainedSample.all) func theCountIsThatOfTryingAll(_ sample: ConstrainedSample) throws {
        let space = try sample.space()
        let expected = try feasible(sample)
        #expect(space.count == SpaceSize(number: Double(expected.count), isInfinite: false, isExact: true))
        #expect(space.allGenotypes(limit: expected.count) == expected)
        #expect(space.allGenotypes(limit: expected.count - 1) == nil)
    }

    @Test(arguments: ConstrainedSample.all) func everythingThatMakesPointsMakesFeasibleOnes(_ sample: ConstrainedSample) throws {
        let space = try sample.space()
        let all = Set(try feasible(sample))
        let vectors = DecisionVectors(space)
        let sampler = SpreadSampler(space)
        var stream = RandomStream(seed: 5).split(sample.name)
        var (found, samples): (Set<Genotype>, Set<Genotype>) = ([], [])
        for _ in 0..<1_000 {
            let genotype = space.sample(using: &stream)
            samples.insert(genotype)
            #expect(try sample.holds(space.resolve(genotype)))
        }
        #expect(samples.isSubset(of: all))
        #expect(samples.count > min(all.count, 300) / 2)
        for index in 0..<100 {
            let (a, b) = (space.sample(using: &stream), space.sample(using: &stream))
            let mutant = space.mutate(a, using: &stream)
            #expect((mutant != a) == (all.count > 1))
            let (first, second) = (vectors.vector(a), vectors.vector(b))
            found.formUnion([mutant, space.crossover(a, b, using: &stream)])
            found.formUnion(space.neighbours(a).prefix(20))
            found.insert(sampler.sample(uses: [:], omission: [.none, .inner, .all][index % 3], using: &stream))
            var children = [
                vectors.sample(using: &stream), vectors.crossed(first, second, using: &stream),
                vectors.edited(first, edits: 1, using: &stream), vectors.edited(first, edits: 2, using: &stream),
                vectors.bred(first, second, crossover: 0.9, mutation: 0.3, using: &stream),
                vectors.moved(first, deviation: 0.1, probability: 0.5, replacement: 0.1, using: &stream),
                vectors.walk { vectors.sample($0, using: &stream) },
            ]
            children += vectors.neighbours(first, using: &stream).prefix(20)
            found.formUnion(children.map(vectors.genotype))
            #expect(space.crossover(a, a, using: &stream) == a)
        }
        #expect(found.isSubset(of: all))
    }

    @Test(arguments: ConstrainedSample.all) func pointsRoundTripAndTheStreamDecides(_ sample: ConstrainedSample) throws {
        let space = try sample.space()
        let again = try SearchSpace(Document.parse(space.document.yaml, file: "written.yaml"))
        let vectors = DecisionVectors(space)
        #expect(again.decisions == space.decisions)
        for seed in 0..<50 as Range<UInt64> {
            var (one, two, three) = (RandomStream(seed: seed), RandomStream(seed: seed), RandomStream(seed: seed))
            let genotype = space.sample(using: &one)
            #expect(again.sample(using: &two) == genotype)
            #expect(vectors.genotype(vectors.sample(using: &three)) == genotype)
            #expect(one.position == two.position && one.position == three.position)
            #expect(vectors.genotype(vectors.vector(genotype)) == genotype)
            let read = try space.genotype(from: Document.parse(genotype.document.json, file: "genotype.json"))
            #expect(read == genotype)
            #expect(again.resolve(read) == space.resolve(genotype))
            #expect(space.encode(genotype).count == space.encodingLength)
        }
    }

    /// What is one edit away and feasible is a neighbour, with nothing else changed.
    @Test(arguments: ConstrainedSample.all) func feasibleEditsAreKept(_ sample: ConstrainedSample) throws {
        let (space, open) = (try sample.space(), try sample.open())
        var stream = RandomStream(seed: 9)
        for _ in 0..<20 {
            let genotype = space.sample(using: &stream)
            let near = Set(space.neighbours(genotype))
            #expect(!near.contains(genotype))
            for other in open.neighbours(genotype) where try sample.holds(open.resolve(other)) { #expect(near.contains(other)) }
        }
    }

    @Test(arguments: ConstrainedSample.all) func theGridGoesThroughAll(_ sample: ConstrainedSample) throws {
        let space = try sample.space()
        let vectors = DecisionVectors(space)
        let all = try feasible(sample)
        var vector: DecisionVectors.Vector?
        var found: [Genotype] = []
        for _ in all {
            let next = vectors.following(vector) { vectors.decisions[$0].count ?? 1 }
            found.append(vectors.genotype(next))
            vector = next
        }
        #expect(found == all)
        let first = vectors.following(vector) { vectors.decisions[$0].count ?? 1 }
        #expect(vectors.genotype(first) == all[0])
    }

    /// Blocks that constraints tie to one width alone are counted apart: more than could be tried.
    @Test func largeSpacesAreCounted() throws {
        let text = """
            halcyon: 1
            shared: {activation: {choice: [relu, gelu]}}
            definitions:
              block: {choice: [{kind: plain, a: {reference: activation}}, {kind: attention, heads: {choice: [1, 2, 3]}, constraints: [heads divides width]}]}
            template: {width: {int: [1, 6]}, blocks: {repeat: {reference: block}, count: {int: [1, 12]}}, rate: {float: [0, 1]}}
            """
        let space = try SearchSpace(.parse(text, file: "s.yaml"))
        var expected = 0.0
        for width in 1...6 {
            let attention = Double([1, 2, 3].filter { width % $0 == 0 }.count)
            for count in 1...12 { expected += 2 * pow(1 + attention, Double(count)) - pow(attention, Double(count)) }
        }
        #expect(space.count == SpaceSize(number: expected, isInfinite: true, isExact: true))
        #expect(space.size == .infinity)
    }

    @Test func whatCannotBeCountedIsBounded() throws {
        let text = """
            halcyon: 1
            template: {w: {repeat: {int: [1, 100]}, count: 8}}
            constraints: ["sum(w[*]) <= 400"]
            """
        let count = try SearchSpace(.parse(text, file: "s.yaml")).count
        #expect(!count.isExact && count.number == 1e16)
    }

    /// A space in which nearly nothing is feasible, and one whose constraints hang together.
    @Test func needlesAreFound() throws {
        let text = """
            halcyon: 1
            template: {q: {repeat: {int: [0, 7]}, count: 8}}
            constraints:
            \(queens)
            """
        let space = try SearchSpace(.parse(text, file: "queens.yaml"))
        var stream = RandomStream(seed: 1)
        var found: Set<Genotype> = []
        for _ in 0..<40 {
            let genotype = space.sample(using: &stream)
            let rows = try space.resolve(genotype).required("q").array().map { try $0.int() }
            for a in 0..<8 { for b in (a + 1)..<8 { #expect(rows[a] != rows[b] && abs(rows[a] - rows[b]) != b - a) } }
            found.insert(genotype)
        }
        #expect(found.count > 10)
    }

    private var queens: String {
        var lines: [String] = []
        for a in 0..<8 { for b in (a + 1)..<8 { lines.append("- \"q[\(a)] != q[\(b)] and abs(q[\(a)] - q[\(b)]) != \(b - a)\"") } }
        return lines.joined(separator: "\n")
    }
}
