import Documents
import Foundation
import RandomStreams
import SearchSpaces
import Testing

/// Vectors are the genotypes of the space by another name, and what is done to them stays within it.
@Suite struct DecisionVectorLaws {
    static let names = ["chain", "unetpp", "swin", "mobile", "dynamic", "unet", "mixed"]

    private func space(_ name: String) throws -> SearchSpace {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return try SearchSpace.load(root.appending(path: "SearchSpaces/\(name).yaml").path)
    }

    @Test(arguments: names) func genotypesGoThereAndBack(_ name: String) throws {
        let space = try space(name)
        let vectors = DecisionVectors(space)
        for seed in 0..<60 as Range<UInt64> {
            var (a, b) = (RandomStream(seed: seed), RandomStream(seed: seed))
            let genotype = space.sample(using: &a)
            let vector = vectors.vector(genotype)
            #expect(vectors.genotype(vector) == genotype)
            // The same draws in the same order.
            #expect(vectors.genotype(vectors.sample(using: &b)) == genotype)
            #expect(a.position == b.position)
        }
    }

    @Test(arguments: names) func variationStaysInTheSpace(_ name: String) throws {
        let space = try space(name)
        let vectors = DecisionVectors(space)
        var stream = RandomStream(seed: 4)
        for _ in 0..<30 {
            let (first, second) = (vectors.sample(using: &stream), vectors.sample(using: &stream))
            var children = [
                vectors.crossed(first, second, using: &stream),
                vectors.bred(first, second, crossover: 0.9, mutation: 0.1, using: &stream),
                vectors.moved(first, deviation: 0.1, probability: 0.5, replacement: 0.1, using: &stream),
            ]
            let edited = vectors.edited(first, edits: 1, using: &stream)
            #expect(vectors.genotype(edited) != vectors.genotype(first))
            children += [edited, vectors.edited(first, edits: 2, using: &stream)]
            children += vectors.neighbours(first, using: &stream).prefix(20)
            for child in children { #expect(space.contains(vectors.genotype(child))) }
        }
    }

    @Test func neighboursAreThoseOfTheSpace() throws {
        let space = try SearchSpace(
            .parse(
                "halcyon: 1\ntemplate: {repeat: {kind: {choice: [a, b, c]}, width: {int: [1, 8]}, rate: {float: [0, 1]}}, count: 3}",
                file: "s.yaml"))
        let vectors = DecisionVectors(space)
        var stream = RandomStream(seed: 2)
        let genotype = space.sample(using: &stream)
        let found = vectors.neighbours(vectors.vector(genotype), using: &stream).map(vectors.genotype)
        #expect(found == space.neighbours(genotype))
    }

    /// SBX children of two parents keep their middle on average and stay within bounds; without crossing or mutation nothing changes.
    @Test func realsAreBredWithinBounds() throws {
        let space = try SearchSpace(.parse("halcyon: 1\ntemplate: {float: [0, 1]}", file: "s.yaml"))
        let vectors = DecisionVectors(space)
        var stream = RandomStream(seed: 3)
        var sum = 0.0
        for _ in 0..<4_000 {
            let child = vectors.bred([0.4], [0.6], crossover: 1, mutation: 0, using: &stream)[0]
            #expect(child >= 0 && child <= 1)
            sum += child
            let mutant = vectors.bred([0.01], [0.01], crossover: 1, mutation: 1, using: &stream)[0]
            #expect(mutant >= 0 && mutant <= 1)
        }
        #expect(abs(sum / 4_000 - 0.5) < 0.01)
        #expect([[0.4], [0.6]].contains(vectors.bred([0.4], [0.6], crossover: 0, mutation: 0, using: &stream)))
    }
}
