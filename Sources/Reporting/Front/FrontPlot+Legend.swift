extension FrontPlot {
    /// What the marks mean, right of the plot.
    mutating func drawLegend() {
        let left = frame.box.right + 26
        var top = frame.box.top + 10
        func entry(_ text: String, muted: Bool = false, in canvas: inout SVGCanvas) {
            canvas.text(
                shortened(text, to: canvas.width - left - 22, size: 12), x: left + 16, y: top + 4,
                fill: muted ? Ink.muted : Ink.text, class: "legend")
            top += 21
        }
        for family in style.families.prefix(14) {
            let count = picture.trials.count { ($0.family ?? FamilyStyle.unknown) == family }
            canvas.add("path", [
                "class": "legend", "d": style.shape(family).path(x: left, y: top, radius: 5.5), "fill": style.color(family),
                "stroke": Ink.text, "stroke-width": "0.8",
            ])
            entry("\(family) (\(count))", in: &canvas)
        }
        if !style.families.isEmpty { top += 8 }
        if !marks.staircase.isEmpty {
            canvas.line((left - 8, top), (left + 8, top), stroke: "#555555", width: 1.4, class: "legend")
            entry(betterRight == nil ? "best so far" : "Pareto front", in: &canvas)
        }
        let gray = "#777777"
        for (word, isComplete) in [("complete", true), ("pruned or unfinished", false)]
        where marks.background.contains(where: { ($0.state == .complete) == isComplete }) {
            canvas.add("path", [
                "class": "legend", "d": MarkShape.circle.path(x: left, y: top, radius: 3.3), "fill": gray,
                "fill-opacity": isComplete ? "0.4" : "0.08", "stroke": gray, "stroke-opacity": isComplete ? "0.55" : "0.6",
                "stroke-width": "0.8",
            ])
            entry(word, in: &canvas)
        }
        if !marks.networks.isEmpty {
            canvas.line((left - 8, top), (left + 8, top), stroke: gray, class: "legend")
            entry("one network's points", in: &canvas)
        }
        if !marks.references.isEmpty {
            canvas.add("path", ["class": "legend", "d": MarkShape.star(x: left, y: top, radius: 7), "fill": Ink.text])
            entry("reference network", in: &canvas)
        }
        let beyond = (marks.background + marks.front).count(where: isBeyond)
        if beyond > 0 { entry("\(beyond) beyond the axes", muted: true, in: &canvas) }
    }
}
