/// A rectangle in pixels, y downwards.
struct Box: Equatable {
    var left: Double
    var top: Double
    var right: Double
    var bottom: Double

    init(left: Double, top: Double, right: Double, bottom: Double) {
        (self.left, self.top, self.right, self.bottom) = (left, top, right, bottom)
    }

    init(x: Double, y: Double, width: Double, height: Double) {
        self.init(left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2)
    }

    var x: Double { (left + right) / 2 }
    var y: Double { (top + bottom) / 2 }

    func overlaps(_ other: Box) -> Bool {
        left < other.right && other.left < right && top < other.bottom && other.top < bottom
    }

    func contains(_ other: Box) -> Bool {
        left <= other.left && top <= other.top && right >= other.right && bottom >= other.bottom
    }
}

/// Finds places for labels beside their marks: never over a taken box, rarely over what is in the background.
struct LabelPlacer {
    let bounds: Box
    private(set) var taken: [Box] = []
    private var background: [(box: Box, cost: Double)] = []

    init(bounds: Box) { self.bounds = bounds }

    mutating func take(_ box: Box) { taken.append(box) }
    mutating func avoid(_ box: Box, cost: Double) { background.append((box, cost)) }

    /// Takes and returns the best free box of that size near a mark, and whether it stands so far off that a line must
    /// lead to it. Nil when there is no free place.
    mutating func place(width: Double, height: Double, x: Double, y: Double, radius: Double) -> (box: Box, isFar: Bool)? {
        let directions: [(Double, Double)] = [
            (-0.75, -0.75), (0.75, 0.75), (0.75, -0.75), (-0.75, 0.75), (1, 0), (-1, 0), (0, -1), (0, 1),
        ]
        var best: (box: Box, isFar: Bool, cost: Double)?
        for (ring, reach) in [0.0, 9, 20, 34].enumerated() {
            for (turn, direction) in directions.enumerated() {
                let distance = radius + 2 + reach
                let box = Box(
                    x: x + direction.0 * (distance + width / 2), y: y + direction.1 * (distance + height / 2),
                    width: width, height: height)
                guard bounds.contains(box), !taken.contains(where: box.overlaps) else { continue }
                let under = background.reduce(0) { $0 + ($1.box.overlaps(box) ? $1.cost : 0) }
                let cost = under + Double(ring) * 1.5 + Double(turn) * 0.05
                if cost < best?.cost ?? .infinity { best = (box, ring > 0, cost) }
            }
        }
        guard let best else { return nil }
        taken.append(best.box)
        return (best.box, best.isFar)
    }
}
