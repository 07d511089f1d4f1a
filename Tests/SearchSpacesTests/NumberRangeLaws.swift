import Documents
import RandomStreams
import SearchSpaces
import Testing

/// Numbers on all scales, with and without steps.
@Suite struct NumberRangeLaws {
    @Test func stepsOfFloatsAreShortAndComplete() {
        let range = FloatRange(low: 0, high: 1, step: 0.1)
        #expect((0..<11).map(range.value) == [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1])
        #expect(range.count == 11)
        // The highest is the last step.
        let uneven = FloatRange(low: 0.5, high: 2.2, step: 0.5, scale: .log)
        #expect(uneven.high == 2 && uneven.count == 4)
        #expect(FloatRange(low: 1e-4, high: 1e-3, step: 1e-4, scale: .log).count == 10)
        #expect(FloatRange(low: 0, high: 1).count == nil && FloatRange(low: 2, high: 2).count == 1)
    }

    @Test(arguments: [Scale.linear, .log]) func whatMakesNumbersStaysOnTheSteps(_ scale: Scale) throws {
        let text = """
            halcyon: 1
            template: [{float: [0.5, 9.7], step: 0.7, scale: \(scale)}, {int: [2, 50], step: 7, scale: \(scale)}, {float: [0.5, 9.7], scale: \(scale)}]
            """
        let space = try SearchSpace(.parse(text, file: "s.yaml"))
        let vectors = DecisionVectors(space)
        var stream = RandomStream(seed: 3)
        var counts: [Double: Int] = [:]
        for _ in 0..<2_000 {
            let first = vectors.sample(using: &stream)
            counts[first[0], default: 0] += 1
            for vector in [first, vectors.edited(first, edits: 2, using: &stream), vectors.bred(first, first, crossover: 0.5, mutation: 1, using: &stream)] {
                #expect(space.contains(vectors.genotype(vector)))
            }
        }
        #expect(counts.count == 14)
        // On a log scale small ones come more often.
        let (low, high) = (counts[0.5, default: 0], counts[9.6, default: 0])
        #expect(scale == .log ? low > 4 * high : low < 2 * high)
        let neighbours = try space.neighbours(space.genotype(from: ["[0]": 4.0, "[1]": 9, "[2]": 5]))
        #expect(neighbours.compactMap { $0["[0]"] }.filter { $0 != .float(4) } == [.float(3.3), .float(4.7)])
    }
}
