import Reporting
import Testing

/// Expected values are those of scipy 1.17.1: `mannwhitneyu(a, b, method="asymptotic")`, `t.interval`, `kendalltau`, `spearmanr`.
@Suite struct StatisticsTests {
    @Test func mannWhitneyEqualsScipy() {
        let plain = MannWhitney([1.1, 2.2, 3.3, 4.4, 5.5, 6.6], [0.5, 1.5, 2.5, 2.6, 3.1])
        #expect(plain.u == 23.0 && abs(plain.p - 0.17090352023079747) < 1e-9)
        let tied = MannWhitney([1, 2, 2, 3, 3, 3, 4], [2, 3, 3, 4, 4, 5, 5, 6])
        #expect(tied.u == 11.0 && abs(tied.p - 0.04988443697992588) < 1e-9)
        #expect(MannWhitney([1, 1], [1, 1, 1]).p == 1)
    }

    private static let samples = [
        [1.5, 2.5, 2.5, 4.0, 5.5, 6.0, 3.0, 8.0], [2.0, 1.0, 3.0, 3.0, 6.0, 5.0, 2.5, 7.0], [1, 2, 3, 3, 5, 4, 6, 7],
    ]

    @Test func rankCorrelationsEqualScipys() throws {
        let (a, b, c) = (Self.samples[0], Self.samples[1], Self.samples[2])
        #expect(abs(try #require(kendallTau(a, b)) - 0.7407407407407407) < 1e-12)
        #expect(abs(try #require(spearmanCorrelation(a, b)) - 0.8734939759036143) < 1e-12)
        #expect(abs(try #require(partialSpearmanCorrelation(a, b, given: c)) - 0.7014915415745648) < 1e-12)
        #expect(kendallTau([1, 1], [1, 2]) == nil && spearmanCorrelation([], []) == nil)
        #expect(partialSpearmanCorrelation(a, b, given: a) == nil)
    }

    /// A score is worth what it tells beyond multiply-accumulates: one that follows from them nothing, one that tells the rest much.
    @Test func aScoreIsJudgedBesideMACs() throws {
        let trials = (0..<40).map { number -> [String: Double] in
            let (macs, rest) = (Double(number % 8), Double(number * 7 % 5))
            return ["macs": macs, "parameters": 2 * macs, "psnr_db": macs + 2 * rest, "echo": macs * macs, "rest": rest]
        }
        let report = ScoreReport(trials + [["macs": 1]], metric: "psnr_db", scores: ["echo", "rest", "absent"])
        let rows = Dictionary(uniqueKeysWithValues: report.rows.map { ($0.score, $0) })
        #expect(report.rows.map(\.score) == ["parameters", "macs", "echo", "rest", "absent"])
        #expect(rows["echo"]?.kendall == rows["macs"]?.kendall && rows["echo"]?.partial == nil && rows["macs"]?.gain == nil)
        for score in ["echo", "parameters"] { #expect(abs(try #require(rows[score]?.gain)) < 0.02) }
        #expect(try #require(rows["rest"]?.gain) > 0.3)
        #expect(try #require(rows["rest"]?.partial) > 0.95)
        #expect(rows["absent"]?.count == 0 && rows["absent"]?.kendall == nil && rows["rest"]?.count == 40)
        #expect(report.text.contains("gain over MACs") && report.documents[3]["trials"] == 40)
    }

    @Test func intervalsEqualScipys() {
        let values = [0.91, 0.95, 0.93, 0.97, 0.9, 0.94, 0.96]
        let interval = MeanInterval(values)
        #expect(abs(interval.mean - 0.937142857142857) < 1e-12 && abs(interval.halfWidth - 0.023708233734407315) < 1e-4)
        let few = MeanInterval([1, 2, 4])
        #expect(abs(few.halfWidth - 3.7945830335967594) < 1e-3)
        #expect(MeanInterval([3]).halfWidth.isNaN)
    }
}
