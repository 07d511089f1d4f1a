import COpenBLAS
import RandomStreams
import Search
import Testing

@Suite struct FidelityModelLaws {
    /// A metric that is the same at every rung stays as it is, whatever went on; without pairs everything does.
    @Test func whatDoesNotChangeIsNotChanged() {
        let all = [1.0, 2.5, 4, 8]
        for pairs in [[], [(2.5, 2.5)], [(1.0, 1.0), (8.0, 8.0)]] as [[(early: Double, late: Double)]] {
            let line = RungLine(pairs, all: all)
            for value in all { #expect(abs(line(value) - value) < 1e-12) }
        }
    }

    /// One pair shifts alone; many tell the slope; an order is never turned round.
    @Test func pairsTellTheLine() {
        let all = (0..<40).map { Double($0) / 4 }
        #expect(abs(RungLine([(2, 5)], all: all)(3) - 6) < 1e-12)
        let many = RungLine(all.map { ($0, 7 + 0.5 * $0) }, all: all)
        #expect(abs(many(4) - 9) < 0.1)
        let falling = RungLine(all.map { ($0, -$0) }, all: all)
        #expect(falling(2) > falling(1))
    }

    private typealias Result = (size: Double, family: Int, value: Double)

    /// Losses that fall with the size, each family's from its own level.
    private func results(_ count: Int, family: Int = 0, from size: Double = 18, level: Double = 5) -> [Result] {
        (0..<count).map { (size: size + Double($0) / 4, family: family, value: level - 0.7 * (size - 18 + Double($0) / 4)) }
    }

    private func fall(_ results: [Result], from size: Double = 18, to other: Double = 20) -> Double {
        let trend = SizeTrend(results)
        return trend(size) - trend(other)
    }

    /// The slope is that of many results and less of a few; one that failed hardly turns it, and without a spread of sizes, or with one
    /// result, nothing is foretold.
    @Test func theTrendIsThatOfTheSizes() {
        let whole: Double = 0.7 * 2
        #expect(abs(fall(results(24)) - whole) < 0.1 * whole)
        #expect(abs(fall(results(24) + [(size: 18.3, family: 0, value: 40)]) - whole) < 0.2 * whole)
        #expect(fall(results(2)) < 0.8 * whole)
        #expect(fall(results(1)) == 0)
        #expect(fall(results(12).map { (size: 20, family: 0, value: $0.value) }) == 0)
    }

    /// Small networks of a good family and large ones of a bad one do not make size look bad, though few results make it less good.
    @Test func familiesShareTheTrendAndNotTheLevel() {
        let whole: Double = 0.7 * 2
        let both = results(12) + results(12, family: 1, from: 20, level: 11)
        #expect(fall(both) > 0.4 * whole && fall(both) < whole, "\(fall(both))")
    }

    /// A bent course is followed; a little beyond the sizes seen the trend is level.
    @Test func theTrendBendsAndEndsLevel() {
        let bent = results(24).map { (size: $0.size, family: 0, value: ($0.size - 24) * ($0.size - 24)) }
        #expect(fall(bent, to: 19) > 2 * fall(bent, from: 22, to: 23))
        #expect(fall(bent, from: 23.75, to: 24.5) != 0)
        #expect(fall(bent, from: 25, to: 40) == 0)
    }

    /// LAPACK's factor and inverse in our layout, over sizes that do not divide a vector's width.
    @Test(arguments: [1, 2, 7, 33]) func choleskyIsThatOfTheMatrix(_ count: Int) {
        var stream = RandomStream(seed: 4).split(count)
        let root = (0..<count).map { row in (0..<count).map { $0 > row ? 0 : $0 == row ? 1 + stream.uniform() : stream.normal() / 4 } }
        func entry(_ row: Int, _ column: Int) -> Double { (0..<count).reduce(0) { $0 + root[row][$1] * root[column][$1] } }
        var matrix = Array(repeating: Double.nan, count: count * count)
        for row in 0..<count { for column in 0...row { matrix[row * count + column] = entry(row, column) } }
        #expect(halcyon_cholesky(&matrix, Int32(count)) == 0)
        for row in 0..<count { for column in 0...row { #expect(abs(matrix[row * count + column] - root[row][column]) < 1e-9) } }
        #expect(halcyon_cholesky_inverse(&matrix, Int32(count)) == 0)
        func inverse(_ row: Int, _ column: Int) -> Double { matrix[max(row, column) * count + min(row, column)] }
        for row in 0..<count {
            for column in 0..<count {
                let product = (0..<count).reduce(0) { $0 + entry(row, $1) * inverse($1, column) }
                #expect(abs(product - (row == column ? 1 : 0)) < 1e-8)
            }
        }
        var indefinite = [1.0, 2, 2, 1]
        #expect(halcyon_cholesky(&indefinite, 2) > 0)
    }
}
