import Foundation

/// Named series in one pair of axes.
package struct LinePlot: Sendable, Equatable {
    package struct Series: Sendable, Equatable {
        package var name: String
        /// In the order in which they are joined; a value that is not finite breaks the line.
        package var points: [Place]

        package init(name: String, points: [Place]) {
            self.name = name
            self.points = points
        }
    }

    package struct Place: Sendable, Equatable {
        package var x: Double
        package var y: Double

        package init(_ x: Double, _ y: Double) {
            self.x = x
            self.y = y
        }

        var isFinite: Bool { x.isFinite && y.isFinite }
    }

    package var title: String
    package var subtitle: String
    package var horizontalTitle: String
    package var verticalTitle: String
    package var series: [Series]
    /// A value stays until the next one, as steps.
    package var isStepwise = false
    package var width = 760.0
    package var height = 460.0

    package init(
        title: String, subtitle: String = "", horizontalTitle: String, verticalTitle: String, series: [Series]
    ) {
        self.title = title
        self.subtitle = subtitle
        self.horizontalTitle = horizontalTitle
        self.verticalTitle = verticalTitle
        self.series = series
    }

    /// The picture as a document of its own.
    package var svg: String {
        var canvas = SVGCanvas(width: width, height: height)
        let places = series.flatMap(\.points).filter(\.isFinite)
        let legendWidth = series.count > 1 ? min(220, 60 + (series.map { textWidth($0.name, size: 12) }.max() ?? 0)) : 30
        let frame = PlotFrame(
            horizontal: Axis(covering: places.map(\.x), air: 0), vertical: Axis(covering: places.map(\.y)),
            box: Box(left: 78, top: 66, right: width - legendWidth, bottom: height - 58))
        frame.draw(
            into: &canvas, title: title, subtitle: subtitle, horizontalTitle: horizontalTitle, verticalTitle: verticalTitle)
        for (index, line) in series.enumerated() { draw(line, index, frame, into: &canvas) }
        if places.isEmpty {
            canvas.text(
                "no results yet", x: (frame.box.left + frame.box.right) / 2, y: frame.box.top + 24, size: 13,
                anchor: "middle", fill: Ink.muted, class: "empty")
        }
        if series.count > 1 { drawLegend(frame, into: &canvas) }
        return canvas.document(title: title, description: subtitle)
    }

    private static let dashes = ["none", "7 3", "2 3", "9 3 2 3"]

    private func dash(_ index: Int) -> String { Self.dashes[index / Ink.palette.count % Self.dashes.count] }
    private func shape(_ index: Int) -> MarkShape { MarkShape.allCases[index % MarkShape.allCases.count] }

    private func draw(_ line: Series, _ index: Int, _ frame: PlotFrame, into canvas: inout SVGCanvas) {
        var path = ""
        var before: Place?
        for place in line.points {
            guard place.isFinite else { before = nil; continue }
            let (x, y) = (number(frame.x(place.x)), number(frame.y(place.y)))
            if let before, isStepwise { path += "L\(x) \(number(frame.y(before.y)))" }
            path += "\(before == nil ? "M" : "L")\(x) \(y)"
            before = place
        }
        if !path.isEmpty {
            canvas.add("path", [
                "class": "series", "d": path, "fill": "none", "stroke": Ink.series(index), "stroke-width": "1.8",
                "stroke-linejoin": "round", "stroke-dasharray": dash(index),
            ], tooltip: line.name)
        }
        let finite = line.points.filter(\.isFinite)
        // Many points would hide their line: then only the last is marked.
        for place in finite.count <= 30 ? finite[...] : finite.suffix(1) {
            canvas.add("path", [
                "class": "place", "d": shape(index).path(x: frame.x(place.x), y: frame.y(place.y), radius: 3.4),
                "fill": Ink.series(index), "stroke": Ink.paper, "stroke-width": "0.8",
            ])
        }
    }

    /// Series from the best place for the last value downwards, as the lines end.
    private func drawLegend(_ frame: PlotFrame, into canvas: inout SVGCanvas) {
        let left = frame.box.right + 16
        let ends = series.map { $0.points.last(where: \.isFinite)?.y ?? -.infinity }
        var top = frame.box.top + 8
        let room = max(1, Int((frame.box.bottom - top) / 20))
        for index in series.indices.sorted(by: { (ends[$0], $1) > (ends[$1], $0) }).prefix(room) {
            canvas.add("line", [
                "class": "legend", "x1": number(left), "y1": number(top), "x2": number(left + 22), "y2": number(top),
                "stroke": Ink.series(index), "stroke-width": "1.8", "stroke-dasharray": dash(index),
            ])
            canvas.add("path", [
                "class": "legend", "d": shape(index).path(x: left + 11, y: top, radius: 3.4), "fill": Ink.series(index),
            ])
            canvas.text(
                shortened(series[index].name, to: width - left - 36, size: 12), x: left + 29, y: top + 4, class: "legend")
            top += 20
        }
    }
}
