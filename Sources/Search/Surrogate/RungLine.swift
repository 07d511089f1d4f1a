/// What a value at a lower rung foretells of the highest one: a line through the trials that reached both.
///
/// The models then learn of all rungs on one scale: where a trial stands among others after a few epochs, not that all are worse there.
/// The line is that of least squares with `prior` more pairs of slope one, spread as all values of the rung are; so a few pairs shift
/// only, and a metric that is the same at every rung stays as it is.
package struct RungLine {
    private static let prior = 2.0
    private var slope = 1.0
    /// What the line goes through.
    private var early = 0.0
    private var late = 0.0

    /// - Parameter all: the rung's values, of trials that went on and others.
    package init(_ pairs: [(early: Double, late: Double)], all: [Double]) {
        guard !pairs.isEmpty else { return }
        let count = Double(pairs.count)
        early = pairs.reduce(0) { $0 + $1.early } / count
        late = pairs.reduce(0) { $0 + $1.late } / count
        let mean = all.reduce(0, +) / Double(max(all.count, 1))
        let spread = all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(all.count, 1))
        var (squares, products) = (Self.prior * spread, Self.prior * spread)
        for pair in pairs {
            squares += (pair.early - early) * (pair.early - early)
            products += (pair.early - early) * (pair.late - late)
        }
        if squares > 0 { slope = max(products / squares, 0.05) }
    }

    package func callAsFunction(_ value: Double) -> Double { late + slope * (value - early) }
}
