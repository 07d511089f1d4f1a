import Reporting
import Testing

/// Expected values are those of scipy 1.17.1: `mannwhitneyu(a, b, method="asymptotic")`, `t.interval`.
@Suite struct StatisticsTests {
    @Test func mannWhitneyEqualsScipy() {
        let plain = MannWhitney([1.1, 2.2, 3.3, 4.4, 5.5, 6.6], [0.5, 1.5, 2.5, 2.6, 3.1])
        #expect(plain.u == 23.0 && abs(plain.p - 0.17090352023079747) < 1e-9)
        let tied = MannWhitney([1, 2, 2, 3, 3, 3, 4], [2, 3, 3, 4, 4, 5, 5, 6])
        #expect(tied.u == 11.0 && abs(tied.p - 0.04988443697992588) < 1e-9)
        #expect(MannWhitney([1, 1], [1, 1, 1]).p == 1)
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
