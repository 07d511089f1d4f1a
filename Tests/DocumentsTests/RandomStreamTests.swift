import Foundation
import RandomStreams
import Testing

@Suite struct RandomStreamTests {
    @Test func numpyFirstValues() {
        var state = NumpyRandomState(seed: 0)
        for expected in [1.76405235, 0.40015721, 0.97873798, 2.24089320] {
            #expect(abs(state.normal() - expected) < 5e-9)
        }
    }

    @Test func philoxKnownAnswer() {
        // Random123's kat_vectors: philox4x32, 10 rounds, counter 0, key 0.
        var stream = RandomStream(seed: 0)
        #expect((0..<4).map { _ in stream.nextWord() } == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    }

    @Test func positionResumes() {
        var whole = RandomStream(seed: 7).split("data").split(3)
        for _ in 0..<5 { _ = whole.nextWord() }
        var resumed = RandomStream(seed: whole.key, position: whole.position)
        for _ in 0..<20 { #expect(whole.next() == resumed.next()) }
    }

    @Test func splitsAreIndependentOfDraws() {
        var stream = RandomStream(seed: 1)
        let before = stream.split("a")
        _ = stream.next()
        #expect(stream.split("a") == before)
        #expect(stream.split("a").key != stream.split("b").key)
        #expect(stream.split(1).key != stream.split(2).key)
    }

    @Test func moments() {
        var stream = RandomStream(seed: 5)
        var sum = 0.0, squares = 0.0
        let count = 100_000
        for _ in 0..<count { let x = stream.normal(); sum += x; squares += x * x }
        #expect(abs(sum / Double(count)) < 0.015)
        #expect(abs(squares / Double(count) - 1) < 0.02)
    }
}

@Suite struct PoissonTests {
    /// Frequencies against the law's probabilities, on both sides of where the method changes.
    @Test(arguments: [0.0, 0.3, 4, 9.9, 10.1, 37, 1000]) func countsHaveTheirProbabilities(mean: Double) {
        var stream = RandomStream(seed: 5).split("poisson")
        let draws = 200_000
        var frequencies: [Int: Int] = [:]
        for _ in 0..<draws { frequencies[stream.poisson(mean: mean), default: 0] += 1 }
        let deviation = mean.squareRoot()
        for count in max(0, Int(mean - 4 * deviation))...Int(mean + 4 * deviation) {
            let probability = mean == 0 ? (count == 0 ? 1 : 0) : exp(Double(count) * log(mean) - mean - lgamma(Double(count) + 1))
            let expected = probability * Double(draws)
            let found = Double(frequencies[count] ?? 0)
            #expect(abs(found - expected) <= 5.5 * expected.squareRoot() + 2, "\(count): \(found), expected \(expected)")
        }
        #expect(frequencies.values.reduce(0, +) == draws && frequencies.keys.allSatisfy { $0 >= 0 })
    }
}
