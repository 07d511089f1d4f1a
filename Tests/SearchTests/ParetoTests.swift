import RandomStreams
import Search
import Testing
import Trials

@Suite struct ParetoTests {
    /// Vectors on a coarse grid, so that ties and equal vectors happen.
    private func vectors(_ count: Int, _ axes: Int, seed: UInt64, grid: Int = 6) -> [[Double]] {
        var stream = RandomStream(seed: seed).split(axes)
        return (0..<count).map { _ in (0..<axes).map { _ in Double(stream.index(below: grid)) } }
    }

    private let objectives = [
        Objective(metric: "psnr_db", direction: .maximize, reference: 20),
        Objective(metric: "macs", direction: .minimize, reference: 100),
    ]

    @Test func dominanceRespectsDirections() {
        let better = Point(metrics: ["psnr_db": 30, "macs": 10])
        let worse = Point(metrics: ["psnr_db": 29, "macs": 10])
        let broken = Point(metrics: ["psnr_db": .nan, "macs": 1])
        #expect(dominates(better, worse, objectives: objectives))
        #expect(!dominates(worse, better, objectives: objectives))
        #expect(!dominates(better, better, objectives: objectives))
        #expect(dominates(worse, broken, objectives: objectives))
        #expect(!dominates(broken, worse, objectives: objectives))
    }

    @Test(arguments: [1, 2, 3, 4]) func ranksArePeeledFronts(_ axes: Int) {
        for seed in 0..<20 as Range<UInt64> {
            let all = vectors(40, axes, seed: seed)
            var expected = Array(repeating: 0, count: all.count)
            var left = Set(all.indices)
            var rank = 0
            while !left.isEmpty {
                let front = left.filter { index in !left.contains { dominates(all[$0], all[index]) } }
                for index in front { expected[index] = rank }
                left.subtract(front)
                rank += 1
            }
            #expect(nonDominatedRanks(all) == expected)
        }
    }

    @Test func crowdingByHand() {
        let points: [[Double]] = [[0, 4], [1, 2], [2, 1], [4, 0], [5, 5]]
        let distances = crowdingDistances(points, ranks: nonDominatedRanks(points))
        #expect(distances == [.infinity, 2.0 / 4 + 3.0 / 4, 3.0 / 4 + 2.0 / 4, .infinity, .infinity])
    }

    /// Unit cells of the grid that some point dominates, counted.
    @Test(arguments: [1, 2, 3, 4]) func hypervolumeIsTheCountOfDominatedCells(_ axes: Int) {
        for seed in 0..<12 as Range<UInt64> {
            let all = vectors(14, axes, seed: seed)
            let side = 5
            var cells = 0
            let total = (0..<axes).reduce(1) { product, _ in product * side }
            for cell in 0..<total {
                var rest = cell
                let corner = (0..<axes).map { _ in
                    defer { rest /= side }
                    return Double(rest % side)
                }
                if all.contains(where: { point in zip(point, corner).allSatisfy { $0 <= $1 } }) { cells += 1 }
            }
            let reference = Array(repeating: Double(side), count: axes)
            #expect(hypervolume(points: all, reference: reference) == Double(cells))
            // Neither order, nor dominated points, nor points outside the reference matter.
            let outside = reference.indices.map { $0 == 0 ? Double(side) : -3.0 }
            #expect(hypervolume(points: all.reversed() + [outside] + all, reference: reference) == Double(cells))
        }
        #expect(hypervolume(points: [], reference: [1, 1]) == 0)
    }

    /// The sum over all subsets of the volume that their members share, with alternating sign.
    @Test(arguments: [2, 3, 4, 5]) func hypervolumeIsInclusionAndExclusion(_ axes: Int) {
        for seed in 0..<20 as Range<UInt64> {
            var stream = RandomStream(seed: seed).split("inclusion").split(axes)
            let points = (0..<9).map { _ in (0..<axes).map { _ in stream.uniform() } }
            let reference = Array(repeating: 0.9, count: axes)
            func union(_ points: [[Double]]) -> Double {
                (1..<(1 << points.count)).reduce(0.0) { total, subset in
                    let members = points.indices.filter { subset >> $0 & 1 == 1 }
                    let shared = (0..<axes).reduce(1.0) { product, axis in
                        product * max(0, 0.9 - (members.map { points[$0][axis] }.max() ?? 0))
                    }
                    return members.count % 2 == 1 ? total + shared : total - shared
                }
            }
            let whole = union(points)
            #expect(abs(hypervolume(points: points, reference: reference) - whole) < 1e-12)
            let contributions = hypervolumeContributions(points: points, reference: reference)
            for index in points.indices {
                var others = points
                let point = others.remove(at: index)
                let gain = whole - union(others)
                #expect(abs(hypervolumeGain(of: point, over: others, reference: reference) - gain) < 1e-12)
                let isDominated = others.contains { dominates($0, point) }
                let rivals = others.filter { other in !points.contains { dominates($0, other) } }
                let alone = isDominated ? 0 : whole - (rivals.isEmpty ? 0 : union(rivals))
                #expect(abs(contributions[index] - alone) < 1e-12)
            }
        }
    }

    /// Three objectives as layers of two between the heights of the third: many steps of the staircase come and go.
    @Test(arguments: [(300, 1000), (2_000, 40), (500, 1_000_000)]) func theSweepOfManyPointsIsTheSumOfLayers(
        _ count: Int, _ grid: Int
    ) {
        let all = vectors(count, 3, seed: 5, grid: grid)
        // A concave front: most points stay.
        let points = all.map { [$0[0], $0[1], (3 * Double(grid * grid) - $0[0] * $0[0] - $0[1] * $0[1]).squareRoot().rounded()] }
        let reference = Array(repeating: Double(2 * grid), count: 3)
        let front = zip(points, nonDominatedRanks(points)).filter { $0.1 == 0 }.map(\.0)
        var (layers, top) = (0.0, reference[2])
        for height in Set(front.map { $0[2] }).sorted(by: >) {
            layers +=
                (top - height)
                * hypervolume(
                    points: front.filter { $0[2] <= height }.map { Array($0.prefix(2)) }, reference: Array(reference.prefix(2)))
            top = height
        }
        let swept = hypervolume(points: points, reference: reference)
        #expect(abs(swept - layers) <= 1e-9 * layers)
        #expect(abs(hypervolume(points: points.map { $0 + [0] }, reference: reference + [1]) - swept) <= 1e-9 * swept)
    }

    @Test func contributionsOfEqualAndDominatedPointsAreZero() {
        let points: [[Double]] = [[1, 3], [3, 1], [3, 1], [2, 2], [3, 3], [0, 9]]
        #expect(hypervolumeContributions(points: points, reference: [4, 4]) == [1, 0, 0, 1, 0, 0])
        let solid: [[Double]] = [[1, 3, 0], [3, 1, 0], [3, 1, 0], [2, 2, 0], [3, 3, 0], [0, 9, 0]]
        #expect(hypervolumeContributions(points: solid, reference: [4, 4, 2]) == [2, 0, 0, 2, 0, 0])
    }

    @Test(arguments: [2, 3]) func theFrontIsWhatIsNotDominated(_ axes: Int) {
        for seed in 0..<20 as Range<UInt64> {
            let all = vectors(30, axes, seed: seed, grid: 9)
            var front = ParetoFront()
            for (number, losses) in all.enumerated() {
                front.insert(trial: number, point: 0, losses: losses)
                let seen = all[...number]
                let expected = seen.indices.filter { index in !seen.contains { dominates($0, all[index]) } }
                #expect(Set(front.members().map(\.trial)) == Set(expected))
                let reference = Array(repeating: 8.0, count: axes)
                #expect(front.hypervolume(reference: reference) == hypervolume(points: Array(seen), reference: reference))
            }
            let order = front.members().map(\.losses)
            #expect(!zip(order, order.dropFirst()).contains { $1.lexicographicallyPrecedes($0) })
        }
    }

    @Test func aTrialIsAsGoodAsItsBestPoint() {
        let ranked = rankTrials([
            (trial: 4, points: [[5, 5]]),
            (trial: 5, points: [[9, 9], [1, 6]]),
            (trial: 6, points: []),
            (trial: 7, points: [[2, 2]]),
            (trial: 8, points: [[6, 6]]),
        ])
        #expect(ranked.map(\.trial) == [5, 7, 4, 8, 6])
        #expect(ranked.map(\.rank) == [0, 0, 1, 2, .max])
    }

    /// After members were taken off and what they hid was inserted again, the front is what comparing all with all finds.
    @Test(arguments: [1, 2, 3]) func aFrontWithoutAMemberIsTheFrontOfTheOthers(_ axes: Int) {
        for seed in 0..<20 as Range<UInt64> {
            var all = Array(vectors(40, axes, seed: seed, grid: 8).enumerated())
            var front = ParetoFront()
            for (number, losses) in all {
                let isDominated = all[..<number].contains { dominates($0.element, losses) }
                #expect(front.dominates(losses) == isDominated)
                #expect(front.insert(trial: number, point: 0, losses: losses) == !isDominated)
            }
            while let first = front.members().first, all.count > 20 {
                let removed = front.remove(trial: first.trial)
                #expect(removed == [first])
                all.removeAll { $0.offset == first.trial }
                for (number, losses) in all where removed.contains(where: { dominates($0.losses, losses) }) {
                    front.insert(trial: number, point: 0, losses: losses)
                }
                let expected = all.filter { it in !all.contains { dominates($0.element, it.element) } }.map(\.offset)
                #expect(front.members().map(\.trial).sorted() == expected)
            }
        }
    }
}
