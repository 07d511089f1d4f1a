import Documents
import RandomStreams
import Search
import SearchSpaces
import Testing
import Trials

@Suite struct NoiseLaws {
    private let objectives = [
        Objective(metric: "psnr_db", direction: .maximize, reference: 20),
        Objective(metric: "latency_ms", direction: .minimize, reference: 100),
    ]

    private func point(_ quality: Double, _ latency: Double, _ deviation: Double? = nil) -> Point {
        var metrics = ["psnr_db": quality, "latency_ms": latency]
        metrics["latency_mad_ms"] = deviation
        return Point(metrics: metrics)
    }

    private func vectors(_ seed: UInt64) -> [[Double]] {
        var stream = RandomStream(seed: seed)
        return (0..<60).map { _ in [Double(stream.index(below: 12)), Double(stream.index(below: 12))] }
    }

    @Test func deviationsComeFromTheCompanion() {
        #expect(deviations(of: point(25, 3, 0.2), objectives: objectives) == [0, 0.2])
        #expect(deviations(of: point(25, 3), objectives: objectives) == [0, 0])
        #expect(deviations(of: point(25, 3, .nan), objectives: objectives) == [0, 0])
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func withoutDeviationsRanksAreExact(_ seed: UInt64) {
        let vectors = vectors(seed)
        let none = vectors.map { _ in [0.0, 0.0] }
        #expect(nonDominatedRanks(vectors, deviations: none) == nonDominatedRanks(vectors))
    }

    /// No two of a rank dominate each other, and each vector behind the first rank is dominated by one of the rank before.
    @Test(arguments: 0..<20 as Range<UInt64>) func ranksAreFrontsBeyondNoise(_ seed: UInt64) {
        let vectors = vectors(seed)
        var stream = RandomStream(seed: seed).split("noise")
        let noise = vectors.map { _ in [0.0, stream.uniform()] }
        let ranks = nonDominatedRanks(vectors, deviations: noise)
        func beats(_ a: Int, _ b: Int) -> Bool { dominates(vectors[a], vectors[b], deviations: noise[a], noise[b]) }
        for index in vectors.indices {
            let peers = vectors.indices.filter { ranks[$0] == ranks[index] }
            #expect(!peers.contains { beats($0, index) })
            let ahead = vectors.indices.filter { ranks[$0] == ranks[index] - 1 }
            #expect(ranks[index] == 0 || ahead.contains { beats($0, index) })
        }
    }

    /// Seven small networks of equal latency within noise, one of them the best, and a large one: the first rank holds two.
    @Test func equalLatenciesDoNotFillTheFirstRank() throws {
        var stream = RandomStream(seed: 1)
        let genotype = try SearchSpace(.parse("halcyon: 1\ntemplate: {int: [1, 2]}", file: "s.yaml")).sample(using: &stream)
        let small = (0..<7).map { point(25 - 0.5 * Double($0), 3 - 0.01 * Double($0), 0.1) }
        let points = small + [point(28, 40, 0.3)]
        func first(_ points: [Point]) -> [Int] {
            var scheduler = ASHAScheduler(
                fidelity: Fidelity(kind: .asha, rungs: [1, 2], reduction: 4), objectives: objectives)
            for (trial, point) in points.enumerated() {
                scheduler.observe(.started(trial: trial, genotype: genotype, resource: 1))
                scheduler.observe(.result(trial: trial, resource: 1, points: [point]))
            }
            var promoted: [Int] = []
            while case .proceed(let trial, _) = scheduler.choose(mayStart: true) {
                promoted.append(trial)
                scheduler.observe(.continued(trial: trial, resource: 2))
            }
            return promoted.sorted()
        }
        #expect(first(points) == [0, 7])
        // Told apart by the noise all eight stand first; then the volume that each alone adds chooses the same two.
        let exact = points.map { point($0.metrics["psnr_db"] ?? 0, $0.metrics["latency_ms"] ?? 0) }
        #expect(nonDominatedRanks(exact.compactMap { losses(of: $0, objectives: objectives) }) == Array(repeating: 0, count: 8))
        #expect(first(exact) == [0, 7])
    }

    /// Where each differs from the next by noise alone the front still reaches to the fastest, in steps wider than the noise.
    @Test func chainsWithinNoiseKeepTheEnds() {
        let vectors = (0..<9).map { [Double($0), -Double($0)] }
        let ranks = nonDominatedRanks(vectors, deviations: vectors.map { _ in [0, 0.5] })
        #expect(ranks == [0, 1, 0, 1, 0, 1, 0, 1, 0])
    }
}
