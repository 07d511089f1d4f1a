import Foundation

/// The outlines of marks: with colour, the second sign of a family.
enum MarkShape: CaseIterable {
    case circle, square, triangle, diamond, triangleDown, pentagon

    /// The outline around a place, of about the same area for every shape.
    func path(x: Double, y: Double, radius: Double) -> String {
        switch self {
        case .circle:
            "M\(number(x - radius)) \(number(y))a\(number(radius)) \(number(radius)) 0 1 0 \(number(2 * radius)) 0"
                + "a\(number(radius)) \(number(radius)) 0 1 0 \(number(-2 * radius)) 0Z"
        case .square: Self.polygon(4, x, y, radius * 1.25, turn: .pi / 4)
        case .triangle: Self.polygon(3, x, y + radius * 0.15, radius * 1.4, turn: 0)
        case .diamond: Self.polygon(4, x, y, radius * 1.3, turn: 0)
        case .triangleDown: Self.polygon(3, x, y - radius * 0.15, radius * 1.4, turn: .pi)
        case .pentagon: Self.polygon(5, x, y, radius * 1.15, turn: 0)
        }
    }

    static func star(x: Double, y: Double, radius: Double) -> String {
        let corners = (0..<10).map { corner in
            let angle = Double(corner) * .pi / 5
            let reach = corner.isMultiple(of: 2) ? radius : radius * 0.45
            return "\(number(x + reach * sin(angle))) \(number(y - reach * cos(angle)))"
        }
        return "M" + corners.joined(separator: "L") + "Z"
    }

    private static func polygon(_ count: Int, _ x: Double, _ y: Double, _ radius: Double, turn: Double) -> String {
        let corners = (0..<count).map { corner in
            let angle = turn + Double(corner) * 2 * .pi / Double(count)
            return "\(number(x + radius * sin(angle))) \(number(y - radius * cos(angle)))"
        }
        return "M" + corners.joined(separator: "L") + "Z"
    }
}
