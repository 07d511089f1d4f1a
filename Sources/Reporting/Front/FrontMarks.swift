import Search
import Trials

/// A front reduced to two numbers a point: what is drawn where, before any pixel.
struct FrontMarks {
    struct Mark {
        var trial: Int
        var point: Int
        var family: String?
        var state: TrialState
        var x: Double
        var y: Double

        var label: String { point == 0 ? "#\(trial)" : "#\(trial):\(point)" }
    }

    struct Star {
        var name: String
        var x: Double
        var y: Double
    }

    /// Points off the front, in the trials' order.
    private(set) var background: [Mark] = []
    private(set) var front: [Mark] = []
    private(set) var references: [Star] = []
    /// The front's corners seen in these two metrics alone, best x first.
    private(set) var staircase: [(x: Double, y: Double)] = []
    /// The points of each network with more than one, in their order.
    private(set) var networks: [[Mark]] = []

    /// Points without finite values are left out.
    /// - Parameter x: the horizontal metric; nil stands for the trial's number.
    init(_ picture: StudyPicture, x: String?, y: String) {
        func mark(_ trial: Int, _ family: String?, _ state: TrialState, _ point: Point) -> Mark? {
            guard let vertical = point.metrics[y], let horizontal = x.map({ point.metrics[$0] }) ?? Double(trial),
                vertical.isFinite, horizontal.isFinite
            else { return nil }
            return Mark(trial: trial, point: point.point, family: family, state: state, x: horizontal, y: vertical)
        }
        front = picture.front.compactMap { mark($0.trial, $0.family, .complete, $0.point) }
        let members = Set(picture.front.map { [$0.trial, $0.point.point] })
        for trial in picture.trials {
            let marks = trial.points.compactMap { mark(trial.number, trial.family, trial.state, $0) }
            background += marks.filter { !members.contains([$0.trial, $0.point]) }
            if marks.count > 1 { networks.append(marks) }
        }
        guard let x else {
            let better: (Double, Double) -> Bool = picture.direction(y) == .maximize ? (>) : (<)
            for mark in (background.filter { $0.state == .complete } + front).sorted(by: { $0.x < $1.x })
            where staircase.isEmpty || better(mark.y, staircase[staircase.count - 1].y) {
                staircase.append((mark.x, mark.y))
            }
            if let best = staircase.last, let newest = picture.trials.map(\.number).max() {
                staircase.append((Double(newest), best.y))
            }
            return
        }
        references = picture.references.compactMap { reference in
            guard let horizontal = reference.metrics[x], let vertical = reference.metrics[y], horizontal.isFinite,
                vertical.isFinite
            else { return nil }
            return Star(name: reference.name, x: horizontal, y: vertical)
        }
        let signs = (x: picture.direction(x) == .minimize ? 1.0 : -1, y: picture.direction(y) == .minimize ? 1.0 : -1)
        var plane = ParetoFront()
        for mark in front { plane.insert(trial: mark.trial, point: mark.point, losses: [mark.x * signs.x, mark.y * signs.y]) }
        staircase = plane.members().map { ($0.losses[0] * signs.x, $0.losses[1] * signs.y) }
    }

    /// Values that the axis must cover: everything but points so far on the bad side that they would squeeze the rest
    /// (beyond three interquartile ranges; Tukey, "Exploratory data analysis", 1977). Those are drawn at its end.
    func span(_ value: (Mark) -> Double, of star: (Star) -> Double, direction: Direction) -> [Double] {
        let sign = direction == .minimize ? 1.0 : -1
        let losses = (background + front).map { value($0) * sign }.sorted()
        let kept = front.map(value) + references.map(star)
        guard losses.count >= 8 else { return kept + background.map(value) }
        let (low, high) = (losses[losses.count / 4], losses[losses.count * 3 / 4])
        let limit = high + 3 * (high - low)
        return kept + background.map(value).filter { $0 * sign <= limit }
    }
}
