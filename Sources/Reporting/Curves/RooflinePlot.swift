import Foundation

/// Kernels under a machine's two limits (Williams et al., "Roofline: an insightful visual performance model", 2009): arithmetic
/// intensity to the right, speed upwards, both logarithmic; a mark's area is the kernel's time. A kernel without
/// multiplications has no intensity: it stands at the left edge, as far under the roof as its traffic is.
package struct RooflinePlot: Sendable, Equatable {
    package struct Kernel: Sendable, Equatable {
        package var path: String
        package var operation: String
        package var flops: Double
        package var bytes: Double
        package var seconds: Double

        package init(path: String, operation: String, flops: Double, bytes: Double, seconds: Double) {
            self.path = path
            self.operation = operation
            self.flops = flops
            self.bytes = bytes
            self.seconds = seconds
        }
    }

    package var title: String
    package var subtitle: String
    package var kernels: [Kernel]
    package var peakGflops: Double
    package var gigabytesPerSecond: Double
    package var width = 860.0
    package var height = 520.0

    package init(title: String, subtitle: String, kernels: [Kernel], peakGflops: Double, gigabytesPerSecond: Double) {
        self.title = title
        self.subtitle = subtitle
        self.kernels = kernels
        self.peakGflops = peakGflops
        self.gigabytesPerSecond = gigabytesPerSecond
    }

    private static let lowestIntensity = 0.1

    /// Where a kernel stands: FLOP a byte, and GFLOP/s or what its traffic would be worth at the left edge.
    private func place(_ kernel: Kernel) -> (x: Double, y: Double) {
        let intensity = max(Self.lowestIntensity, kernel.flops / kernel.bytes)
        return (intensity, intensity * kernel.bytes / kernel.seconds / 1e9)
    }

    /// The picture as a document of its own.
    package var svg: String {
        let kernels = kernels.filter { $0.seconds > 0 && $0.bytes > 0 }
        let places = kernels.map(place)
        var canvas = SVGCanvas(width: width, height: height)
        let ridge = peakGflops / gigabytesPerSecond
        let frame = PlotFrame(
            horizontal: Axis(covering: [Self.lowestIntensity, ridge * 4] + places.map(\.x), logarithmic: true),
            vertical: Axis(covering: [peakGflops, gigabytesPerSecond * Self.lowestIntensity] + places.map(\.y), logarithmic: true),
            box: Box(left: 78, top: 66, right: width - 220, bottom: height - 58))
        frame.draw(
            into: &canvas, title: title, subtitle: subtitle, horizontalTitle: "multiplications and additions a byte",
            verticalTitle: "GFLOP/s")
        drawRoof(frame, ridge, into: &canvas)
        // The kinds by time, so that the first colours are those that matter.
        let times = Dictionary(grouping: kernels, by: \.operation).mapValues { $0.reduce(0) { $0 + $1.seconds } }
        let kinds = times.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
        let styles = Dictionary(uniqueKeysWithValues: kinds.enumerated().map { ($1, $0) })
        let longest = kernels.map(\.seconds).max() ?? 1
        for (kernel, place) in zip(kernels, places).sorted(by: { $0.0.seconds > $1.0.seconds }) {
            let style = styles[kernel.operation] ?? 0
            let radius = 2.5 + 11 * (kernel.seconds / longest).squareRoot()
            canvas.add("path", [
                "class": "kernel", "d": shape(style).path(x: frame.x(place.x), y: frame.y(place.y), radius: radius),
                "fill": Ink.series(style), "fill-opacity": "0.55", "stroke": Ink.series(style), "stroke-width": "0.8",
            ], tooltip: "\(kernel.path), \(kernel.operation): \(decimal(kernel.seconds * 1000, digits: 3)) ms")
        }
        drawLegend(kinds, times, frame, into: &canvas)
        return canvas.document(title: title, description: subtitle)
    }

    private func shape(_ index: Int) -> MarkShape { MarkShape.allCases[index / Ink.palette.count % MarkShape.allCases.count] }

    private func drawRoof(_ frame: PlotFrame, _ ridge: Double, into canvas: inout SVGCanvas) {
        let (low, high) = (frame.horizontal.low, frame.horizontal.high)
        let foot = max(low, frame.vertical.low / gigabytesPerSecond)
        let corners = [(foot, foot * gigabytesPerSecond), (ridge, peakGflops), (high, peakGflops)]
        for (from, to) in zip(corners, corners.dropFirst()) {
            canvas.line(
                (frame.x(from.0), frame.y(from.1)), (frame.x(to.0), frame.y(to.1)), stroke: Ink.text, width: 1.6, class: "roof")
        }
        canvas.text(
            "\(decimal(peakGflops, digits: 0)) GFLOP/s", x: frame.box.right - 6, y: frame.y(peakGflops) - 6, anchor: "end", halo: true,
            class: "roof-label")
        let middle = (low * ridge).squareRoot()
        canvas.text(
            "\(decimal(gigabytesPerSecond, digits: 1)) GB/s", x: frame.x(middle) - 8, y: frame.y(middle * gigabytesPerSecond) - 8,
            anchor: "end", halo: true, class: "roof-label")
    }

    private func drawLegend(_ kinds: [String], _ times: [String: Double], _ frame: PlotFrame, into canvas: inout SVGCanvas) {
        let left = frame.box.right + 18
        let room = max(1, Int((frame.box.bottom - frame.box.top) / 20))
        for (index, kind) in kinds.prefix(room).enumerated() {
            let y = frame.box.top + 8 + 20 * Double(index)
            canvas.add("path", [
                "class": "legend", "d": shape(index).path(x: left, y: y, radius: 4.5), "fill": Ink.series(index), "fill-opacity": "0.8",
            ])
            let text = "\(kind), \(decimal((times[kind] ?? 0) * 1000, digits: 2)) ms"
            canvas.text(shortened(text, to: width - left - 20, size: 12), x: left + 12, y: y + 4, class: "legend")
        }
    }
}
