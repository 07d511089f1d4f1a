import Trials

/// All trials of a study in two metrics, with the front, the reference networks and what is better.
package struct FrontPlot: Sendable {
    let picture: StudyPicture
    let marks: FrontMarks
    let style: FamilyStyle
    let horizontal: Metric
    let vertical: Metric
    let frame: PlotFrame
    let betterRight: Bool?
    let betterUp: Bool
    var canvas = SVGCanvas(width: 920, height: 580)
    var placer: LabelPlacer

    /// - Parameters:
    ///   - x: the horizontal metric; without it the first of the two first objectives that is a cost.
    ///   - y: the vertical metric; without it the other one. A study of one objective shows it over the trials' numbers.
    package init(_ picture: StudyPicture, x: String? = nil, y: String? = nil) {
        self.picture = picture
        let free = picture.objectives.map(\.metric).filter { $0 != x && $0 != y }.prefix(2)
        let cost = free.first { picture.direction($0) == .minimize } ?? free.dropFirst().first
        let upright = y ?? free.first { x != nil || $0 != cost } ?? free.first ?? "psnr_db"
        let across = x ?? [cost, y == nil ? nil : free.first].compactMap { $0 }.first { $0 != upright }
        marks = FrontMarks(picture, x: across, y: upright)
        style = FamilyStyle(picture.trials.map(\.family) + picture.front.map(\.family))
        vertical = Metric.named(upright)
        horizontal = across.map(Metric.named) ?? Metric(name: "number", title: "trial number", unit: "", digits: 0)
        betterRight = across.map { picture.direction($0) == .maximize }
        betterUp = picture.direction(upright) == .maximize
        let box = Box(left: 74, top: 66, right: 728, bottom: 524)
        let columns = marks.span(\.x, of: \.x, direction: across.map(picture.direction) ?? .minimize)
        let rows = marks.span(\.y, of: \.y, direction: picture.direction(upright))
        frame = PlotFrame(
            horizontal: Self.axis(across == nil ? picture.trials.map { Double($0.number) } : columns, horizontal),
            vertical: Self.axis(rows, vertical), box: box)
        placer = LabelPlacer(bounds: box)
    }

    /// The picture as a document of its own.
    package var svg: String {
        var plot = self
        return plot.draw()
    }

    /// Both in shown units: stored value times the metric's scale.
    private static func axis(_ values: [Double], _ metric: Metric) -> Axis {
        let shown = values.map { $0 * metric.scale }
        let spread = (shown.min() ?? 0) > 0 && (shown.max() ?? 0) > 10 * (shown.min() ?? 0)
        return Axis(covering: shown, logarithmic: metric.isCost && spread)
    }

    private func x(_ value: Double) -> Double { frame.x(value * horizontal.scale) }
    private func y(_ value: Double) -> Double { frame.y(value * vertical.scale) }

    private mutating func draw() -> String {
        frame.draw(
            into: &canvas, title: picture.title, subtitle: picture.summary, horizontalTitle: horizontal.axisTitle,
            verticalTitle: vertical.axisTitle)
        drawStaircase()
        for network in marks.networks {
            let places = network.map { "\(number(x($0.x))) \(number(y($0.y)))" }
            let isOnFront = marks.front.contains { $0.trial == network[0].trial }
            canvas.add("path", [
                "class": "network", "d": "M" + places.joined(separator: "L"), "fill": "none",
                "stroke": style.color(network[0].family), "stroke-width": "1", "stroke-opacity": isOnFront ? "0.75" : "0.3",
            ])
        }
        for mark in marks.background { drawBackground(mark) }
        for mark in marks.front { drawFront(mark) }
        for star in marks.references { placer.take(Box(x: x(star.x), y: y(star.y), width: 17, height: 17)) }
        for star in marks.references { drawReference(star) }
        if marks.front.isEmpty {
            let words = marks.background.isEmpty ? "no results yet" : "no complete trial yet"
            canvas.text(
                words, x: (frame.box.left + frame.box.right) / 2, y: frame.box.top + 24, size: 13, anchor: "middle",
                fill: Ink.muted, halo: true, class: "empty")
        }
        drawBetter()
        for mark in marks.front { drawLabel(mark) }
        drawLegend()
        return canvas.document(title: picture.title, description: picture.summary)
    }

    /// The border of what the front attains, to the edges of the plot on its bad side.
    private mutating func drawStaircase() {
        guard let first = marks.staircase.first, let last = marks.staircase.last else { return }
        let (box, badY) = (frame.box, betterUp ? frame.box.bottom : frame.box.top)
        let badX = betterRight == true ? box.left : box.right
        var corners = [(x: x(first.x), y: y(first.y))]
        for (before, corner) in zip(marks.staircase, marks.staircase.dropFirst()) {
            corners.append((x(corner.x), y(before.y)))
            corners.append((x(corner.x), y(corner.y)))
        }
        func path(_ places: [(x: Double, y: Double)]) -> String {
            "M" + places.map { "\(number($0.x)) \(number($0.y))" }.joined(separator: "L")
        }
        if betterRight != nil {
            let edge = [(x(first.x), badY)] + corners + [(badX, y(last.y)), (badX, badY)]
            canvas.add("path", ["class": "attained", "d": path(edge) + "Z", "fill": "#000000", "fill-opacity": "0.03"])
        }
        canvas.add("path", [
            "class": "staircase", "d": path(corners), "fill": "none", "stroke": "#555555", "stroke-width": "1.4",
            "stroke-linejoin": "round",
        ])
        for (a, b) in zip(corners, corners.dropFirst()) {
            placer.avoid(
                Box(left: min(a.x, b.x) - 1, top: min(a.y, b.y) - 1, right: max(a.x, b.x) + 1, bottom: max(a.y, b.y) + 1),
                cost: 2)
        }
    }

    func isBeyond(_ mark: FrontMarks.Mark) -> Bool {
        let places = [frame.horizontal.fraction(mark.x * horizontal.scale), frame.vertical.fraction(mark.y * vertical.scale)]
        return places.contains { $0 < 0 || $0 > 1 }
    }

    private func tooltip(_ mark: FrontMarks.Mark) -> String {
        let values = [vertical, horizontal].filter { $0.name != "number" }.map { metric in
            let value = metric == vertical ? mark.y : mark.x
            return "\(metric.text(value)) \(metric.unit.isEmpty ? metric.title : metric.unit)"
        }
        return "\(mark.label) \(mark.family ?? FamilyStyle.unknown), \(mark.state.rawValue), \(values.joined(separator: ", "))"
    }

    private mutating func drawBackground(_ mark: FrontMarks.Mark) {
        let isComplete = mark.state == .complete
        let place = (x: x(mark.x), y: y(mark.y))
        placer.avoid(Box(x: place.x, y: place.y, width: 8, height: 8), cost: 0.6)
        canvas.add("path", [
            "class": "trial \(mark.state.rawValue.lowercased())\(isBeyond(mark) ? " beyond" : "")",
            "d": style.shape(mark.family).path(x: place.x, y: place.y, radius: 3.3), "fill": style.color(mark.family),
            "fill-opacity": isComplete ? "0.4" : "0.08", "stroke": style.color(mark.family),
            "stroke-opacity": isComplete ? "0.55" : "0.4", "stroke-width": "0.8",
        ], tooltip: tooltip(mark))
    }

    private mutating func drawFront(_ mark: FrontMarks.Mark) {
        let place = (x: x(mark.x), y: y(mark.y))
        placer.take(Box(x: place.x, y: place.y, width: 14, height: 14))
        canvas.add("path", [
            "class": "front", "d": style.shape(mark.family).path(x: place.x, y: place.y, radius: 6),
            "fill": style.color(mark.family), "stroke": Ink.text, "stroke-width": "1.1",
        ], tooltip: tooltip(mark))
    }

    private mutating func drawReference(_ star: FrontMarks.Star) {
        let place = (x: x(star.x), y: y(star.y))
        canvas.add("path", [
            "class": "reference", "d": MarkShape.star(x: place.x, y: place.y, radius: 9), "fill": Ink.text,
            "stroke": Ink.paper, "stroke-width": "1",
        ], tooltip: "\(star.name), \(vertical.text(star.y)) \(vertical.unit), \(horizontal.text(star.x)) \(horizontal.unit)")
        label(star.name, at: place, radius: 8, size: 11.5, weight: "bold")
    }

    private mutating func drawLabel(_ mark: FrontMarks.Mark) {
        label(mark.label, at: (x(mark.x), y(mark.y)), radius: 6, size: 11, weight: "normal")
    }

    private mutating func label(_ text: String, at place: (x: Double, y: Double), radius: Double, size: Double, weight: String) {
        let width = textWidth(text, size: size) + 4
        guard let found = placer.place(width: width, height: size + 2, x: place.x, y: place.y, radius: radius) else { return }
        if found.isFar {
            let near = (x: min(max(place.x, found.box.left), found.box.right), y: min(max(place.y, found.box.top), found.box.bottom))
            canvas.line(place, near, stroke: Ink.frame, width: 0.7, class: "leader")
        }
        canvas.text(
            text, x: found.box.x, y: found.box.y + size * 0.36, size: size, anchor: "middle", weight: weight, halo: true,
            class: "mark-label")
    }

    /// An arrow towards the better corner, in it or, where that is taken, in the next free corner.
    private mutating func drawBetter() {
        let (box, size) = (frame.box, (width: 84.0, height: 30.0))
        let right = betterRight ?? true
        let corners = [(right, betterUp), (right, !betterUp), (!right, betterUp), (!right, !betterUp)]
        let boxes = corners.map { right, up in
            Box(
                x: right ? box.right - size.width / 2 - 6 : box.left + size.width / 2 + 6,
                y: up ? box.top + size.height / 2 + 6 : box.bottom - size.height / 2 - 6, width: size.width, height: size.height)
        }
        let place = boxes.first { candidate in !placer.taken.contains(where: candidate.overlaps) } ?? boxes[0]
        placer.take(place)
        let sides = (x: betterRight.map { $0 ? 1.0 : -1 } ?? 0, y: betterUp ? -1.0 : 1)
        let center = (x: place.left + 15, y: place.y)
        let reach = sides.x == 0 ? 11.0 : 9
        let tip = (x: center.x + sides.x * reach, y: center.y + sides.y * reach)
        canvas.line((center.x - sides.x * reach, center.y - sides.y * reach), tip, stroke: Ink.muted, width: 1.8, class: "better")
        let wings: [(Double, Double)] = sides.x == 0 ? [(-5, -sides.y * 6), (5, -sides.y * 6)] : [(-sides.x * 8, 0), (0, -sides.y * 8)]
        for wing in wings { canvas.line(tip, (tip.x + wing.0, tip.y + wing.1), stroke: Ink.muted, width: 1.8, class: "better") }
        canvas.text("better", x: place.left + 33, y: place.y + 4, size: 13, fill: Ink.muted, halo: true, class: "better")
    }
}
