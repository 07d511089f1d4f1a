import Trials

/// A trial's operating points in little memory: their numbers in one array, the names of their metrics shared between trials.
struct PackedPoints: Sendable {
    private var names: [String] = []
    /// For each point: its number, its threshold and each metric's value; NaN where there is none.
    private var values: [Double] = []

    init() {}

    init(_ points: [Point], like other: PackedPoints?) {
        let sorted = Set(points.flatMap(\.metrics.keys)).sorted()
        names = sorted == other?.names ?? [] ? other?.names ?? [] : sorted
        values.reserveCapacity(points.count * (2 + names.count))
        for point in points {
            values.append(Double(point.point))
            values.append(point.threshold ?? .nan)
            for name in names { values.append(point.metrics[name] ?? .nan) }
        }
    }

    var points: [Point] {
        stride(from: 0, to: values.count, by: 2 + names.count).map { place in
            var point = Point(
                point: Int(values[place]), threshold: values[place + 1].isNaN ? nil : values[place + 1], metrics: [:])
            for (index, name) in names.enumerated() where !values[place + 2 + index].isNaN {
                point.metrics[name] = values[place + 2 + index]
            }
            return point
        }
    }
}
