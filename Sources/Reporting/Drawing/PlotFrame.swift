/// The rectangle between two axes, with title, grid, ticks and axis titles.
struct PlotFrame {
    let horizontal: Axis
    let vertical: Axis
    /// Left, top, right and bottom edge, in pixels.
    let box: Box

    func x(_ value: Double) -> Double { box.left + min(max(horizontal.fraction(value), 0), 1) * (box.right - box.left) }
    func y(_ value: Double) -> Double { box.bottom - min(max(vertical.fraction(value), 0), 1) * (box.bottom - box.top) }

    func draw(into canvas: inout SVGCanvas, title: String, subtitle: String, horizontalTitle: String, verticalTitle: String) {
        let room = canvas.width - box.left - 14
        canvas.text(
            shortened(title, to: room, size: 17), x: box.left, y: box.top - 32, size: 17, weight: "bold", class: "title")
        canvas.text(
            shortened(subtitle, to: room, size: 12), x: box.left, y: box.top - 13, size: 12, fill: Ink.muted, class: "subtitle")
        for tick in horizontal.ticks {
            let place = x(tick)
            canvas.line((place, box.top), (place, box.bottom), stroke: Ink.grid, class: "grid")
            canvas.line((place, box.bottom), (place, box.bottom + 5), stroke: Ink.frame, class: "tick")
            canvas.text(horizontal.label(tick), x: place, y: box.bottom + 19, anchor: "middle", class: "label")
        }
        for tick in horizontal.minorTicks {
            canvas.line((x(tick), box.bottom), (x(tick), box.bottom + 3), stroke: Ink.frame, class: "tick")
        }
        for tick in vertical.ticks {
            let place = y(tick)
            canvas.line((box.left, place), (box.right, place), stroke: Ink.grid, class: "grid")
            canvas.line((box.left - 5, place), (box.left, place), stroke: Ink.frame, class: "tick")
            canvas.text(vertical.label(tick), x: box.left - 9, y: place + 4, anchor: "end", class: "label")
        }
        for tick in vertical.minorTicks {
            canvas.line((box.left - 3, y(tick)), (box.left, y(tick)), stroke: Ink.frame, class: "tick")
        }
        canvas.line((box.left, box.bottom), (box.right, box.bottom), stroke: Ink.frame, class: "axis")
        canvas.line((box.left, box.top), (box.left, box.bottom), stroke: Ink.frame, class: "axis")
        canvas.text(
            horizontalTitle, x: (box.left + box.right) / 2, y: box.bottom + 42, size: 13, anchor: "middle", class: "axis-title")
        canvas.text(
            verticalTitle, x: box.left - 52, y: (box.top + box.bottom) / 2, size: 13, anchor: "middle", rotated: true,
            class: "axis-title")
    }
}
