/// The expected hypervolume improvement over a front of a point whose losses are independent random numbers: exact, for any number of
/// objectives.
///
/// What the front leaves undominated below the reference is cut into boxes, slab by slab of the last objective. A point adds to a box the
/// product over the objectives of what of its side lies above the point's loss, whose mean is a difference of two shortfalls.
/// (Emmerich, Yang, Deutz, Wang, Fonseca, "A multicriteria generalization of Bayesian global optimization", 2016; Yang et al. 2019.)
struct ExpectedGain {
    /// So many boxes at most: the front is thinned to that.
    static let mostBoxes = 4_000

    /// For each objective the sides' places, ascending; the last is the reference.
    private var bounds: [[Double]] = []
    /// The same as the models see them.
    private var warped: [[Double]] = []
    private let warps: [Warp]
    /// For each box and objective the side's lower and upper place as indices of `bounds`, -1 for one without a lower end.
    private var sides: [Int32] = []
    private let objectiveCount: Int

    init(front: [[Double]], reference: [Double], warps: [Warp]) {
        objectiveCount = reference.count
        self.warps = warps
        let inside = front.filter { point in zip(point, reference).allSatisfy { $0 < $1 } }
        var points = zip(inside, nonDominatedRanks(inside)).filter { $0.1 == 0 }.map(\.0)
        // About n^(k - 1) / (k - 1)! boxes.
        var most = 1
        while boxEstimate(most + 1) <= Double(Self.mostBoxes), most < points.count { most += 1 }
        if objectiveCount > 2, points.count > most {
            let crowding = crowdingDistances(points, ranks: Array(repeating: 0, count: points.count))
            let kept = points.indices.sorted { (crowding[$1], $0) < (crowding[$0], $1) }.prefix(most)
            points = kept.map { points[$0] }
        }
        bounds = reference.indices.map { axis in Set(points.map { $0[axis] }).sorted() + [reference[axis]] }
        warped = zip(bounds, warps).map { axis, warp in axis.map { $0 > 0 || !warp.isLogarithmic ? warp($0) : -.infinity } }
        let places = bounds.map { axis in Dictionary(uniqueKeysWithValues: axis.enumerated().map { ($1, Int32($0)) }) }
        let indexed = points.map { point in point.indices.map { places[$0][point[$0]] ?? 0 } }
        cut(indexed, axes: objectiveCount, above: [])
    }

    private func boxEstimate(_ count: Int) -> Double {
        (1..<max(objectiveCount, 2)).reduce(1.0) { $0 * Double(count) / Double($1) }
    }

    /// Appends the boxes of points in their first `axes` objectives; `above` are the sides in the further ones.
    private mutating func cut(_ points: [[Int32]], axes: Int, above: [Int32]) {
        if axes == 1 {
            sides += [-1, points.map { $0[0] }.min() ?? Int32(bounds[0].count - 1)] + above
            return
        }
        var lower: Int32 = -1
        var active: [[Int32]] = []
        for point in points.sorted(by: { $0[axes - 1] < $1[axes - 1] }) {
            if point[axes - 1] > lower {
                cut(active, axes: axes - 1, above: [lower, point[axes - 1]] + above)
                lower = point[axes - 1]
            }
            func hides(_ a: [Int32], _ b: [Int32]) -> Bool { (0..<(axes - 1)).allSatisfy { a[$0] <= b[$0] } }
            if active.contains(where: { hides($0, point) }) { continue }
            active.removeAll { hides(point, $0) }
            active.append(point)
        }
        cut(active, axes: axes - 1, above: [lower, Int32(bounds[axes - 1].count - 1)] + above)
    }

    /// - Parameter belief: means and deviations of the warped losses.
    func callAsFunction(_ belief: SurrogateModel.Belief) -> Double {
        let means = bounds.indices.map { axis in
            warps[axis].expectedShortfalls(
                below: bounds[axis], warped: warped[axis], mean: belief.means[axis], deviation: belief.deviations[axis])
        }
        var total = 0.0
        for box in stride(from: 0, to: sides.count, by: 2 * objectiveCount) {
            var product = 1.0
            for axis in 0..<objectiveCount {
                let (lower, upper) = (sides[box + 2 * axis], sides[box + 2 * axis + 1])
                product *= means[axis][Int(upper)] - (lower < 0 ? 0 : means[axis][Int(lower)])
                if product <= 0 { break }
            }
            total += max(product, 0)
        }
        return total
    }
}
