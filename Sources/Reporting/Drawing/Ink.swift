/// The colours of every picture. Families and series use the palette of Okabe and Ito, "Color universal design", 2008,
/// which readers of every colour vision can tell apart; its yellow is left out, too faint on white.
enum Ink {
    static let paper = "#ffffff"
    static let text = "#222222"
    static let muted = "#666666"
    static let frame = "#888888"
    static let grid = "#e8e8e8"
    static let palette = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]

    static func series(_ index: Int) -> String { palette[index % palette.count] }
}
